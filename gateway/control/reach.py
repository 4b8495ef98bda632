"""Reach: whether a route can ever be taken, given the routes before it."""

from __future__ import annotations

import re
from itertools import zip_longest

from gateway.dataplane.router import Match

_SEGMENT = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")
_REST = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*:path\}$")
_ANY = "{}"
"""A segment that takes any one that is not empty."""

_TAIL = "{:path}"
"""A last segment that takes one or more, empty ones too."""

_BELOW = "{...}"
"""The end of a prefix: no more segments, or any."""


def covers(earlier: Match, later: Match) -> bool:
    """Whether ``earlier`` certainly takes all that ``later`` would.  False where it is not certain."""
    return (
        (earlier.methods is None or (later.methods is not None and later.methods <= earlier.methods))
        and earlier.host in (None, later.host)
        and _lowered(earlier).items() <= _lowered(later).items()
        and _covers_path(earlier, later)
    )


def _lowered(match: Match) -> dict[str, str]:
    return {name.lower(): value for name, value in match.headers.items()}


def _covers_path(earlier: Match, later: Match) -> bool:
    if earlier.path is None and earlier.prefix is None:
        return True
    if later.path is None and later.prefix is None:
        return False
    return _covers_segments(_segments(earlier), _segments(later))


def _segments(match: Match) -> list[str]:
    if match.path is None:
        assert match.prefix is not None
        return [*match.prefix.rstrip("/").split("/"), _BELOW]
    return _SEGMENT.sub(_ANY, _REST.sub(_TAIL, match.path)).split("/")


def _covers_segments(earlier: list[str], later: list[str]) -> bool:
    for mine, theirs in zip_longest(earlier, later):
        if mine == _BELOW:
            return True
        if mine == _TAIL:
            return theirs not in (None, _BELOW)
        if mine != theirs and (mine != _ANY or not theirs or theirs == _BELOW or _TAIL in theirs):
            return False
    return True
