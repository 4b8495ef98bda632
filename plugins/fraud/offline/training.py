"""Training: from what a history's payments looked like when they came, to a model's file."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from math import log
from typing import Any, Literal, NamedTuple, TypeAlias

from plugins.fraud.features import CODES, MEANING
from plugins.fraud.files import FORM
from plugins.fraud.linear import SHAPES, Shape

from .ranking import average_precision
from .replay import Scene

Kind: TypeAlias = Literal["logistic", "trees"]

ENOUGH: dict[Kind, int] = {"logistic": 20, "trees": 150}
"""Frauds with known labels below which a model of the kind learns noise (measured: docs/fraud-models.md)."""
KNOT = 0.99
"""The share of payments below the bend of a factor's third term: what is rare is where frauds are."""
LEFT = 0.25
"""The share of values beyond their former range from which a feature is left out."""
LATE = 0.7
"""The share of time after which payments calibrate a model that was trained on those before."""

SCALE: tuple[tuple[float, float], ...] = (
    (1e-9, 0), (1e-4, 1), (0.001, 5), (0.01, 25), (0.1, 50), (0.25, 65), (0.5, 75), (0.9, 88), (0.99, 95),
    (1 - 1e-4, 98), (1 - 1e-9, 99),
)  # fmt: skip
"""From how likely fraud is to a score: reviewed where one of four is a fraud, blocked where it is more likely than
not, with Radar's thresholds of 65 and 75."""

TREES: dict[str, Any] = {
    "objective": "binary", "num_leaves": 4, "max_depth": 2, "learning_rate": 0.07, "min_data_in_leaf": 20,
    "lambda_l2": 10.0, "feature_fraction": 0.5, "bagging_fraction": 0.7, "bagging_freq": 1, "max_bin": 8000,
    "min_data_in_bin": 1, "bin_construct_sample_cnt": 1_000_000, "deterministic": True,
    "force_row_wise": True, "num_threads": 1, "verbose": -1,
}  # fmt: skip
"""Chosen by hand, looking at the published week of the handbook's data and at the one before it, so that the figure of
the published one flatters; ``python -m bench.fraud DATA --spread`` shows it beside weeks that nobody looked at, and
other seeds.  Many bins: few of them would put all large amounts into one."""
ROUNDS = 200
LOOSE = (1.0, 0.1, 0.01)
"""How freely weights may grow (the inverse of an L2 penalty): the one is taken that ranks later payments best."""


class TrainingError(ValueError):
    """A model cannot be trained from this; says why, and what would do."""


class Sample(NamedTuple):
    """What a model is trained on: a row of features and 1 or 0 for each payment, in the order of their time."""

    values: Any
    frauds: Any
    first: float
    last: float


def sample_of(scenes: Iterable[Scene], since: float, until: float) -> Sample:
    """The payments from ``since`` on whose labels were known by ``until``.  TrainingError where there is none."""
    import numpy as np  # noqa: PLC0415 - of the extra payguard[train]

    rows, frauds, times = [], [], []
    for scene in scenes:
        if scene.event.at >= since and scene.known_at <= until:
            rows.append(np.array(scene.values, dtype=np.float64))
            frauds.append(scene.fraud)
            times.append(scene.event.at)
    if not rows:
        raise TrainingError("no payment has a label that was due: the history is shorter than the delay of labels")
    return Sample(np.array(rows), np.array(frauds, dtype=float), times[0], times[-1])


def train(sample: Sample, kind: Kind, seed: int = 0) -> dict[str, Any]:
    """The document of a model's file, the same for the same sample and seed.  TrainingError for too few frauds."""
    frauds = int(sample.frauds.sum())
    if frauds < ENOUGH[kind]:
        instead = "try logistic" if frauds >= ENOUGH["logistic"] else "until then points do better"
        raise TrainingError(f"{frauds} frauds have labels that were due, and {kind} needs {ENOUGH[kind]}: {instead}")
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - of the extra payguard[train]

    used, left_out = columns_of(sample.values)
    with threadpool_limits(1):  # more threads add up in another order, and wait for each other on few cores
        choice, calibration = _calibrated(sample, used, kind, (seed,) if kind == "trees" else LOOSE)
        fitted, _ = _fitted(sample.values, sample.frauds, used, kind, choice)
    return {
        "payguard_fraud_model": FORM,
        "meaning": MEANING,
        "kind": kind,
        "trained": {
            "on": time.strftime("%Y-%m-%d", time.gmtime()),
            "payments": len(sample.frauds),
            "frauds": frauds,
            "since": sample.first,
            "to": sample.last,
            "left_out": left_out,
        },
        "calibration": calibration,
        **fitted,
    }


def columns_of(values: Any) -> tuple[list[int], dict[str, str]]:
    """The features that a model may use, and why others are left out.

    One that never changes says nothing.  One that left its range between the first and the second half of the time,
    such as an age where all that is known began on one day, will have left it again by the time the model serves.
    """
    half, used, left_out = len(values) // 2, [], {}
    for at, code in enumerate(CODES):
        column = values[:, at]
        if float(column.max() - column.min()) < 1e-9:
            continue
        if (beyond := _beyond(column[:half], column[half:])) > LEFT:
            left_out[code] = f"{beyond:.0%} of its later values lie where hardly any lay before"
        else:
            used.append(at)
    return used, left_out


