"""/api/v1/blocks as the admin port serves it: who may, what is asked, and what is told."""

from __future__ import annotations

import pytest

from gateway.testing import HandScope
from plugins.rate_limit.api import PARAMETERS
from plugins.rate_limit.blocks import Blocks, BlocksConfig
from plugins.rate_limit.subjects import digests
from tests.gateway.admin.admins import ELSEWHERE, HERE, TOKENS, client, state

PATH = "/api/v1/blocks"
ADDING = {"kind": "ip", "value": "203.0.113.7", "for": "1h", "reason": "scans", "by": "ada"}


@pytest.fixture
def lent() -> HandScope:
    made = HandScope()
    made.components = [Blocks(BlocksConfig(), made)]
    return made


@pytest.fixture
def asking(lent):
    def ask(*peer: str, **how):
        return client(state(components=lambda: list(lent.components), tokens=TOKENS), *peer, **how)

    return ask


async def test_what_is_added_is_listed_and_removed_by_its_value(asking, lent) -> None:
    async with asking() as port:
        added = await port.post(PATH, json=ADDING)
        [listed] = (await port.get(PATH)).json()["items"]
        removed = await port.post(f"{PATH}/remove", json={"kind": "ip", "value": "203.0.113.7", "reason": "is ours"})
        again = await port.post(f"{PATH}/remove", json={"kind": "ip", "value": "203.0.113.7", "reason": "is ours"})
        empty = (await port.get(PATH)).json()

    assert added.status_code == 201
    assert listed["id"] == added.json()["id"] == digests(lent, "ip", "203.0.113.7")[0]
    assert (listed["kind"], listed["by"], listed["reason"]) == ("ip", "human:ada via loopback", "scans")
    assert 3590 < listed["ends_in_seconds"] <= 3600
    assert listed["ends_at"].endswith("+00:00")
    assert removed.json() == {"removed": [listed["id"]]}
    assert (again.status_code, again.json()["code"]) == (404, "not_found")
    assert empty == {"items": [], "next": None}
    assert [code for code, _, _ in lent.events] == ["block_added", "block_removed"]
    said = {"subject": listed["id"], "outcome": "done", "ip": HERE}
    assert lent.audited == [
        {
            "action": "block.add",
            **said,
            "principal": "human:ada via loopback",
            "detail": {"reason": "scans", "seconds": 3600},
        },
        {
            "action": "block.remove",
            **said,
            "principal": "human:unnamed via loopback",
            "detail": {"reason": "is ours"},
        },
    ]


async def test_to_read_and_to_operate_takes_the_scopes_for_it(asking) -> None:
    async with asking(ELSEWHERE, token=TOKENS.read) as reading:
        assert (await reading.get(PATH)).status_code == 200
        assert (await reading.post(PATH, json=ADDING)).status_code == 403
    async with asking(ELSEWHERE, token=TOKENS.operate) as operating:
        assert (await operating.post(PATH, json=ADDING)).json()["by"] == "human:ada via token operate"
    async with asking(ELSEWHERE) as stranger:
        assert (await stranger.get(PATH)).status_code == 401


async def test_pages_lead_to_one_another(asking) -> None:
    async with asking() as port:
        for number in range(5):
            await port.post(PATH, json={**ADDING, "value": f"203.0.113.{number}"})
        ids, cursor = [], ""
        while cursor is not None:
            page = (await port.get(PATH, params={"limit": 2, "cursor": cursor})).json()
            ids += [each["id"] for each in page["items"]]
            cursor = page["next"]

    assert len(ids) == 5
    assert ids == sorted(set(ids))


async def test_it_is_found_by_its_kind_and_by_its_value(asking) -> None:
    async with asking() as port:
        await port.post(PATH, json=ADDING)
        await port.post(PATH, json={**ADDING, "kind": "header:x-device", "value": "a"})
        by_kind = (await port.get(PATH, params={"kind": "header:x-device"})).json()["items"]
        by_value = (await port.get(PATH, params={"kind": "ip", "value": "203.0.113.7"})).json()["items"]
        nobody = (await port.get(PATH, params={"kind": "ip", "value": "203.0.113.8"})).json()["items"]

    assert [each["kind"] for each in by_kind] == ["header:x-device"]
    assert [each["kind"] for each in by_value] == ["ip"]
    assert nobody == []


async def test_a_card_is_known_by_its_number_and_an_address_by_its_network(asking, lent) -> None:
    hashed = lent.hash("card", "4242424242424242")
    async with asking() as port:
        by_number = (await port.post(PATH, json={**ADDING, "kind": "card", "value": "4242 4242 4242 4242"})).json()
        by_hash = (await port.post(PATH, json={**ADDING, "kind": "card", "value": hashed})).json()
        here = (await port.post(PATH, json={**ADDING, "value": "2001:db8::1"})).json()
        there = (await port.post(PATH, json={**ADDING, "value": "2001:db8::2"})).json()
        written = (await port.post(PATH, json={**ADDING, "kind": "email", "value": " Ada@Example.com"})).json()

    assert by_number["id"] == by_hash["id"]
    assert here["id"] == there["id"]
    assert written["id"] == digests(lent, "email", "ada@example.com")[0]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"kind": "ip"}, "say id, or kind and value"),
        ({"id": "ip:1:" + "0" * 32}, "say id, or kind and value"),
        ({"for": "1"}, "a duration needs"),
        ({"for": "0s"}, "greater than 0"),
        ({"reason": "no"}, "at least 3 characters"),
        ({"reason": "card 4242 4242 4242 4242"}, "holds no number of a card"),
        ({"reason": "card 4242.4242_4242-4242"}, "holds no number of a card"),
        ({"by": "4242424242424242"}, "holds no number of a card"),
        ({"kind": "nobody"}, "kind: "),
        ({"by": "a b"}, "by: "),
        ({"more": 1}, "more: "),
    ],
)
async def test_what_is_wrong_with_it_is_said(asking, body, why) -> None:
    given = {**ADDING, **body}
    if body == {"kind": "ip"}:
        del given["value"]
    async with asking() as port:
        answer = await port.post(PATH, json=given)

    assert answer.status_code == 400
    assert why in answer.json()["detail"] or "write a duration" in answer.json()["detail"]


async def test_what_is_no_json_and_no_parameter_is_said(asking) -> None:
    async with asking() as port:
        assert "no JSON" in (await port.post(PATH, content=b"{")).json()["detail"]
        for query in ("?nonsense=1", "?limit=0", "?limit=x", "?value=a", "?kind=ip&kind=ip"):
            assert (await port.get(PATH + query)).status_code == 400, query


def test_the_parameters_are_those() -> None:
    assert PARAMETERS == ("kind", "value", "limit", "cursor")
