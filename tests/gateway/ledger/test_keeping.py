from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from gateway.ledger.keeping import BodiesConfig, Keeping, KeepingConfig, PruneConfig
from gateway.ledger.records import State
from gateway.ledger.sql import SqlLedger
from gateway.testing import HandScope
from tests.gateway.ledger.conftest import OVER, accepted, brought, entry, found, settlement

PAGE = (Path(__file__).parents[3] / "docs" / "ledger.md").read_text()


def keeping(ledger: Any, **options: Any) -> Keeping:
    return Keeping(KeepingConfig.model_validate(options), HandScope(records=ledger))


async def test_what_is_kept_long_enough_is_removed_batch_by_batch(ledger: SqlLedger) -> None:
    gone = [await settled(ledger, keep=OVER) for _ in range(5)]
    stays = [await settled(ledger, keep=100.0), (await brought(ledger, State.UNRESOLVED)).id]
    await keeping(ledger, prune={"batch": 2}).prune()

    assert [await ledger.find(each) for each in gone] == [None] * 5
    assert [(await found(ledger, each)).id for each in stays] == stays


async def settled(ledger: SqlLedger, keep: float) -> str:
    made = entry(keep=keep)
    assert await ledger.begin(made, 100.0)
    assert await ledger.settle(made.id, 1, settlement(State.SUCCEEDED))
    return made.id


async def test_what_was_claimed_in_vain_is_released_and_what_was_promised_waits_again(ledger: SqlLedger) -> None:
    claimed, promised = entry(), await accepted(ledger)
    assert await ledger.reserve(claimed, OVER)
    await ledger.take_accepted(1, OVER)
    await keeping(ledger).free()

    assert (await found(ledger, claimed.id)).state is State.RELEASED
    assert (await found(ledger, promised.id)).state is State.ACCEPTED


async def test_it_counts_what_is_open_and_how_long_the_oldest_has_been(ledger: SqlLedger) -> None:
    its = keeping(ledger)
    assert (its.counts, its.ages) == ({}, {})
    for state in (State.SENT, State.IN_DOUBT, State.IN_DOUBT, State.UNRESOLVED, State.RESERVED, State.SUCCEEDED):
        await brought(ledger, state)
    await accepted(ledger)
    await its.count()

    assert its.counts == {
        State.ACCEPTED: 1,
        State.HELD: 0,
        State.RESERVED: 1,
        State.SENT: 1,
        State.PENDING: 0,
        State.IN_DOUBT: 2,
        State.UNRESOLVED: 1,
    }
    assert its.ages.keys() == its.counts.keys()
    assert its.ages[State.PENDING] == 0
    before = its.ages[State.IN_DOUBT]
    assert 0 <= before < 60
    its.scope.clock.advance(5.0)  # type: ignore[attr-defined]
    assert its.ages[State.IN_DOUBT] == pytest.approx(before + 5)


def test_a_process_without_a_ledger_looks_after_none() -> None:
    assert keeping(None).jobs() == ()


def test_its_jobs_are_those_of_the_policy(sqlite_path: Path) -> None:
    jobs = keeping(sqlite_path, prune={"every": "7s"}).jobs()

    assert [(job.name, job.every) for job in jobs] == [("free", 5.0), ("prune", 7.0), ("count", 5.0)]


@pytest.mark.parametrize(
    ("name", "kind"), [("ledger", KeepingConfig), ("bodies", BodiesConfig), ("prune", PruneConfig)]
)
def test_the_page_has_each_option_with_its_default(name, kind) -> None:
    defaults = kind().model_dump(mode="json")

    def default(name: str) -> str:
        return "–" if isinstance(defaults[name], dict | list) else f"`{defaults[name]}`"

    said = {
        f"| `{name}` | {default(name)} | {' '.join((field.description or '').split()).removesuffix('.')} |"
        for name, field in kind.model_fields.items()
    }
    table = PAGE.partition(f"| option of `{name}` |")[2].partition("\n\n")[0]

    assert set(re.findall(r"^\| `[a-z_]+` \|.*$", table, re.MULTILINE)) == said
