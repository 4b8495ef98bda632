from __future__ import annotations

import numpy as np
import orjson
import pytest

from plugins.fraud.features import CODES, INDEX
from plugins.fraud.models import parse_model
from plugins.fraud.offline.ranking import average_precision
from plugins.fraud.offline.replay import replay
from plugins.fraud.offline.training import TrainingError, columns_of, sample_of, train
from plugins.fraud.points import PointsModel
from tests.plugins.fraud.modelling import DAY, rows


@pytest.fixture(scope="module")
def scenes():
    return list(replay(rows(days=40, customers=200)))


@pytest.fixture(scope="module")
def halves(scenes):
    """What is trained on, and the payments after its labels were known."""
    start = scenes[0].event.at
    return sample_of(scenes, start + 8 * DAY, start + 32 * DAY), [
        scene for scene in scenes if scene.event.at > start + 32 * DAY
    ]


def test_only_payments_are_trained_on_whose_labels_were_known(scenes, halves) -> None:
    sample, _ = halves
    start = scenes[0].event.at

    assert start + 8 * DAY <= sample.first < sample.last <= start + 25 * DAY


@pytest.fixture(scope="module")
def trained(halves):
    return {kind: train(halves[0], kind) for kind in ("logistic", "trees")}


@pytest.mark.parametrize("kind", ["logistic", "trees"])
def test_a_trained_model_finds_more_than_points_do(halves, trained, kind) -> None:
    sample, later = halves
    model = parse_model(orjson.dumps(trained[kind]), kind)
    frauds = np.array([scene.fraud for scene in later], dtype=float)

    def found(judge) -> float:
        return average_precision(np.array([judge.score(scene.values).value for scene in later]), frauds)

    assert model.trained_to == sample.last
    assert found(model) > found(PointsModel()) + 0.03


def test_from_the_same_payments_comes_the_same_model(halves, trained) -> None:
    assert train(halves[0], "trees") == trained["trees"]


def test_too_few_frauds_are_said_with_what_would_do(halves) -> None:
    sample, _ = halves
    few = sample._replace(frauds=np.where(np.cumsum(sample.frauds) <= 30, sample.frauds, 0))
    hardly = sample._replace(frauds=np.where(np.cumsum(sample.frauds) <= 3, sample.frauds, 0))

    with pytest.raises(TrainingError, match="30 frauds have labels that were due, and trees needs 150: try logistic"):
        train(few, "trees")
    with pytest.raises(TrainingError, match=r"3 frauds .* logistic needs 20: until then points do better"):
        train(hardly, "logistic")


def test_without_a_due_label_there_is_nothing_to_train_on(scenes) -> None:
    with pytest.raises(TrainingError, match="no payment has a label that was due"):
        sample_of(scenes[:100], 0, scenes[99].event.at)


def test_a_feature_that_left_its_range_or_never_changes_is_not_used() -> None:
    values = np.random.default_rng(0).normal(size=(1_000, len(CODES)))
    values[:, INDEX["account_age_days"]] = np.arange(1_000)
    values[:, INDEX["night"]] = 0

    used, left_out = columns_of(values)

    assert left_out.keys() == {"account_age_days"}
    assert len(used) == len(CODES) - 2
