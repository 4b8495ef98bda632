"""The benchmark of large ledgers, on small ones."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from bench import ledger
from bench.filling import COLUMNS, payments
from bench.ledger import STEPS, Ledgers, Sample, filled, measured, table
from gateway.ledger.records import Query
from tests.servers import Postgres


@pytest.fixture(autouse=True)
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "CALLS", 40)
    monkeypatch.setattr(ledger, "SCANS", 2)


def test_payments_are_unlike_each_other_and_in_the_order_of_their_ids() -> None:
    rows = list(payments(1000))

    ids, claims = ([row[COLUMNS.index(name)] for row in rows] for name in ("id", "claim"))
    assert sorted(set(ids)) == ids
    assert {len(each) for each in ids} == {26}
    assert len(set(claims)) == 1000
    assert {row[1] for row in rows} == {"succeeded", "failed", "unresolved"}


async def _sizes(ledgers: list[Ledgers]) -> list[int]:
    return [len(await each._ledger.list(Query(limit=1000))) for each in ledgers]


async def test_each_step_is_measured_in_ledgers_of_two_sizes(tmp_path: Path) -> None:
    async with filled((60, 300), None, tmp_path) as ledgers:
        assert await _sizes(ledgers) == [60, 300]
        lines = table(await measured(ledgers, 2))

    assert [line[0] for line in lines] == list(STEPS.values())
    assert {len(line) for line in lines} == {5}
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - pathlib's own is refused in a coroutine


async def test_on_a_server_too(postgres: Postgres) -> None:
    names = [await postgres.create() for _ in range(2)]
    for name, size in zip(names, (60, 300), strict=True):
        await postgres.run(f"ALTER DATABASE {name} RENAME TO many_{size}")
    try:
        async with filled((60, 300), postgres.url("many"), None) as ledgers:
            assert await _sizes(ledgers) == [60, 300]
            assert len(await measured(ledgers, 1)) == 2
    finally:
        await asyncio.gather(*(postgres.drop(f"many_{size}") for size in (60, 300)))


def test_a_ratio_is_of_the_same_round() -> None:
    small = {step: {0: Sample(1.0, 2.0), 1: Sample(4.0, 2.0)} for step in STEPS}
    large = {step: {0: Sample(2.0, 3.0), 1: Sample(4.0, 4.0)} for step in STEPS}

    [line, *_] = table([small, large])

    assert line[3:] == ["1.75 (1.50 - 2.00)", "1.50 (1.00 - 2.00)"]
