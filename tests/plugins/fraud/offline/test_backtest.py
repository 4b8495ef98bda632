from __future__ import annotations

import pytest

from plugins.fraud.judge import judge_of
from plugins.fraud.offline.backtest import Aims, BacktestError, backtest
from plugins.fraud.offline.replay import replay
from tests.plugins.fraud.modelling import DAY, rows

BIG = {"code": "big", "when": {"amount": "> 220"}, "then": "block"}


@pytest.fixture(scope="module")
def scenes():
    return list(replay(rows(days=24)))


@pytest.fixture(scope="module")
def report(scenes):
    live, new = judge_of({}), judge_of({"rules": [BIG]})
    return backtest(scenes, new, live, since=scenes[0].event.at + 7 * DAY, aims=Aims(reviews_a_day=2))


def test_what_is_early_is_learned_from_and_what_is_late_is_left(report, scenes) -> None:
    assert report["learned_from"] + report["payments"] + report["too_recent"] == len(scenes)
    assert min(report["learned_from"], report["payments"], report["too_recent"]) > 500


def test_each_figure_comes_with_its_interval(report) -> None:
    for name in ("average_precision", "card_precision_100"):
        assert report[name]["low"] <= report[name]["value"] <= report[name]["high"]


def test_a_rule_and_a_reason_say_how_often_they_held_and_were_right(report) -> None:
    assert report["rules"]["big"]["payments"] == report["rules"]["big"]["frauds"] > 0
    assert report["reasons"]["amount_ratio"]["payments"] >= report["reasons"]["amount_ratio"]["frauds"] > 0


def test_who_would_flip_is_told_with_amounts(report, scenes) -> None:
    turn = report["flips"]["turns"]["allow → block"]
    amounts = {scene.event.id: scene.event.amount / 100 for scene in scenes}

    assert turn["payments"] == turn["frauds"] > 0
    assert turn["amounts"]["eur"] > 220 * turn["payments"]
    assert all(each["amount"] == pytest.approx(amounts[each["id"]]) for each in report["flips"]["largest"])


def test_thresholds_are_suggested(report) -> None:
    aims = [each["aim"] for each in report["thresholds"]]

    assert "2 reviews a day" in aims
    assert "least cost at 5 a review, payments in eur" in aims


def test_a_policy_against_itself_flips_nobody(scenes) -> None:
    assert backtest(scenes, judge_of({}), judge_of({}))["flips"] == {"payments": 0, "turns": {}, "largest": []}


def test_what_a_model_was_trained_on_is_not_judged(scenes) -> None:
    judge = judge_of({})
    judge.model.trained_to = scenes[1_000].event.at

    assert backtest(scenes, judge)["learned_from"] == 1_001


def test_where_no_payment_is_left_that_is_said(scenes) -> None:
    with pytest.raises(BacktestError, match="no payment is left"):
        backtest(scenes[:10], judge_of({}))
