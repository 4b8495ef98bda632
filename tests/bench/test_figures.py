import pytest

from bench.figures import Line, Spread, quantile, ratios


def test_a_ratio_compares_what_the_same_round_measured() -> None:
    noisy = {0: 100.0, 1: 400.0, 2: 90.0}
    base = {0: 50.0, 1: 100.0, 2: 30.0}

    assert ratios(noisy, base) == Spread(median=3.0, least=2.0, most=4.0)


def test_rounds_that_only_one_of_two_took_part_in_are_left_out() -> None:
    assert ratios({0: 10.0, 1: 30.0}, {1: 10.0, 2: 10.0}) == Spread(3.0, 3.0, 3.0)


def test_there_is_no_ratio_without_a_base() -> None:
    assert ratios({0: 10.0}, {}) is None


@pytest.mark.parametrize(("share", "expected"), [(0.0, 1.0), (0.5, 2.0), (0.75, 3.0), (0.99, 4.0), (1.0, 4.0)])
def test_a_quantile_is_one_of_the_values(share: float, expected: float) -> None:
    assert quantile([1.0, 2.0, 3.0, 4.0], share) == expected


def test_a_line_through_points_on_a_line_has_no_error() -> None:
    line = Line.through([0, 1, 2, 3], [5, 7, 9, 11])

    assert (line.slope, line.start) == (2, 5)
    assert line.error == pytest.approx(0, abs=1e-9)


def test_the_error_of_a_slope_is_that_of_least_squares_where_residuals_alternate() -> None:
    line = Line.through([0, 1, 2, 3], [1, -1, 1, -1])

    assert line.slope == pytest.approx(-0.4)
    assert line.error == pytest.approx((3.2 / 2 / 5) ** 0.5)


def test_residuals_that_follow_each_other_widen_the_error() -> None:
    xs = list(range(12))
    stairs = Line.through(xs, [0, 0, 0, 0, 10, 10, 10, 10, 0, 0, 0, 0])
    scattered = Line.through(xs, [0, 10, 0, 0, 10, 0, 0, 10, 0, 0, 10, 0])

    assert stairs.error > scattered.error


def test_two_points_are_too_few_for_an_error() -> None:
    with pytest.raises(ValueError, match="three samples"):
        Line.through([0, 1], [0, 1])
