"""The API of decisions, lists and labels over real databases."""

from __future__ import annotations

from typing import Any

from gateway import Database
from gateway.testing import HandScope
from plugins.fraud.desk import DecisionsDesk, Desk
from plugins.fraud.options import DecisionsConfig, DeskConfig
from tests.gateway.admin.admins import client, state
from tests.plugins.fraud.gates import BLOCKS, Gates

SAID = {"reason": "chargebacks", "by": "ann"}


async def test_a_decision_is_found_by_its_id_its_payment_and_its_request(make: Gates) -> None:
    gate = await make(**BLOCKS)
    refused = await gate.pay("a", 50_000)
    [listed] = (await gate.get("decisions")).json()["items"]
    found = [
        (await gate.get(f"decisions/{each}")).json()
        for each in (listed["id"], listed["payment"], refused.json()["request_id"])
    ]

    assert found == [listed] * 3
    assert (listed["decision"], listed["decided_by"], listed["factors"]["amount"]) == ("block", "rule:large", 500)
    assert listed["model"].startswith("points:")
    assert (listed["route"], listed["mode"], listed["label"]) == ("pay", "enforce", None)
    assert len(listed["policy"]) > 11
    assert (await gate.get("decisions/nobody")).status_code == 404


async def test_pages_of_decisions_follow_each_other(make: Gates) -> None:
    gate = await make()
    for number in range(5):
        await gate.pay(str(number))
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = (await gate.get("decisions", limit=2, **cursor)).json()
        found += [each["id"] for each in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}

    assert len(found) == 5
    assert found == sorted(set(found), reverse=True)
    assert (await gate.get("decisions", limit=0)).status_code == 400
    assert (await gate.get("decisions", decison="block")).status_code == 400


LISTED = {
    "customer": "cus_1",
    "card": "4242 4242 4242 4242",
    "email": "A.da+x@googlemail.com",
    "device": "d1",
    "ip": "127.0.0.1",
    "merchant": "m1",
    "bin": "424242",
    "country": "DE",
}


async def test_whoever_is_listed_is_refused_until_another_list_or_nobody_says_so(make: Gates) -> None:
    facts = {"device": "header:x-device", "merchant": "/merchant", "country": "/country"}
    gate = await make(facts=facts, review_at=100, block_at=100)
    other = {"email": "ada@gmail.com", "card": {"number": "4242424242424242"}, "merchant": "m1", "country": "de"}

    async def status(key: str) -> int:
        return int((await gate.pay(key, headers={"x-device": "d1"}, **other)).status_code)

    for kind, value in LISTED.items():
        blocked = {"list": "block", "kind": kind, "value": value, **SAID}
        assert (await gate.post("fraud/lists", **blocked)).status_code == 201
        assert await status(f"{kind}-blocked") == 402
        [shown] = (await gate.get("fraud/lists", list="block")).json()["items"]
        assert (shown["kind"], shown["reason"], shown["by"]) == (kind, "chargebacks", "human:ann via loopback")
        assert kind in ("bin", "country") or value.lower() not in str(shown).lower()
        await gate.post("fraud/lists", **blocked | {"list": "allow"})
        assert await status(f"{kind}-allowed") == 200
        await gate.post("fraud/lists/remove", **blocked | {"list": "allow"})
        assert (await gate.post("fraud/lists/remove", id=shown["id"], **SAID)).json() == {"removed": [shown["id"]]}
        assert await status(f"{kind}-free") == 200
        assert (await gate.post("fraud/lists/remove", id=shown["id"], **SAID)).status_code == 404


async def test_an_entry_ends_when_it_should(make: Gates) -> None:
    gate = await make()
    await gate.post("fraud/lists", **{"list": "block", "kind": "customer", "value": "cus_1", "for": "1ms"}, **SAID)

    assert (await gate.pay("a")).status_code == 200
    assert (await gate.get("fraud/lists")).json()["items"] == []


async def test_gateways_of_one_database_have_one_list(make: Gates) -> None:
    one, two = await make(), await make()
    await one.post("fraud/lists", list="block", kind="customer", value="cus_1", **SAID)
    assert (await two.pay("a")).status_code == 200
    await two.desk.lists.refresh()
    assert (await two.pay("b")).status_code == 402


async def test_changes_of_lists_are_in_the_audit_trail(database: Database) -> None:
    lent = HandScope(tables=database)
    lent.components = [DecisionsDesk(DecisionsConfig(), lent)]
    desk = Desk(DeskConfig(), lent)
    async with client(state(components=lambda: [desk])) as local:
        given = {"list": "block", "kind": "customer", "value": "cus_1", **SAID}
        id = (await local.post("/api/v1/fraud/lists", json=given)).json()["id"]  # noqa: A001
        await local.post("/api/v1/fraud/lists/remove", json=given)

    said = [(each["action"], each["subject"], each["principal"], each["detail"]) for each in lent.audited]
    by, why = "human:ann via loopback", {"reason": "chargebacks"}
    assert said == [("fraud.list.add", id, by, why), ("fraud.list.remove", id, by, why)]


async def test_what_cannot_be_listed_is_refused(make: Gates) -> None:
    gate = await make()
    good = {"list": "block", "kind": "customer", "value": "a", **SAID}
    wrong: list[dict[str, Any]] = [
        {"value": None},
        {"list": "grey"},
        {"kind": "name"},
        {"reason": "card 4242 4242 4242 4242"},
        {"by": None},
    ]
    for each in wrong:
        assert (await gate.post("fraud/lists", **good | each)).status_code == 400
    assert (await gate.get("fraud/lists")).json()["items"] == []


async def test_a_label_is_told_once_and_shown_with_its_decision(make: Gates) -> None:
    gate = await make()
    await gate.pay("a")
    [kept] = (await gate.get("decisions")).json()["items"]
    label = {"payment": kept["payment"], "label": "fraud", "source": "chargeback", "at": "2026-01-02T03:04:05Z"}
    told = [
        (await gate.post("fraud/labels", labels=[each], by="ann")).json()["items"][0]["was"]
        for each in (label, label, label | {"label": "legitimate"}, label | {"payment": "unknown"})
    ]

    assert told == ["stored", "known", "changed", "stored"]
    found = (await gate.get(f"decisions/{kept['id']}")).json()
    assert found["label"] == {"fraud": False, "source": "chargeback"}


async def test_a_label_that_is_none_is_refused_as_a_whole(make: Gates) -> None:
    gate = await make()
    good = {"payment": "p1", "label": "fraud", "source": "chargeback"}

    for bad in (
        {"label": "perhaps"},
        {"source": "Bank 4242"},
        {"at": "yesterday"},
        {"payment": "a b"},
        {"at": "2999-01-01T00:00:00Z"},
    ):
        assert (await gate.post("fraud/labels", labels=[good, good | bad], by="ann")).status_code == 400
    assert (await gate.post("fraud/labels", labels=[good], by="ann")).json()["items"][0]["was"] == "stored"
