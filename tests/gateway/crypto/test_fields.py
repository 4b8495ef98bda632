"""Tokens: what they are made of, and that they open nowhere else."""

from __future__ import annotations

import base64
import hmac
from functools import partial

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.fields import FieldCipher, is_token
from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.protocol import Unreadable

KEY = bytes(range(32))
DATA = (
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
)
SEALED = (
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def cipher(*, tenant: str = "shop", purpose: str = "card", keys=(("k1", KEY),)) -> FieldCipher:
    return FieldCipher(LocalKeyring(keys), tenant, purpose)


@given(JSON)
def test_strings_numbers_and_whole_objects_come_back_as_what_they_were(value) -> None:
    assert cipher().open("/card", cipher().seal("/card", value)) == value


def test_the_same_value_is_never_the_same_token() -> None:
    assert cipher().seal("/card", "4242") != cipher().seal("/card", "4242")


def test_a_token_says_what_it_is_and_which_key_sealed_it() -> None:
    token = cipher(keys=[("2026-b", KEY), ("k1", bytes(32))]).seal("/card", "4242424242424242")
    assert token.startswith("pg1.2026-b.")
    assert is_token(token)
    assert token.isascii()
    assert "4242" not in token


@pytest.mark.parametrize("value", ["", "pg1", "pg1.a", "pg2.a.b", "tok_123", 7, None, {"pg1.a.b": 1}])
def test_what_is_no_token(value) -> None:
    assert not is_token(value)


@pytest.mark.parametrize(
    "elsewhere",
    [
        lambda token: cipher().open("/card/cvc", token),
        lambda token: cipher(tenant="other").open("/card", token),
        lambda token: cipher(purpose="e-mail").open("/card", token),
        lambda token: cipher(keys=[("k1", bytes(32))]).open("/card", token),
        lambda token: cipher(keys=[("k2", KEY)]).open("/card", token),
    ],
    ids=["field", "tenant", "purpose", "another key", "a key that is missing"],
)
def test_a_token_opens_nowhere_else(elsewhere) -> None:
    with pytest.raises(Unreadable):
        elsewhere(cipher().seal("/card", "4242"))


def test_no_field_can_borrow_from_the_tenant_or_purpose_before_it() -> None:
    with pytest.raises(Unreadable):
        cipher(tenant="a", purpose="bc").open("/d", cipher(tenant="ab", purpose="c").seal("/d", 1))


def test_no_character_of_a_token_can_be_changed_left_out_or_added() -> None:
    token = cipher().seal("/card", "4242")
    for place, character in enumerate(token):
        for changed in (
            token[:place] + ("A" if character != "A" else "B") + token[place + 1 :],
            token[:place] + token[place + 1 :],
            token[:place] + "A" + token[place:],
        ):
            with pytest.raises(Unreadable):
                cipher().open("/card", changed)


def test_a_token_is_aes_256_gcm_under_a_key_by_hkdf_as_another_program_computes_it() -> None:
    extracted = hmac.digest(b"payguard/keyring", KEY, "sha256")
    key = hmac.digest(extracted, b"field" + b"\x01", "sha256")
    prefix, nonce = b"\x01\x02k1", bytes(12)
    sealed = prefix + nonce + AESGCM(key).encrypt(nonce, b'"4242"', prefix + b"4:shop4:card/card/number")
    token = "pg1.k1." + base64.urlsafe_b64encode(sealed).decode().rstrip("=")
    assert cipher().open("/card/number", token) == "4242"


@pytest.mark.parametrize(
    ("key", "nonce", "data", "bound", "sealed"),
    [
        ("00" * 32, "00" * 12, "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
        ("00" * 32, "00" * 12, "00" * 16, "", "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"),
        (
            "feffe9928665731c6d6a8f9467308308" * 2,
            "cafebabefacedbaddecaf888",
            DATA,
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            SEALED,
        ),
    ],
    ids=["13", "14", "16"],
)
def test_the_cipher_gives_the_known_answers_of_the_gcm_specification(key, nonce, data, bound, sealed) -> None:
    """McGrew and Viega, The Galois/Counter Mode of Operation, appendix B: the cases with 256 bits of key."""
    answer = AESGCM(bytes.fromhex(key)).encrypt(*map(bytes.fromhex, (nonce, data, bound)))
    assert answer.hex() == sealed


@pytest.mark.parametrize(
    ("key", "nonce", "sealed", "bound", "data"),
    [
        (
            "a71dac1377a3bf5d7fb1b5e36bee70d2e01de2a84a1c1009ba7448f7f26131dc",
            "c5b60dda3f333b1146e9da7c",
            "43af49ec1ae3738a20755034d66f80b6ef2d8830a55eb63680a8dff9e0",
            "",
            "5b87141335f2becac1a559e05f",
        ),
        (
            "de1bb0d8acd23457c593c490e45858698d9acb887cf12c4a2931ea14a010a985",
            "a787cb34d6f88921f036b833",
            "ca0e93b01a47910918c18f1d7aef745fdf7d78d283b39a4597ca82f8cb",
            "6ffa289ec67aa3c1f8b4068af8d9acadc434cfc2",
            None,
        ),
        (
            "6b879203e1a23c90bc4b92e4ee42001f8466b0a168a3b09df9b644182d8242ab",
            "3e05199e1d56ca0b120694c8",
            "ef4cd1b06520043c369f8324480ac846204a3a5299cef82d7a9b1748a8",
            "b21100419dc0a8ea58ef372e5f07e841b2ee5568",
            "d167388250a59485b3dde40200",
        ),
        (
            "29e640cb29c4ef616d646123d5bb5c1bd75e843587d64eba90d50f0295437ff7",
            "4aede7cf9d70fb80c4ae2941",
            "697eb024c2ec39bc6cf9dd0eff56ca5aae42fb30b3a22c8cd7e7edbb6c",
            "91f9d7e7cf938990a458de56c4a1e9d288874dd6a546d6d41d9365c29ee9d45919b8f59b358d8e02ddb0120e24e60480",
            None,
        ),
        (
            "c3d99825f2181f4808acd2068eac7441a65bd428f14d2aab43fefc0129091139",
            "cafabd9672ca6c79a2fbdc22",
            "84e5f23f95648fa247cb28eef53abec947dbf05ac953734618111583840bd98079651c875f7941793d42bbd0af1cce7c",
            "",
            "25431587e9ecffc7c37f8d6d52a9bc3310651d46fb0e3bad2726c8f2db653749",
        ),
        (
            "c444d2bc6b0f14b306d7afbf9b0c84d9f2fcd2730df6d656402a184143a4eeb1",
            "89a840f9fede6fb08cce158e",
            "ff15d0cdaf9b5390018a881a759183ae5cf702b9550cac2de78ad2c6d0da5af18655bd8d3213f0873d530c326a2fc15c",
            "aaade9efaed6435e3130b9c36d8a82d201cce2a8",
            None,
        ),
        (
            "42f6c25159b8655380f052dd5dad180e76813b60eb813665c5015f26cf32e8f1",
            "7248a5ed48f4f1b4a9db3826",
            "26325c3463813a7d59d184a330ef80959637fa6db4f5db3062d3d2ec7e32d82a4f39c63d4f215d5b39a58853d3842175",
            "8e3c74f127dbfe29ac4de0a7c3240ee8aa8d38a82f38ad6b480236c8cd4232057a5502e936bfe22225830fa195a8afce",
            "9a329cb45b0093e9c00615137dd7dbd1f8b525999af3bfc222315f41817717a7",
        ),
    ],
)
def test_the_cipher_opens_and_refuses_what_nist_says(key, nonce, sealed, bound, data) -> None:
    """Of NIST's CAVP, gcmDecrypt256.rsp: some of those with nonces of 96 and tags of 128 bits; None is FAIL there."""
    opened = partial(AESGCM(bytes.fromhex(key)).decrypt, *map(bytes.fromhex, (nonce, sealed, bound)))
    if data is None:
        with pytest.raises(InvalidTag):
            opened()
    else:
        assert opened().hex() == data


def test_bytes_are_sealed_as_they_are_and_open_in_the_same_field_alone() -> None:
    sealed = cipher().seal_bytes("entry", b"\xff\x00")
    assert cipher().open_bytes("entry", sealed) == b"\xff\x00"
    for other, field in ((cipher(), "another"), (cipher(tenant="else"), "entry"), (cipher(purpose="else"), "entry")):
        with pytest.raises(Unreadable):
            other.open_bytes(field, sealed)
