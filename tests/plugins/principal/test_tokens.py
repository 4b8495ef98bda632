from __future__ import annotations

import base64
import json
import time

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from gateway.testing import scope, serve
from plugins.principal.decision import InvalidToken
from plugins.principal.keys import PAUSE, Known
from plugins.principal.tokens import LONGEST, REMEMBERED, Verifier


@pytest.fixture
def lent():
    return scope()


@pytest.fixture
async def verifier(issuer, lent, tmp_path):
    (tmp_path / "keys.json").write_bytes(issuer.jwks_bytes())
    made = Verifier(issuer.options(jwks_file=str(tmp_path / "keys.json")), Known(), lent)
    await made.open()
    return made


async def reason(verifier: Verifier, token: str) -> str:
    with pytest.raises(InvalidToken) as refused:
        await verifier.identity(token)
    return refused.value.reason


@pytest.mark.parametrize("key_id", ["ec-1", "rsa-1", None])
async def test_a_good_token_names_its_caller(issuer, verifier, key_id) -> None:
    assert await verifier.identity(issuer.token(key_id)) == "shop-1"


@pytest.mark.parametrize(
    ("claims", "told"),
    [
        ({"exp": 1}, "ExpiredSignatureError"),
        ({"exp": None}, "MissingRequiredClaimError"),
        ({"exp": "soon"}, "DecodeError"),
        ({"exp": float("inf")}, "DecodeError"),
        ({"nbf": 9e12}, "ImmatureSignatureError"),
        ({"iss": "https://other.example"}, "InvalidIssuerError"),
        ({"iss": None}, "MissingRequiredClaimError"),
        ({"aud": "refunds"}, "InvalidAudienceError"),
        ({"aud": None}, "MissingRequiredClaimError"),
        ({"sub": None}, "MissingRequiredClaimError"),
        ({"sub": 42}, "InvalidSubjectError"),
        ({"sub": ""}, "UnacceptableIdentity"),
        ({"sub": "x" * 257}, "UnacceptableIdentity"),
        ({"sub": "a\nb"}, "UnacceptableIdentity"),
    ],
)
async def test_a_token_that_says_something_else_is_refused(issuer, verifier, claims, told) -> None:
    assert await reason(verifier, issuer.token(**claims)) == told


async def test_the_client_learns_that_its_token_has_expired_and_otherwise_nothing(issuer, verifier) -> None:
    details = []
    for token in (issuer.token(exp=1), issuer.token(iss="other"), issuer.token("ec-9", key=issuer.rsa_key)):
        with pytest.raises(InvalidToken) as refused:
            await verifier.identity(token)
        details.append(refused.value.detail)

    assert details == ["The token has expired", "The token is not valid here", "The token is not valid here"]


async def test_another_issuers_signature_is_refused(issuer, verifier) -> None:
    assert await reason(verifier, issuer.token(key=ec.generate_private_key(ec.SECP256R1()))) == "InvalidSignatureError"


async def test_a_token_that_was_changed_is_refused(issuer, verifier) -> None:
    head, _, signature = issuer.token().split(".")
    claims = json.dumps({"iss": "https://id.example", "aud": "payments", "sub": "root", "exp": int(time.time()) + 60})
    forged = base64.urlsafe_b64encode(claims.encode()).rstrip(b"=").decode()

    assert await reason(verifier, f"{head}.{forged}.{signature}") == "InvalidSignatureError"


async def test_a_token_without_a_signature_is_refused(issuer, verifier) -> None:
    claims = {"iss": "https://id.example", "aud": "payments", "sub": "root", "exp": int(time.time()) + 60}

    assert await reason(verifier, jwt.encode(claims, None, algorithm="none")) == "InvalidAlgorithmError"


async def test_the_public_key_is_not_taken_for_a_shared_secret(issuer, verifier) -> None:
    def part(said) -> bytes:
        return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=")

    claims = {"iss": "https://id.example", "aud": "payments", "sub": "root", "exp": int(time.time()) + 60}
    signing = part({"alg": "HS256", "kid": "rsa-1"}) + b"." + part(claims)
    signature = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(signing, issuer.pem())
    forged = signing + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")

    assert await reason(verifier, forged.decode()) == "InvalidAlgorithmError"


