from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from gateway import DependencyDown
from gateway.testing import scope, serve
from plugins.principal.keys import PAUSE, Key, KeyRing, KeySet, Known, load, parse_jwks, parse_pem, parse_secret


@pytest.fixture
async def lent():
    made = scope()
    yield made
    await made.tasks.done()
    await made.http.aclose()


@pytest.fixture
async def url(issuer):
    async with serve(issuer) as url:
        yield url


@pytest.fixture
async def ring(issuer, url, lent):
    made = KeyRing(issuer.options(jwks_url=url), Known(), lent)
    await made.open()
    return made


def test_a_key_set_is_parsed_and_its_keys_found_by_id(issuer) -> None:
    keys = parse_jwks(issuer.jwks_bytes())

    assert [key.id for key in keys.keys] == ["ec-1", "rsa-1"]
    assert keys.find("rsa-1", "RS256") is keys.keys[1]
    assert keys.find("other", "RS256") is None


def test_a_key_is_found_only_for_algorithms_of_its_kind(issuer) -> None:
    keys = parse_jwks(issuer.jwks_bytes())

    assert keys.find("rsa-1", "PS512") is not None
    assert keys.find("rsa-1", "ES256") is None
    assert keys.find("ec-1", "RS256") is None
    assert keys.find("rsa-1", "HS256") is None


def test_a_key_that_says_its_algorithm_is_for_no_other(issuer) -> None:
    document = issuer.jwks()
    document["keys"][1]["alg"] = "RS512"
    keys = parse_jwks(json.dumps(document).encode())

    assert keys.find("rsa-1", "RS512") is not None
    assert keys.find("rsa-1", "RS256") is None


def test_without_an_id_only_the_one_key_that_fits_is_taken() -> None:
    one, other = Key(b"x" * 32), Key(b"y" * 32)

    assert KeySet((one,)).find(None, "HS256") is one
    assert KeySet((one,)).find("any", "HS256") is one
    assert KeySet((one, other)).find(None, "HS256") is None


def test_secret_keys_and_keys_for_encryption_are_left_out_of_a_set(issuer) -> None:
    document = issuer.jwks()
    document["keys"] += [{"kty": "oct", "k": "c2VjcmV0", "kid": "oct"}, {"kty": "new", "kid": "unknown"}]
    document["keys"][0]["use"] = "enc"

    assert [key.id for key in parse_jwks(json.dumps(document).encode()).keys] == ["rsa-1"]


@pytest.mark.parametrize("document", [b"", b"[]", b"{}", b'{"keys": []}', b'{"keys": [1]}', b'"keys"', b"\xff"])
def test_what_is_no_key_set_is_refused(document) -> None:
    with pytest.raises(ValueError, match="not a usable JSON Web Key Set"):
        parse_jwks(document)


def test_a_set_of_keys_without_end_is_refused(issuer) -> None:
    document = {"keys": [{**issuer.jwks()["keys"][0], "kid": str(number)} for number in range(101)]}

    with pytest.raises(ValueError, match="101 keys"):
        parse_jwks(json.dumps(document).encode())


def test_a_private_key_is_not_taken_for_a_public_one(issuer) -> None:
    assert parse_pem(issuer.pem()).find("any", "RS256")
    with pytest.raises(ValueError, match="private key"):
        parse_pem(issuer.private_pem())


def test_a_shared_key_that_can_be_guessed_is_refused() -> None:
    assert parse_secret("x" * 32).find(None, "HS256")
    with pytest.raises(ValueError, match="31 bytes"):
        parse_secret("x" * 31)


async def test_keys_come_from_where_the_options_say(issuer, lent, tmp_path) -> None:
    (tmp_path / "keys.json").write_bytes(issuer.jwks_bytes())
    (tmp_path / "key.pem").write_bytes(issuer.pem())
    lent.secrets = {"env:JWT_KEY": "x" * 32}

    jwks = await load(issuer.options(jwks_file=str(tmp_path / "keys.json")), lent)
    pem = await load(issuer.options(key_file=str(tmp_path / "key.pem")), lent)
    secret = await load(issuer.options(key="env:JWT_KEY", algorithms=["HS256"]), lent)

    assert [len(keys.keys) for keys in (jwks, pem, secret)] == [2, 1, 1]
    with pytest.raises(FileNotFoundError):
        await load(issuer.options(key_file=str(tmp_path / "gone.pem")), lent)


