import pytest

from bench.compare import Sample, rows, turned


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
