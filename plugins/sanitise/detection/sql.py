"""SQL injection by structure: a text leaves its place in a query, and changes the query."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from .rules import RULES, Hit, Kind
from .sql_clauses import BEGINNING, WORDS, beginning, keyword
from .sql_escape import QUOTES, escape
from .sql_logic import OPERATORS, condition
from .sql_tokens import Budget, Exhausted
from .sql_words import TRIGGER

__all__ = ["TOKENS", "TRIGGER", "judge"]

TOKENS = 2500
"""How many tokens of one text are read at most, over all places from which it is read."""

_LOOKS = ((OPERATORS, condition), (WORDS, keyword), (QUOTES, escape))


def judge(text: str, _kind: Kind) -> Iterator[Hit]:
    """What in the text would change the query around it."""
    budget = Budget(TOKENS)
    try:
        for variant in _variants(text.lower()):
            if (match := BEGINNING.match(variant)) and (rule := beginning(variant, match, budget)):
                yield Hit(RULES[rule], variant[:80])
            for finder, look in _LOOKS:
                if hit := _first(variant, finder, look, budget):
                    yield hit
    except Exhausted:
        yield Hit(RULES["sqli.evasion"], text[:80])


def _first(
    text: str,
    finder: re.Pattern[str],
    look: Callable[[str, re.Match[str], Budget], str | None],
    budget: Budget,
) -> Hit | None:
    for match in finder.finditer(text):
        if rule := look(text, match, budget):
            return Hit(RULES[rule], text[max(0, match.start() - 8) : match.end() + 60])
    return None


_SPLITTING = re.compile(r"(?<=[a-z])/\*[^*]{0,32}\*/(?=[a-z])")


_VERSIONED = re.compile(r"/\*!\d*|\*/")


def _variants(text: str) -> Iterator[str]:
    """The text; as a form's field would be written, with spaces for plus signs; without comments inside of words."""
    yield text
    if "+" in text:
        yield text.replace("+", " ")
    if "/*!" in text:
        yield _VERSIONED.sub(" ", text)
    if "/*" in text and (joined := _SPLITTING.sub("", text)) != text:
        yield joined