async def test_a_signature_by_a_weak_key_is_refused(issuer, lent, tmp_path) -> None:
    issuer.rsa_key = rsa.generate_private_key(65537, 1024)
    (tmp_path / "key.pem").write_bytes(issuer.pem())
    verifier = Verifier(issuer.options(key_file=str(tmp_path / "key.pem")), Known(), lent)
    await verifier.open()
    with pytest.warns(jwt.InsecureKeyLengthWarning):
        token = issuer.token("rsa-1")

    assert await reason(verifier, token) == "InvalidKeyError"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b",
        "a.b.c",
        "....",
        "\u00e9.\u00e9.\u00e9",
        base64.urlsafe_b64encode(b'{"alg":"RS256","x":' + b"[" * 9000).decode() + ".e30.AA",
        base64.urlsafe_b64encode(b'{"alg":["RS256"]}').decode() + ".e30.AA",
        base64.urlsafe_b64encode(b'{"alg":"RS256","kid":7}').decode() + ".e30.AA",
        base64.urlsafe_b64encode(b'{"alg":"RS256","crit":["x"]}').decode() + ".e30.AA",
        base64.urlsafe_b64encode(b"[]").decode() + ".e30.AA",
        "x" * (LONGEST + 1),
    ],
)
async def test_what_is_no_token_is_refused(verifier, token) -> None:
    assert await reason(verifier, token)


async def test_a_shared_key_verifies_tokens_where_the_policy_says_so(issuer, lent) -> None:
    lent.secrets = {"env:JWT_KEY": "k" * 32}
    verifier = Verifier(issuer.options(key="env:JWT_KEY", algorithms=["HS256"]), Known(), lent)
    await verifier.open()

    assert await verifier.identity(issuer.token(None, key="k" * 32, algorithm="HS256")) == "shop-1"
    assert await reason(verifier, issuer.token(None, key="x" * 32, algorithm="HS256")) == "InvalidSignatureError"


async def test_another_claim_may_name_the_caller(issuer, lent, tmp_path) -> None:
    (tmp_path / "keys.json").write_bytes(issuer.jwks_bytes())
    verifier = Verifier(issuer.options(jwks_file=str(tmp_path / "keys.json"), claim="client_id"), Known(), lent)
    await verifier.open()

    assert await verifier.identity(issuer.token(client_id="app-7")) == "app-7"
    assert await reason(verifier, issuer.token()) == "MissingRequiredClaimError"


async def test_a_token_is_verified_once_and_forgotten_when_it_ends(issuer, lent, tmp_path) -> None:
    (tmp_path / "keys.json").write_bytes(issuer.jwks_bytes())
    known = Known()
    verifier = Verifier(issuer.options(jwks_file=str(tmp_path / "keys.json")), known, lent)
    await verifier.open()
    token = issuer.token()
    await verifier.identity(token)
    [(digest, (keys, expires, _))] = known.verified.items()
    known.verified[digest] = (keys, expires, "as remembered")

    assert await verifier.identity(token) == "as remembered"
    lent.clock.advance(75)  # 60 and the leeway have passed, for this clock
    assert await verifier.identity(token) == "shop-1"


async def test_what_is_remembered_is_bounded(issuer, verifier) -> None:
    known = verifier._known
    for number in range(REMEMBERED):
        known.verified[number.to_bytes(32)] = (known.keys, 0.0, "other")
    await verifier.identity(issuer.token())

    assert len(known.verified) == REMEMBERED


async def test_a_key_that_the_issuer_withdrew_is_believed_no_longer_even_for_a_known_token(issuer, lent) -> None:
    async with serve(issuer) as url:
        verifier = Verifier(issuer.options(jwks_url=url), Known(), lent)
        await verifier.open()
        token = issuer.token("ec-1")
        assert await verifier.identity(token) == "shop-1"

        issuer.rotate("ec-2", keep=False)
        lent.clock.advance(20)
        assert await verifier.identity(issuer.token("ec-2")) == "shop-1"
        assert await reason(verifier, token) == "UnknownKey"
    await lent.http.aclose()


async def test_a_token_of_a_key_that_was_just_rotated_in_is_good_at_once(issuer, lent) -> None:
    async with serve(issuer) as url:
        verifier = Verifier(issuer.options(jwks_url=url), Known(), lent)
        await verifier.open()
        issuer.rotate("ec-2")
        lent.clock.advance(PAUSE)

        assert await verifier.identity(issuer.token("ec-2")) == "shop-1"
    await lent.http.aclose()
