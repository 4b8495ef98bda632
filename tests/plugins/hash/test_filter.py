from __future__ import annotations

import pytest

from gateway import AnswerNotProtected, Reads
from gateway.crypto.fields import field_message
from gateway.crypto.salts import Salts
from gateway.testing import backend, exchange, running_gateway, scope
from plugins.hash.filter import HashFilter, NotHashable
from plugins.hash.options import HashConfig


def hashing(**options) -> HashFilter:
    return HashFilter(HashConfig.model_validate({"fields": ["/email"], **options}), scope())


async def hashed(made: HashFilter, value) -> str:
    passed = exchange(json={"email": value})
    await made.on_request(passed)
    return str(passed.request.json()["email"])


async def test_a_value_always_has_the_same_hash_and_another_one_for_another_purpose_or_tenant() -> None:
    one = await hashed(hashing(), "ada@example.org")
    other = HashFilter(HashConfig.model_validate({"fields": ["/email"]}), scope(tenant="other"))
    assert (
        one
        == await hashed(hashing(), "ada@example.org")
        == scope().hash(*field_message("test", "field", "ada@example.org"))
    )
    assert (
        len({one, await hashed(hashing(purpose="email"), "ada@example.org"), await hashed(other, "ada@example.org")})
        == 3
    )
    assert "ada" not in one


async def test_a_whole_number_is_hashed_as_it_is_written() -> None:
    assert await hashed(hashing(), 4242) == await hashed(hashing(), "4242")


@pytest.mark.parametrize("value", [1.5, True, {"a": 1}, ["x"]])
async def test_what_is_written_in_many_ways_is_refused(value) -> None:
    with pytest.raises(NotHashable) as refused:
        await hashed(hashing(), value)
    assert (refused.value.status, refused.value.members) == (422, {"pointer": "/email"})


@pytest.mark.parametrize(("fold", "same"), [(True, True), (False, False)])
async def test_spaces_and_case_count_unless_the_policy_says_otherwise(fold, same) -> None:
    made = hashing(fold=fold)
    assert (await hashed(made, " Ada@Example.org ") == await hashed(made, "ada@example.org")) is same


async def test_an_answer_is_hashed_where_the_policy_says_so() -> None:
    filters = [{"hash": {"fields": ["/email"], "on": "response"}}]
    async with backend() as upstream, running_gateway(upstream.url, filters=filters) as client:
        upstream.will_answer(json={"email": "ada@example.org"})
        answer = await client.post("/v1/customers", json={"email": "ada@example.org"})
        assert upstream.seen[0].json() == {"email": "ada@example.org"}
        expected = Salts.parse("00" * 16).hash(*field_message("default", "field", "ada@example.org"))
        assert answer.json() == {"email": expected}


async def test_an_answer_that_does_not_fit_is_not_passed_on() -> None:
    made, passed = hashing(on="both"), exchange()
    async with (
        backend() as upstream,
        running_gateway(upstream.url, filters=[{"hash": {"fields": ["/email"], "on": "both"}}]) as client,
    ):
        upstream.will_answer(json={"email": 1.5})
        answer = await client.get("/v1/customers/1")
        assert (answer.status_code, answer.json()["code"]) == (502, AnswerNotProtected.code)
    await made.on_request(passed)
    assert passed.request.body.data == b""


@pytest.mark.parametrize(("on", "request_part", "answer_part"), [("request", 1, 0), ("response", 0, 1), ("both", 1, 1)])
def test_it_says_which_fields_it_protects(on, request_part, answer_part) -> None:
    made = hashing(on=on)
    assert [*made.protects(Reads.REQUEST)] == ["/email"] * request_part
    assert [*made.protects(Reads.RESPONSE)] == ["/email"] * answer_part