async def test_an_issuer_that_does_not_answer_at_start_fails_the_start(issuer, url, lent) -> None:
    issuer.status = 503
    with pytest.raises(httpx.HTTPStatusError):
        await KeyRing(issuer.options(jwks_url=url), Known(), lent).open()


async def test_an_answer_without_end_is_not_read_to_its_end(issuer, lent) -> None:
    async def endless(_, __, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(40):
            await send({"type": "http.response.body", "body": b" " * (1 << 16), "more_body": True})

    async with serve(endless) as url:
        with pytest.raises(ValueError, match="more than 1048576 bytes"):
            await load(issuer.options(jwks_url=url), lent)


async def test_a_reload_of_the_policy_does_not_fetch_again(issuer, url, lent) -> None:
    known = Known()
    for _ in range(2):
        await KeyRing(issuer.options(jwks_url=url), known, lent).open()

    assert issuer.fetched == 1


async def test_a_rotated_key_is_found_by_asking_again(issuer, ring, lent) -> None:
    issuer.rotate("ec-2")
    lent.clock.advance(PAUSE)

    assert ring.current().find("ec-2", "ES256") is None
    assert (await ring.renewed()).find("ec-2", "ES256") is not None


async def test_many_that_ask_at_once_fetch_once(issuer, ring, lent) -> None:
    lent.clock.advance(PAUSE)
    await asyncio.gather(*(ring.renewed() for _ in range(50)))

    assert issuer.fetched == 2


async def test_strangers_cannot_make_it_fetch_more_often_than_it_should(issuer, ring, lent) -> None:
    lent.clock.advance(PAUSE)
    for _ in range(20):
        await ring.renewed()
    assert issuer.fetched == 2
    lent.clock.advance(PAUSE)
    await ring.renewed()
    assert issuer.fetched == 3


async def test_a_fetch_that_takes_long_is_not_joined_by_a_second(issuer, ring, lent) -> None:
    issuer.answers.clear()
    waiting = []
    for _ in range(3):
        lent.clock.advance(PAUSE)
        waiting.append(asyncio.create_task(ring.renewed()))
        await asyncio.sleep(0)
    assert len(lent.tasks.running) == 1
    issuer.answers.set()
    await asyncio.gather(*waiting)

    assert issuer.fetched == 2


async def test_one_that_goes_away_while_it_waits_leaves_the_fetch_to_the_others(issuer, ring, lent) -> None:
    issuer.rotate("ec-2")
    lent.clock.advance(PAUSE)
    first, second = asyncio.create_task(ring.renewed()), asyncio.create_task(ring.renewed())
    await asyncio.sleep(0)
    first.cancel()

    assert (await second).find("ec-2", "ES256") is not None
    assert issuer.fetched == 2


async def test_keys_that_became_old_serve_on_while_they_are_fetched_again(issuer, ring, lent) -> None:
    issuer.rotate("ec-2", keep=False)
    lent.clock.advance(600)

    assert ring.current().find("ec-1", "ES256") is not None
    await lent.tasks.done()
    assert ring.current().find("ec-1", "ES256") is None
    assert issuer.fetched == 2


async def test_while_the_issuer_is_down_known_keys_serve_and_unknown_ones_are_not_judged(issuer, ring, lent) -> None:
    issuer.status = 500
    lent.clock.advance(PAUSE)
    with pytest.raises(DependencyDown):
        await ring.renewed()
    with pytest.raises(httpx.HTTPStatusError):
        await lent.tasks.done()
    assert ring.current().find("ec-1", "ES256") is not None

    issuer.status = 200
    lent.clock.advance(PAUSE)
    assert await ring.renewed()


async def test_where_no_background_work_can_be_taken_an_unknown_key_is_not_judged(ring, lent) -> None:
    lent.clock.advance(PAUSE)
    lent.tasks.full = True
    with pytest.raises(DependencyDown):
        await ring.renewed()
