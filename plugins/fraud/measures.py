"""Measures: what of fraud scoring stands at ``/metrics``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from gateway import Measure

from .stability import Drift

Counts: TypeAlias = Mapping[tuple[str, ...], float]
"""By mode and decision; of what matured, also by what it became: ``fraud`` or ``legitimate``."""

_MATURED = "Payments whose label is certain, by what was decided and what they became."


def measures(decided: Counts, matured: Counts, drifts: Mapping[str, Drift]) -> Iterator[Measure]:
    """``drifts`` are by mode."""
    yield Measure("decisions_total", "counter", "Payments that were decided.", ("mode", "decision"), decided)
    yield Measure("rate", "gauge", "Share of payments that were so decided.", ("mode", "decision"), _rates(decided))
    yield Measure("matured", "gauge", _MATURED, ("mode", "decision", "label"), matured)
    said = "Share of fraud in what was reviewed or blocked, where the label is certain."
    yield Measure("precision", "gauge", said, ("mode",), _precision(matured))
    yield Measure("drift", "gauge", "How far the score and each factor have moved.", ("mode", "of"), _moved(drifts))


def _moved(drifts: Mapping[str, Drift]) -> dict[tuple[str, ...], float]:
    found = {mode: drift.indices() for mode, drift in drifts.items()}
    return {(mode, of): index for mode, indices in found.items() for of, index in indices.items()}


def _rates(decided: Counts) -> dict[tuple[str, ...], float]:
    totals: dict[str, float] = {}
    for (mode, _), count in decided.items():
        totals[mode] = totals.get(mode, 0.0) + count
    return {
        (mode, kind): decided.get((mode, kind), 0.0) / total
        for mode, total in totals.items()
        for kind in ("review", "block")
    }


def _precision(matured: Counts) -> dict[tuple[str, ...], float]:
    """Of each mode in which anything was flagged; an allowed payment is none that precision is about."""
    found: dict[tuple[str, ...], float] = {}
    for mode in {mode for mode, _, _ in matured}:
        frauds, others = (
            sum(matured.get((mode, kind, became), 0.0) for kind in ("review", "block"))
            for became in ("fraud", "legitimate")
        )
        if frauds + others:
            found[(mode,)] = frauds / (frauds + others)
    return found
