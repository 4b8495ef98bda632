from __future__ import annotations

import pytest
from pydantic import ValidationError

from plugins.fraud.features import CODES, INDEX
from plugins.fraud.points import HAND_SET, Points, PointsModel
from plugins.fraud.scoring import Reason


def values(**of: float) -> list[float]:
    found = [0.0] * len(CODES)
    for code, value in of.items():
        found[INDEX[code]] = value
    return found


def test_points_grow_to_the_full_number() -> None:
    model = PointsModel([Points(factor="amount_ratio", above=2, full_at=6, points=40)])

    assert [model.score(values(amount_ratio=each)).value for each in (2, 4, 6, 50)] == [0, 20, 40, 40]


def test_points_below_a_number_grow_downwards() -> None:
    model = PointsModel([Points(factor="account_age_days", below=10, full_at=0, points=20)])

    assert [model.score(values(account_age_days=each)).value for each in (10, 5, 0)] == [0, 10, 20]


def test_a_score_stays_within_0_and_99() -> None:
    entries = [Points(factor="night", above=0, points=90), Points(factor="weekend", above=0, points=-95)]
    model = PointsModel([*entries, Points(factor="amount", above=0, points=50)])

    assert model.score(values(night=1, amount=1)).value == 99
    assert model.score(values(weekend=1)).value == 0


def test_reasons_are_those_that_raised_it_most() -> None:
    given = {"night": 2, "weekend": 9, "email_free": 5, "email_tagged": 7, "email_digits": -3}
    score = PointsModel([Points(factor=code, above=0.5, points=each) for code, each in given.items()]).score(
        [1.0] * len(CODES)
    )

    assert score.value == 20
    assert score.reasons == (
        Reason("weekend", 1, 0.5, 9),
        Reason("email_tagged", 1, 0.5, 7),
        Reason("email_free", 1, 0.5, 5),
    )


def test_other_points_are_another_version() -> None:
    assert PointsModel().version == PointsModel(HAND_SET).version != PointsModel(HAND_SET[1:]).version


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"factor": "amout", "above": 1}, "there is no feature 'amout'; did you mean 'amount'"),
        ({"factor": "amount"}, "give either above or below"),
        ({"factor": "amount", "above": 1, "below": 2}, "give either above or below"),
        ({"factor": "amount", "above": 5, "full_at": 5}, "full_at lies beyond above"),
        ({"factor": "amount", "below": 5, "full_at": 6}, "full_at lies beyond above, or under below"),
    ],
)
def test_an_entry_that_says_nothing_is_refused(entry, message) -> None:
    with pytest.raises(ValidationError, match="1 validation error") as refused:
        Points(points=1, **entry)
    assert message in str(refused.value)
