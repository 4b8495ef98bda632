"""Backtests: what policies would have decided of a history, and how right that would have been.  Plain data out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from plugins.fraud.features import MAIN_UNITS
from plugins.fraud.judge import Judge, Judged
from plugins.fraud.records import DAY

from .ranking import (
    CARDS,
    Suggestion,
    average_precision,
    curve,
    daily_precision,
    for_capacity,
    for_cost,
    for_precision,
    interval,
    value_recall,
)
from .replay import Scene

SHOWN = 20
"""Flips that are shown one by one: those of the highest amounts."""


class BacktestError(ValueError):
    """A history that nothing can be said of; says why."""


class Aims(NamedTuple):
    """What thresholds are suggested for."""

    precision: float = 0.5
    reviews_a_day: float = 100.0
    review_cost: float = 5.0
    """In main units of the history's most used currency."""


@dataclass(slots=True)
class Seen:
    """What is kept of each payment until the figures are made."""

    scores: list[float] = field(default_factory=list)
    frauds: list[bool] = field(default_factory=list)
    days: list[int] = field(default_factory=list)
    customers: list[str | None] = field(default_factory=list)
    amounts: list[float] = field(default_factory=list)
    currencies: list[str] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    rules: Counter[tuple[str, bool]] = field(default_factory=Counter)
    reasons: Counter[tuple[str, bool]] = field(default_factory=Counter)
    points: Counter[str] = field(default_factory=Counter)
    flips: list[tuple[str, str, float, str, bool, int]] = field(default_factory=list)

    def add(self, scene: Scene, judged: Judged) -> None:
        event = scene.event
        self.scores.append(judged.score.value)
        self.frauds.append(scene.fraud)
        self.days.append(int(event.at // DAY))
        self.customers.append(event.customer)
        self.currencies.append(event.currency or "none")
        self.amounts.append(round((event.amount or 0) * MAIN_UNITS.get(event.currency or "", 0.01), 3))
        self.kinds.append(judged.decision.kind)
        for code in judged.rules:
            self.rules[code, scene.fraud] += 1
        for reason in judged.score.reasons:
            self.reasons[reason.code, scene.fraud] += 1
            self.points[reason.code] += round(reason.points)

    def compare(self, scene: Scene, before: Judged, now: Judged) -> None:
        """Keeps the payment that was added last where the two policies do not decide alike."""
        if before.decision.kind != now.decision.kind:
            turn = f"{before.decision.kind} → {now.decision.kind}"
            score = now.decision.score
            self.flips.append((turn, scene.event.id, self.amounts[-1], self.currencies[-1], scene.fraud, score))


def backtest(
    scenes: Iterable[Scene], judge: Judge, against: Judge | None = None, since: float = 0.0, aims: Aims | None = None
) -> dict[str, Any]:
    """The report, as plain data, of the payments from ``since`` on whose labels were due by the end.

    Payments before ``since`` are only learned from, and so are all up to the end of what a model was trained on.
    BacktestError where no payment is left.
    """
    since = max(since, *(each.model.trained_to for each in (judge, against) if each is not None), 0.0)
    seen, held = Seen(), list[tuple[Scene, Judged, Judged | None]]()
    end, early = 0.0, 0
    for scene in scenes:
        end = scene.event.at
        if scene.event.at <= since:
            early += 1
            continue
        before = None if against is None else against.judge(scene.event, scene.values)
        held.append((scene._replace(values=[]), judge.judge(scene.event, scene.values), before))
    for scene, now, before in held:
        if scene.known_at <= end:
            seen.add(scene, now)
            if before is not None:
                seen.compare(scene, before, now)
    if not seen.scores:
        raise BacktestError("no payment is left: all came before --from, before the model was trained, or too late for "
                            "their labels")  # fmt: skip
    told = {"learned_from": early, "too_recent": len(held) - len(seen.scores)}
    return told | _report(seen, judge, aims or Aims()) | ({} if against is None else {"flips": _flips(seen)})


def _report(seen: Seen, judge: Judge, aims: Aims) -> dict[str, Any]:
    import numpy as np  # noqa: PLC0415 - of the extra payguard[train]

    scores, frauds = np.array(seen.scores), np.array(seen.frauds, dtype=float)
    days, kinds = np.array(seen.days), np.array(seen.kinds)
    points = curve(scores, frauds)
    return {
        "model": {"kind": judge.model.kind, "version": judge.model.version},
        "review_at": judge.ruling.review_at,
        "block_at": judge.ruling.block_at,
        "payments": len(scores),
        "frauds": int(frauds.sum()),
        "days": int(days[-1] - days[0] + 1),
        "average_precision": interval(lambda at: average_precision(scores[at], frauds[at]), days)._asdict(),
        f"card_precision_{CARDS}": _card_precision(seen, scores, frauds, days),
        "value_recall": _values(seen, frauds, kinds),
        "decisions": {
            kind: {"payments": int((kinds == kind).sum()), "frauds": int(frauds[kinds == kind].sum())}
            for kind in ("allow", "review", "block")
        },
        "rules": _hits(seen.rules),
        "reasons": {code: hit | {"points": seen.points[code]} for code, hit in _hits(seen.reasons).items()},
        "curve": [point._asdict() for point in _thinned(points)],
        "thresholds": _suggestions(seen, scores, frauds, aims),
    }


def _card_precision(seen: Seen, scores: Any, frauds: Any, days: Any) -> dict[str, float] | None:
    """None where no payment has a customer."""
    if not any(seen.customers):
        return None
    import numpy as np  # noqa: PLC0415

    daily = np.array(daily_precision(scores, frauds, seen.customers, days))
    return interval(lambda at: float(daily[at].mean()), np.arange(len(daily)))._asdict()


def _values(seen: Seen, frauds: Any, kinds: Any) -> dict[str, dict[str, float]]:
    """By currency: the share of the frauds' amounts that was reviewed or blocked, and that was blocked."""
    import numpy as np  # noqa: PLC0415

    amounts, currencies = np.array(seen.amounts), np.array(seen.currencies)
    return {
        currency: {
            "frauds": float(amounts[at & (frauds > 0)].sum()),
            "flagged": value_recall(kinds[at] != "allow", frauds[at], amounts[at]),
            "blocked": value_recall(kinds[at] == "block", frauds[at], amounts[at]),
        }
        for currency in sorted(set(seen.currencies))
        if (at := currencies == currency).any()
    }


def _hits(counted: Mapping[tuple[str, bool], int]) -> dict[str, dict[str, int]]:
    """By code, the most used first."""
    codes = {code for code, _ in counted}
    hits = {
        code: {"payments": counted[code, True] + counted[code, False], "frauds": counted[code, True]} for code in codes
    }
    return dict(sorted(hits.items(), key=lambda each: (-each[1]["payments"], each[0])))


def _thinned(points: Sequence[Any]) -> list[Any]:
    """One point for each whole score: the last that is no lower."""
    return list({int(point.score): point for point in points}.values())


def _suggestions(seen: Seen, scores: Any, frauds: Any, aims: Aims) -> list[dict[str, Any]]:
    import numpy as np  # noqa: PLC0415

    days = seen.days[-1] - seen.days[0] + 1
    points = curve(np.floor(scores), frauds)
    currency = Counter(seen.currencies).most_common(1)[0][0]
    at = np.array(seen.currencies) == currency
    cost = for_cost(np.floor(scores[at]), frauds[at], np.array(seen.amounts)[at], aims.review_cost, days)
    found: list[Suggestion | None] = [
        for_precision(points, aims.precision, days),
        for_capacity(points, aims.reviews_a_day, days),
        None if cost is None else cost._replace(aim=f"{cost.aim}, payments in {currency}"),
    ]
    return [each._asdict() for each in found if each is not None]


def _flips(seen: Seen) -> dict[str, Any]:
    """Whom the policies decide differently of: how many each way with their amounts by currency, and the largest."""
    turns: dict[str, dict[str, Any]] = {}
    for turn, _, amount, currency, fraud, _ in seen.flips:
        found = turns.setdefault(turn, {"payments": 0, "frauds": 0, "amounts": Counter()})
        found["payments"] += 1
        found["frauds"] += fraud
        found["amounts"][currency] += amount
    largest = sorted(seen.flips, key=lambda each: -each[2])[:SHOWN]
    names = ("turn", "id", "amount", "currency", "fraud", "score")
    shown = [dict(zip(names, each, strict=True)) for each in largest]
    return {"payments": len(seen.flips), "turns": turns, "largest": shown}
