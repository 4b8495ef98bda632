from __future__ import annotations

import time

import pytest

from gateway.database.clock import SLEW, SteadyClock, now


class Hands:
    """A wall clock that is set, and time that passes."""

    def __init__(self) -> None:
        self.set = 0.0
        self.passed = 100.0
        self.clock = SteadyClock(lambda: 1_000_000.0 + self.passed + self.set, lambda: self.passed)
        self.began = self.clock.now()

    def after(self, seconds: float) -> float:
        """How many seconds the clock says have passed since it began."""
        self.passed += seconds
        return self.clock.now() - self.began


def test_it_begins_with_the_wall_clock() -> None:
    assert now() == pytest.approx(time.time(), abs=5)


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_a_wall_clock_that_is_set_moves_it_slowly(jump: float) -> None:
    hands = Hands()
    hands.set = jump

    assert hands.after(0.0) == 0.0
    assert hands.after(10.0) == pytest.approx(10 + (10 * SLEW if jump > 0 else -10 * SLEW))


def test_it_comes_to_what_the_wall_clock_says() -> None:
    hands = Hands()
    hands.set = 1.0

    assert hands.after(1 / SLEW) == pytest.approx(1 / SLEW + 1)
    assert hands.after(100.0) == pytest.approx(1 / SLEW + 101)


def test_it_never_goes_back() -> None:
    hands = Hands()
    said = [hands.after(0.001)]
    for jump in (-86_400.0, 3600.0, 0.0, -1.0):
        hands.set = jump
        said += [hands.after(0.001) for _ in range(5)]

    assert said == sorted(said)
