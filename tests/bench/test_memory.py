import pytest

from bench.figures import Line
from bench.memory import Soak, verdict

MIB = 1 << 20


@pytest.mark.parametrize(
    ("slope", "error", "expected"),
    [(0.1, 0.2, "flat"), (-3.0, 1.0, "flat"), (4.0, 1.0, "GROWS"), (1.0, 3.0, "undecided: run longer")],
)
def test_a_verdict_is_given_only_where_two_standard_errors_allow_it(slope: float, error: float, expected: str) -> None:
    assert verdict(Line(slope, error, 0)) == expected


def test_growth_during_the_warm_up_does_not_count() -> None:
    points = tuple((served * 10_000, min(served, 15) * MIB) for served in range(1, 101))

    assert verdict(Soak("payguard", 50 * MIB, points, points).line) == "flat"


def test_growth_with_every_request_does() -> None:
    points = tuple((served * 10_000, 60 * MIB + served * 10_000 * 8) for served in range(1, 101))
    line = Soak("payguard", 50 * MIB, points, points).line

    assert line.slope == pytest.approx(8)
    assert verdict(line) == "GROWS"