def _beyond(before: Any, after: Any) -> float:
    """The share of later values outside the range of nearly all before."""
    import numpy as np  # noqa: PLC0415

    low, high = np.quantile(before, [0.005, 0.995])
    return float(((after < low) | (after > high)).mean())


def _fitted(values: Any, frauds: Any, used: list[int], kind: Kind, choice: float) -> tuple[dict[str, Any], Any]:
    """A model's part of the file, and its log-odds for rows of features.  ``choice`` is how loose, or the seed."""
    if kind == "trees":
        return _trees(values, frauds, used, int(choice))
    return _logistic(values, frauds, used, choice)


def _calibrated(
    sample: Sample, used: list[int], kind: Kind, choices: Sequence[float]
) -> tuple[float, list[tuple[float, float]]]:
    """The choice that does best, and knots from its log-odds to scores: by a time that it had not seen."""
    import numpy as np  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    early = int(len(sample.frauds) * LATE)
    if min(sample.frauds[:early].sum(), sample.frauds[early:].sum()) < 5:
        return choices[0], _knots(1.0, 0.0)
    later, frauds = sample.values[early:], sample.frauds[early:]
    found = [_fitted(sample.values[:early], sample.frauds[:early], used, kind, each)[1](later) for each in choices]
    best = max(range(len(found)), key=lambda at: average_precision(found[at], frauds))
    fitted = LogisticRegression(C=1e6).fit(np.clip(found[best], -20, 20).reshape(-1, 1), frauds)
    return choices[best], _knots(max(0.2, float(fitted.coef_[0][0])), float(fitted.intercept_[0]))


def _knots(slope: float, offset: float) -> list[tuple[float, float]]:
    return [((log(p / (1 - p)) - offset) / slope, score) for p, score in SCALE]


def _logistic(values: Any, frauds: Any, used: list[int], loose: float) -> tuple[dict[str, Any], Any]:
    import numpy as np  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415

    knots = np.quantile(values, KNOT, axis=0)
    terms = [(at, shape) for at in used for shape in SHAPES]
    terms = [(at, shape) for at, shape in terms if shape != "beyond" or knots[at] < values[:, at].max()]

    def shaped(rows: Any) -> Any:
        return np.column_stack([_shaped(rows[:, at], shape, knots[at]) for at, shape in terms])

    matrix = shaped(values)
    means, scales = matrix.mean(axis=0), np.maximum(matrix.std(axis=0), 1e-9)
    fitted = LogisticRegression(C=loose, solver="newton-cholesky", max_iter=200).fit((matrix - means) / scales, frauds)
    weights, intercept = fitted.coef_[0], float(fitted.intercept_[0])
    middle = np.median(values, axis=0)
    written = [
        {"feature": CODES[at], "shape": shape, "knot": float(knots[at]) if shape == "beyond" else 0.0,
         "mean": float(mean), "scale": float(scale), "weight": float(weight), "baseline": float(middle[at])}
        for (at, shape), mean, scale, weight in zip(terms, means, scales, weights, strict=True)
    ]  # fmt: skip
    return {
        "intercept": intercept,
        "terms": written,
    }, lambda rows: (shaped(rows) - means) / scales @ weights + intercept


def _shaped(column: Any, shape: Shape, knot: float) -> Any:
    import numpy as np  # noqa: PLC0415

    return np.array([SHAPES[shape](value, knot) for value in column.tolist()])


def _trees(values: Any, frauds: Any, used: list[int], seed: int) -> tuple[dict[str, Any], Any]:
    import lightgbm  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    params = TREES | {"seed": seed}
    booster = lightgbm.train(params, lightgbm.Dataset(values[:, used], frauds, params=params), num_boost_round=ROUNDS)
    intercept, trees = 0.0, []
    for grown in booster.dump_model()["tree_info"]:
        root = grown["tree_structure"]
        intercept += root.get("internal_value", root.get("leaf_value", 0.0))
        if "split_feature" in root:
            trees.append(_tree(root, used))
    asked = sorted({code for tree in trees for code in _asked(tree)})
    middle = np.median(values, axis=0)
    document = {
        "intercept": intercept,
        "baselines": {code: float(middle[CODES.index(code)]) for code in asked},
        "trees": trees,
    }
    return document, lambda rows: booster.predict(rows[:, used], raw_score=True)


def _tree(root: dict[str, Any], used: list[int]) -> dict[str, Any]:
    sides = {side: _side(root[f"{side}_child"], root["internal_value"], used) for side in ("left", "right")}
    return {"feature": CODES[used[root["split_feature"]]], "threshold": root["threshold"], **sides}


def _side(node: dict[str, Any], above: float, used: list[int]) -> dict[str, Any]:
    """What a side adds to the value above it; of a question, its answers add to that."""
    if "leaf_value" in node:
        return {"adds": node["leaf_value"] - above}
    value = node["internal_value"]
    answers = {side: node[f"{side}_child"]["leaf_value"] - value for side in ("left", "right")}
    then = {"feature": CODES[used[node["split_feature"]]], "threshold": node["threshold"], **answers}
    return {"adds": value - above, "then": then}


def _asked(tree: dict[str, Any]) -> list[str]:
    under = [tree[side].get("then") for side in ("left", "right")]
    return [tree["feature"], *[each["feature"] for each in under if each]]
