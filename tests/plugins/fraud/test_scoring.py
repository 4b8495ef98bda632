from __future__ import annotations

import pytest

from plugins.fraud.features import INDEX
from plugins.fraud.scoring import Calibration, Reason, reasons_of
from tests.plugins.fraud.test_points import values


def test_a_score_lies_on_the_lines_between_knots() -> None:
    calibrated = Calibration([(-2, 0), (0, 50), (4, 99)])

    assert [calibrated(raw) for raw in (-9, -2, -1, 0, 2, 4, 9)] == [0, 0, 25, 50, 74.5, 99, 99]


@pytest.mark.parametrize("knots", [[(0, 1)], [(0, 1), (0, 2)], [(0, 5), (1, 4)], [(0, -1), (1, 5)], [(0, 0), (1, 100)]])
def test_knots_that_lead_nowhere_are_refused(knots) -> None:
    with pytest.raises(ValueError, match="the calibration"):
        Calibration(knots)


def test_reasons_share_the_score_by_what_they_added() -> None:
    used = [INDEX["amount"], INDEX["night"], INDEX["weekend"]]
    given = reasons_of([3.0, -5.0, 1.0], used, values(amount=7, weekend=1), dict.fromkeys(used, 2.0), 80)

    assert given == (Reason("amount", 7, 2, 60), Reason("weekend", 1, 2, 20))


def test_where_nothing_raised_it_there_is_no_reason() -> None:
    assert reasons_of([-1.0], [0], values(), {0: 0.0}, 5) == ()
