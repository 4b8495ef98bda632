"""``cache_clears``: what a refund makes untrue is gone before its answer goes out, in all replicas."""

from __future__ import annotations

import pytest

from gateway.testing import running_gateway
from plugins.cache.clearing import ClearingConfig, Rule
from tests.plugins.cache.replicas import cache_of, read, refund, replica
from tests.plugins.cache.test_redis_tier import until


def asked(upstream) -> list[str]:
    return [f"{seen.method} {seen.target}" for seen in upstream.seen]


@pytest.fixture
def gateway(upstream):
    def made(rules: str, cache: str = "{ttl: 60s}"):
        policy = POLICY.format(url=upstream.url, rules=rules, cache=cache)
        return running_gateway(policy=policy)

    return made


POLICY = """
version: 1
upstreams: {{backend: {{url: "{url}"}}}}
routes:
  - name: invoices
    match: {{methods: [GET], path: "/v1/invoices/{{id}}"}}
    upstream: backend
    filters: [{{principal: {{header: x-user-id, from: any}}}}, {{cache: {cache}}}]
  - name: refunds
    match: {{methods: [POST], path: "/v1/{{kind}}"}}
    upstream: backend
    filters: [{{principal: {{header: x-user-id, from: any}}}}, {{cache_clears: {{rules: {rules}}}}}]
"""


async def test_a_refund_clears_its_invoice_for_everybody_and_no_other(gateway, upstream) -> None:
    async with gateway('[{path: "/v1/invoices/{request:/invoice}"}]') as client:
        for who, path in (("ada", "in_1"), ("bob", "in_1"), ("ada", "in_10")):
            await read(client, who, f"/v1/invoices/{path}?full=1")
        await refund(client, "ada", "in_1")
        upstream.seen.clear()
        for who, path in (("ada", "in_1"), ("bob", "in_1"), ("ada", "in_10")):
            await read(client, who, f"/v1/invoices/{path}?full=1")
        assert asked(upstream) == ["GET /v1/invoices/in_1?full=1"] * 2
        assert cache_of(client).counts["refunds"] == {"cleared": 1}


@pytest.mark.parametrize("rule", ['{path: "/v1/invoices/in_1", of: caller}', "{principal: caller}"])
async def test_it_can_be_kept_to_what_the_caller_was_answered(gateway, upstream, rule) -> None:
    async with gateway(f"[{rule}]") as client:
        await read(client, "ada")
        await read(client, "bob")
        await refund(client, "ada")
        upstream.seen.clear()
        await read(client, "bob")
        assert asked(upstream) == []
        await read(client, "ada")
        assert asked(upstream) == ["GET /v1/invoices/in_1"]


async def test_a_tag_is_filled_from_what_was_answered_and_the_route(gateway, upstream) -> None:
    cache = '{ttl: 60s, tags: {header: surrogate-key, templates: ["customer-{/customer}"]}}'
    rules = '[{tag: "customer-{response:/of/customer}"}, {tag: "all-{kind}"}]'
    async with gateway(rules, cache) as client:
        upstream.will_answer(json={"customer": 7})
        upstream.will_answer(json={"customer": 8}, headers={"surrogate-key": "x, all-refunds"})
        upstream.will_answer(json={"customer": 8})
        for number in (1, 2, 3):
            await read(client, path=f"/v1/invoices/in_{number}")
        upstream.will_answer(201, json={"of": {"customer": 7}})
        await refund(client)
        upstream.seen.clear()
        for number in (1, 2, 3):
            await read(client, path=f"/v1/invoices/in_{number}")
        assert asked(upstream) == ["GET /v1/invoices/in_1", "GET /v1/invoices/in_2"]


async def test_what_was_refused_clears_nothing_and_what_may_have_been_done_does(gateway, upstream) -> None:
    async with gateway('[{prefix: "/v1/invoices"}]') as client:
        await read(client)
        upstream.will_answer(402)
        await refund(client)
        await read(client)
        assert asked(upstream) == ["GET /v1/invoices/in_1", "POST /v1/refunds"]
        upstream.will_answer(200, headers={"content-length": "no number"})  # it came, and cannot be understood
        assert (await refund(client)).status_code == 502
        await read(client)
        assert asked(upstream)[-1] == "GET /v1/invoices/in_1"


async def test_a_blank_without_a_value_is_noted_and_clears_nothing(gateway, upstream) -> None:
    async with gateway('[{path: "/v1/invoices/{request:/order}"}]') as client:
        await read(client)
        await client.ended()
        await refund(client)
        ended = await client.ended()
        assert [note.code for note in ended.notes] == ["cache_not_cleared"]
        await read(client)
        assert len(upstream.seen) == 2


async def test_it_is_gone_in_the_other_replica_too(valkey, upstream) -> None:
    async with replica(upstream, valkey.url) as one, replica(upstream, valkey.url) as other:
        await read(one)
        await read(other)
        await refund(one)
        await until(lambda: cache_of(other).purges.counts["heard"])
        await read(other)
        assert asked(upstream) == ["GET /v1/invoices/in_1", "POST /v1/refunds", "GET /v1/invoices/in_1"]


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({}, "one of path, prefix, tag and principal"),
        ({"path": "/a", "tag": "b"}, "one of path, prefix, tag and principal"),
        ({"path": "a"}, "begins with a slash"),
        ({"path": "/{answer:/id}"}, r"write \{id\}, \{request:/pointer\}"),
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused(rule, why) -> None:
    with pytest.raises(ValueError, match=why):
        Rule(**rule)
    with pytest.raises(ValueError, match=why):
        ClearingConfig.model_validate({"rules": [rule]})
