"""Holding: whether a route's filters can hold payments for a reviewer as they say."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from gateway.parts import Filter


def unholdable(filters: Sequence[Filter[Any] | None], *, pays: bool) -> Iterator[tuple[int, str]]:
    """Why a filter, by its number, cannot; ``pays`` says whether the route has payment facts.

    None stands for one that could not be made or is not enforced.
    """
    holding: str | None = None
    claimed = False
    for number, part in enumerate(filters):
        if part is None:
            continue
        if holding is not None and not part.reruns and part.holds is None:
            yield number, f"would never see what {holding} above it has held: put it above {holding}"
        if part.holds is not None:
            yield from ((number, why) for why in _reasons(holding, claimed=claimed, pays=pays))
            holding = holding or part.name
        claimed = claimed or part.reserves


def _reasons(holding: str | None, *, claimed: bool, pays: bool) -> Iterator[str]:
    if holding is not None:
        yield f"holds payments, as {holding} above it does: a route has one such filter"
    if not pays:
        yield "holds payments: give the route a payment"
    elif not claimed:
        yield "holds payments: put a filter that claims requests, such as idempotency, above it"
