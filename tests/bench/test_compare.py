from dataclasses import replace

import pytest

from bench.compare import FLOOR, Sample, rows, turned
from bench.figures import Spread
from bench.ledgered import Ledgered


def sample(peer: str, number: int, microseconds: float, workload: str = "GET") -> Sample:
    requests = 1000
    return Sample(peer, workload, number, requests, 1.0, microseconds * requests / 1e6, p50=0.001, p99=0.002)


def test_the_order_turns_with_the_rounds() -> None:
    assert [turned("abc", number) for number in range(4)] == [
        ["a", "b", "c"],
        ["b", "c", "a"],
        ["c", "a", "b"],
        ["a", "b", "c"],
    ]


def test_a_row_has_the_median_of_the_ratios_not_the_ratio_of_the_medians() -> None:
    samples = [sample("nginx", 0, 10), sample("nginx", 1, 40), sample("nginx", 2, 20)]
    samples += [sample("payguard", 0, 40), sample("payguard", 1, 120), sample("payguard", 2, 100)]

    row = next(row for row in rows(samples) if row.peer == "payguard")

    assert row.cost.median == pytest.approx(100)
    assert row.ratio is not None
    assert row.ratio.median == pytest.approx(4)
    assert (row.ratio.least, row.ratio.most) == (pytest.approx(3), pytest.approx(5))


def test_workloads_are_not_mixed() -> None:
    samples = [sample("nginx", 0, 10), sample("nginx", 0, 30, "POST"), sample("payguard", 0, 60, "POST")]

    found = {(row.peer, row.workload): row.ratio for row in rows(samples)}

    assert list(found) == [("nginx", "GET"), ("nginx", "POST"), ("payguard", "POST")]
    ratio = found["payguard", "POST"]
    assert ratio is not None
    assert ratio.median == pytest.approx(2)


def test_what_a_payment_adds_is_beyond_the_floor_of_the_same_round_with_what_its_ledger_did() -> None:
    samples = [sample(FLOOR, 0, 60), sample(FLOOR, 1, 90)]
    samples += [
        replace(sample("recorded", 0, 150), ledger=Ledgered(commits=100, statements=2000, server=None)),
        replace(sample("recorded", 1, 190), ledger=Ledgered(commits=50, statements=2000, server=0.08)),
    ]

    row = next(row for row in rows(samples) if row.peer == "recorded")

    assert row.added == Spread(pytest.approx(95), pytest.approx(90), pytest.approx(100))
    assert row.commits == Spread(pytest.approx(0.075), 0.05, 0.1)
    assert row.together == Spread(30, 20, 40)
    assert row.server == Spread(*[pytest.approx(80)] * 3)


def test_a_peer_without_a_ledger_and_a_run_without_the_floor_have_no_such_figures() -> None:
    [row] = rows([sample("nginx", 0, 10)])

    assert (row.added, row.commits, row.together, row.server) == (None, None, None, None)
