"""The state of one process stays within its bound."""

from __future__ import annotations

from plugins.fraud.event import KINDS
from plugins.fraud.records import NEVER
from plugins.fraud.state.memory import MemoryState
from tests.plugins.fraud.conftest import NOON, event


def test_however_many_keys_come_no_kind_holds_more_than_its_share() -> None:
    state = MemoryState(entries=700)
    for number in range(2_000):
        paid = event(number, NOON + number, **{kind: f"{kind}-{number:06}" for kind in KINDS})
        state.look(paid)
        state.tally(paid.keys, paid.at, frauds=0, payments=1)

    assert dict(state.sizes()) == dict.fromkeys(KINDS, 100)


def test_a_key_that_was_forgotten_is_as_one_never_seen() -> None:
    state = MemoryState(entries=14)
    state.look(event(0, customer="forgotten"))
    for number in range(10):
        state.look(event(number, customer=f"c{number}"))

    assert state.look(event(99, customer="forgotten")).seen[0] == NEVER
