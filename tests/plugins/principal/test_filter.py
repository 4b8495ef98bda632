from __future__ import annotations

import pytest

from gateway import Principal
from gateway.testing import backend, exchange, running_gateway, scope, serve
from plugins.principal.decision import AmbiguousPrincipal, InvalidToken, Unauthenticated
from plugins.principal.filter import PrincipalFilter
from plugins.principal.options import PrincipalConfig


async def principal(lent=None, **options) -> PrincipalFilter:
    made = PrincipalFilter(PrincipalConfig.model_validate(options), lent or scope())
    await made.open()
    return made


@pytest.fixture
async def by_token(issuer, tmp_path) -> PrincipalFilter:
    (tmp_path / "keys.json").write_bytes(issuer.jwks_bytes())
    return await principal(jwt=issuer.options(jwks_file=str(tmp_path / "keys.json")))


def bearing(token: str):
    return exchange(headers={"Authorization": f"Bearer {token}"})


async def test_a_header_from_a_trusted_peer_names_the_caller() -> None:
    made = exchange(headers={"X-User-Id": "shop-1"}, trusted=True)
    await (await principal(header="x-user-id")).on_request(made)

    assert made.require(Principal) == Principal("shop-1")


async def test_a_header_from_a_peer_that_is_not_trusted_is_refused_and_noted() -> None:
    made = exchange(headers={"X-User-Id": "shop-1"}, peer="198.51.100.9")
    with pytest.raises(Unauthenticated):
        await (await principal(header="x-user-id")).on_request(made)

    assert made.get(Principal) is None
    assert [(note.code, note.detail) for note in made.notes] == [("untrusted_peer", {"peer": "198.51.100.9"})]


async def test_a_header_from_anybody_is_believed_where_the_policy_says_so() -> None:
    made = exchange(headers={"X-User-Id": "shop-1"})
    await (await principal(header="x-user-id", **{"from": "any"})).on_request(made)

    assert made.require(Principal) == Principal("shop-1")


async def test_what_a_filter_above_made_of_the_headers_is_not_what_was_received() -> None:
    made = exchange(headers={"X-User-Id": "shop-1"}, trusted=True)
    made.request.headers["x-user-id"] = "root"
    await (await principal(header="x-user-id")).on_request(made)

    assert made.require(Principal) == Principal("shop-1")


@pytest.mark.parametrize("headers", [{}, {"x-user-id": ""}, {"x-user-id": " "}, {"x-user-id": "x" * 257}])
async def test_nobody_is_named(headers) -> None:
    with pytest.raises(Unauthenticated) as refused:
        await (await principal(header="x-user-id")).on_request(exchange(headers=headers, trusted=True))

    assert (refused.value.status, refused.value.code) == (401, "unauthenticated")


async def test_a_header_that_is_sent_twice_is_refused() -> None:
    made = exchange(headers=[("x-user-id", "shop-1"), ("x-user-id", "root")], trusted=True)
    with pytest.raises(AmbiguousPrincipal):
        await (await principal(header="x-user-id")).on_request(made)


async def test_a_token_that_is_good_names_the_caller(issuer, by_token) -> None:
    made = bearing(issuer.token())
    await by_token.on_request(made)

    assert made.require(Principal) == Principal("shop-1")


async def test_a_token_that_is_not_good_is_refused_as_rfc_6750_says_and_its_reason_noted(issuer, by_token) -> None:
    made = bearing(issuer.token(exp=1))
    with pytest.raises(InvalidToken) as refused:
        await by_token.on_request(made)

    assert (refused.value.status, refused.value.code) == (401, "invalid_token")
    assert refused.value.headers == {"www-authenticate": 'Bearer error="invalid_token"'}
    assert [(note.code, note.detail) for note in made.notes] == [("invalid_token", {"reason": "ExpiredSignatureError"})]


@pytest.mark.parametrize("headers", [{}, {"authorization": "Basic c2hvcDpzM2NyZXQ="}])
async def test_without_a_token_the_client_is_asked_for_one(by_token, headers) -> None:
    with pytest.raises(Unauthenticated) as refused:
        await by_token.on_request(exchange(headers=headers))

    assert (refused.value.code, refused.value.headers) == ("unauthenticated", {"www-authenticate": "Bearer"})


async def test_two_authorizations_are_refused(issuer, by_token) -> None:
    token = f"Bearer {issuer.token()}"
    with pytest.raises(AmbiguousPrincipal):
        await by_token.on_request(exchange(headers=[("authorization", token), ("authorization", "Basic x")]))


async def test_where_it_is_optional_a_caller_without_a_name_passes_as_nobody() -> None:
    made = exchange(trusted=True)
    await (await principal(header="x-user-id", optional=True)).on_request(made)

    assert made.get(Principal) is None


async def test_where_it_is_optional_a_name_that_cannot_be_believed_is_still_refused(issuer, tmp_path) -> None:
    (tmp_path / "key.pem").write_bytes(issuer.pem())
    by_token = await principal(jwt=issuer.options(key_file=str(tmp_path / "key.pem")), optional=True)
    by_header = await principal(header="x-user-id", optional=True)

    with pytest.raises(InvalidToken):
        await by_token.on_request(bearing("forged"))
    with pytest.raises(Unauthenticated):
        await by_header.on_request(exchange(headers={"x-user-id": "root"}))


async def test_only_where_it_is_not_optional_may_filters_below_rely_on_a_principal() -> None:
    assert (await principal(header="x-user-id")).provides == (Principal,)
    assert (await principal(header="x-user-id", optional=True)).provides == ()


async def test_a_key_file_that_is_not_there_fails_the_start(issuer) -> None:
    with pytest.raises(FileNotFoundError):
        await principal(jwt=issuer.options(key_file="/nowhere/key.pem"))


async def test_tokens_through_the_gateway_with_keys_that_the_issuer_publishes(issuer) -> None:
    async with backend() as shop, serve(issuer) as keys:
        filters = [{"principal": {"jwt": issuer.options(jwks_url=keys).model_dump(exclude_defaults=True)}}]
        async with running_gateway(shop.url, filters=filters) as client:
            good = await client.get("/", headers={"authorization": f"Bearer {issuer.token()}"})
            late = await client.get("/", headers={"authorization": f"Bearer {issuer.token(exp=1)}"})
            none = await client.get("/")

    assert [answer.status_code for answer in (good, late, none)] == [200, 401, 401]
    assert late.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert (late.json()["code"], none.json()["code"]) == ("invalid_token", "unauthenticated")
    assert len(shop.seen) == issuer.fetched == 1


async def test_a_header_through_the_gateway_is_believed_from_trusted_networks_only() -> None:
    filters, headers = [{"principal": {"header": "x-user-id"}}], {"x-user-id": "root"}
    async with backend() as shop:
        async with running_gateway(shop.url, filters=filters) as client:
            assert (await client.get("/", headers=headers)).status_code == 401
        assert shop.seen == []
        async with running_gateway(shop.url, filters=filters, trusted=["127.0.0.0/8"]) as client:
            assert (await client.get("/", headers=headers)).status_code == 200


async def test_a_header_twice_through_the_gateway_is_refused() -> None:
    filters = [{"principal": {"header": "x-user-id", "from": "any"}}]
    async with backend() as shop, running_gateway(shop.url, filters=filters) as client:
        answer = await client.get("/", headers=[("x-user-id", "shop-1"), ("X-User-ID", "root")])

    assert (answer.status_code, answer.json()["code"], shop.seen) == (400, "ambiguous_principal", [])
