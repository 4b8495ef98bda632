"""Did you mean: the nearest of the words that would have been right."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """What to put behind a complaint about ``word``, in whatever case; nothing where no known word is near."""
    lowered = {each.lower(): each for each in known}
    found = get_close_matches(word.lower(), lowered, n=1)
    return f"; did you mean {lowered[found[0]]!r}?" if found else ""
