from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from gateway.admin.documents import RESOLVABLE, item, whole
from gateway.ledger.records import SETTLED, Change, Record, State


def record(**given: Any) -> Record:
    fields: dict[str, Any] = dict.fromkeys(Record.__dataclass_fields__)
    fields |= {"id": "abc", "state": State.IN_DOUBT, "created_at": 0.0, "keep": 9.0, "history": (), "trail": {}}
    return Record(**fields | given)


def test_times_are_written_for_people_and_machines() -> None:
    assert item(record(created_at=1_700_000_000.25))["created_at"] == datetime(2023, 11, 14, 22, 13, 20, 250_000, UTC)
    assert item(record())["settled_at"] is None


def test_a_link_names_its_kind() -> None:
    assert item(record())["link"] is None
    assert item(record(link_kind="retry_of", link_id="xyz"))["link"] == {"kind": "retry_of", "id": "xyz"}


def test_every_list_of_a_trail_is_there() -> None:
    trail = whole(record(trail={"filters": [{"name": "principal"}]}))["trail"]
    assert trail == {
        "filters": [{"name": "principal"}],
        "notes": (),
        "attempts": (),
        "answers": [],
        "earlier": (),
        "cut": False,
    }


def test_history_is_in_order_with_who_and_why() -> None:
    history = [Change(1.0, State.SENT, "gateway"), Change(2.0, State.FAILED, "human:ada", "known")]
    shown = whole(record(history=history))["history"]
    assert [(each["state"], each["by"], each["reason"]) for each in shown] == [
        ("sent", "gateway", ""),
        ("failed", "human:ada", "known"),
    ]


def test_what_is_settled_is_nobodys_to_decide() -> None:
    assert not SETTLED & RESOLVABLE.keys()
    assert whole(record(state=State.SUCCEEDED))["resolvable_to"] == ()
