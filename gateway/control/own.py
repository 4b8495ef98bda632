"""What of a data port is the gateway's own: the status of a payment, for its owner."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gateway.control.policy import MatchEntry
from gateway.control.problems import Path
from gateway.dataplane.router import OWN, is_own
from gateway.dataplane.snapshot import Route
from gateway.dataplane.status import Callers, status_route
from gateway.facts import Principal
from gateway.ledger.owners import Owners
from gateway.ledger.protocol import Ledger
from gateway.parts import Filter

PREFIX = "payguard."


def own_routes(ledger: Ledger | None, filters: Mapping[str, Sequence[Filter[Any]]], owners: Owners) -> list[Route]:
    """The gateway's own routes.  ``filters`` are those that are enforced, of each route."""
    naming = {route: naming_filters(steps) for route, steps in filters.items()}
    return [status_route(ledger, {route: Callers(steps) for route, steps in naming.items() if steps}, owners)]


def naming_filters(filters: Sequence[Filter[Any]]) -> tuple[Filter[Any], ...]:
    """Those that say who calls, and those above them that provide what these require.  None where they cannot tell.

    One that need not name anybody counts: whom it names, it has verified.
    """
    wanted: set[type] = {Principal}
    taken = list[Filter[Any]]()
    for each in reversed(filters):
        if wanted & {*each.provides, *type(each).provides}:
            wanted |= set(each.requires)
            taken.append(each)
    given = {fact for each in taken for fact in (*each.provides, *type(each).provides)}
    return tuple(reversed(taken)) if wanted <= given else ()


def claims(name: str | None, match: MatchEntry | None) -> Iterator[tuple[Path, str]]:
    """What a route claims of the gateway's own: the way to it from the route's entry, and why not."""
    if name is not None and name.startswith(PREFIX):
        yield ("name",), f"names that begin with {PREFIX} are the gateway's own"
    for option in ("path", "prefix"):
        given = None if match is None else getattr(match, option)
        if given is not None and is_own(given):
            yield ("match", option), f"what is below {OWN} is the gateway's own, and no route takes it"
