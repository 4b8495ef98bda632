from __future__ import annotations

from pathlib import Path

import pytest

from plugins.fraud.event import MISSING, MailSigns
from plugins.fraud.features import CODES, FEATURES, INDEX, features
from plugins.fraud.state.memory import MemoryState
from tests.plugins.fraud.conftest import NOON, event

DAY = 86_400
DOCS = (Path(__file__).parents[3] / "docs" / "fraud-models.md").read_text()


def of(paid, state=None) -> dict[str, float]:
    return dict(zip(CODES, features(paid, (state or MemoryState()).look(paid)), strict=True))


def test_each_code_stands_once_where_the_index_says() -> None:
    assert len(set(CODES)) == len(FEATURES) == len(features(event(), MemoryState().look(event())))
    assert all(CODES[at] == code for code, at in INDEX.items())


def test_an_amount_is_measured_by_what_the_customer_usually_pays() -> None:
    state = MemoryState()
    for number in range(30):
        of(event(number, NOON + number * DAY, customer="c1", amount=1_000 + number % 3 * 100), state)

    values = of(event(99, NOON + 31 * DAY, customer="c1", amount=11_000), state)

    assert values["amount_ratio"] == pytest.approx(10, rel=0.02)
    assert values["amount_deviation"] > 20


def test_one_outlier_moves_the_usual_amount_little() -> None:
    state = MemoryState()
    for number in range(30):
        of(event(number, NOON + number * DAY, customer="c1", amount=1_000), state)
    of(event(50, NOON + 30 * DAY, customer="c1", amount=1_000_000), state)

    assert of(event(99, NOON + 31 * DAY, customer="c1"), state)["customer_usual"] < 11


def test_an_account_is_as_old_as_it_says_else_as_long_as_it_is_known() -> None:
    assert of(event(customer="c1", account_created_at=NOON - 10 * DAY))["account_age_days"] == 10
    assert of(event(customer="c1", account_created_at=NOON + DAY))["account_age_days"] == 0
    assert of(event(customer="c1"))["account_age_days"] == 0


def test_night_and_weekend_are_those_of_utc() -> None:
    saturday = NOON + 2 * DAY
    assert [of(event(at=NOON + hour * 3600))["night"] for hour in (9.9, 10, 17.9, 18)] == [0, 1, 1, 0]
    assert [of(event(at=saturday + day * DAY))["weekend"] for day in (-1, 0, 1, 2)] == [0, 1, 1, 0]


def test_countries_that_differ_are_a_mismatch_only_where_both_are_known() -> None:
    assert of(event(country="fr", card_country="us"))["country_mismatch"] == 1
    assert of(event(country="fr", card_country="fr"))["country_mismatch"] == 0
    assert of(event(country="fr"))["country_mismatch"] == 0


def test_signs_of_an_address_are_features() -> None:
    values = of(event(mail=MailSigns(disposable=1, digits=0.5)))

    assert (values["email_disposable"], values["email_digits"], values["email_free"]) == (1, 0.5, 0)


def test_yen_have_no_hundredths_and_dinars_have_thousandths() -> None:
    assert [of(event(currency=each, amount=5_000))["amount"] for each in ("jpy", "eur", "kwd")] == [5_000, 50, 5]


def test_the_documentation_tells_every_feature_and_every_rule_for_what_is_missing() -> None:
    told = [f"| `{each.code}` | {each.about} |" for each in FEATURES]
    rules = [f"| `{field}` | {rule} |" for field, rule in MISSING.items()]

    assert [line for line in DOCS.splitlines() if line in {*told, *rules}] == rules + told
