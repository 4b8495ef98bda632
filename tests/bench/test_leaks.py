from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from bench.leaks.numbers import FORMS, json_escaped, numbers, percent
from bench.leaks.places import PLACES
from bench.leaks.run import Result, run
from bench.leaks.scan import Scan
from gateway.cards import is_card

NUMBERS = [*islice(numbers(Random(5)), 40)]


def spoken_latin(text: str) -> str:
    return text.encode().decode("latin-1")


def test_every_number_is_a_card_and_none_comes_twice() -> None:
    assert all(map(is_card, NUMBERS))
    assert len({*NUMBERS}) == len(NUMBERS)


@pytest.mark.parametrize("spelled", [str, percent, json_escaped, spoken_latin, lambda text: percent(percent(text))])
def test_the_scan_finds_a_number_in_every_form_and_spelling(spelled: Callable[[str], str]) -> None:
    scan = Scan(NUMBERS)
    for number in NUMBERS:
        for form in FORMS.values():
            assert scan.text(f"before {spelled(form(number))} behind") == {number}


def test_the_scan_finds_what_lies_across_two_of_its_pieces(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff" * ((1 << 20) - 5) + NUMBERS[0].encode() + b"\0")
    assert Scan(NUMBERS).file(tmp_path / "file") == {NUMBERS[0]}


def found(result: Result) -> dict[str, int]:
    return {output.name: len(output.found) for output in result.outputs if output.found}


async def test_a_gateway_writes_no_card_wherever_its_client_puts_one(tmp_path: Path) -> None:
    result = await run(tmp_path, len(PLACES), 1, settles=0.3)
    assert found(result) == {}
    assert result.spans >= len(PLACES) - 5
    assert {output.name.partition(",")[0] for output in result.outputs} >= {
        *("data/payguard.db", "data/payguard.db-wal", "log", "metrics", "pages", "problems", "redis.rdb", "spans"),
        *("protected", "answers", "trail.jsonl", "verified"),
    }
    assert result.revealed
    assert all(
        result.rows[each] for each in ("payments", "audit", "decisions", "vault", "fraud_lists", "cache in Redis")
    )


async def test_a_gateway_that_masks_no_card_is_found_out(tmp_path: Path) -> None:
    result = await run(tmp_path, len(PLACES), 1, settles=0.3, canary=True)
    assert found(result).keys() >= {
        "log, while it ran",
        "spans, after it",
        "answers, after it",
        "data/payguard.db, after it",
    }
    assert {"path", "query", "header: user agent"} <= result.places.keys()
