from __future__ import annotations

from random import Random

import pytest

from bench.alarms import BY_CHANCE, CLASSES, alarms
from gateway.telemetry.masking import Masking


@pytest.mark.parametrize("what", CLASSES)
def test_of_a_thousand_numbers_that_are_no_cards_at_most_one_is_masked(what: str) -> None:
    assert alarms(CLASSES[what], 1000, Random(1), Masking()) <= 1


def test_ids_as_long_as_a_card_are_masked_by_chance_but_in_a_field_that_is_spared() -> None:
    make = BY_CHANCE["ids of 16 random digits"]
    assert 20 <= alarms(make, 1000, Random(1), Masking()) <= 80
    assert alarms(make, 1000, Random(1), Masking(spared=["order"])) == 0
