"""Conditions that a text adds: a logical operator, and an expression after it that leaves nothing to the data."""

from __future__ import annotations

import re

from .sql_expressions import Facts, ended, expression
from .sql_lexicon import KNOWN
from .sql_select import select
from .sql_tokens import Budget, Tokens

OPERATORS = re.compile(r"x?or(?![^\W\d_])|and(?![^\W\d_])|\|\||&&")


def place_of(text: str, at: int) -> str:
    """What stands before a position: a quote, number, word, other, or start."""
    at -= 1
    while at >= 0 and (text[at] in " \t\r\n\x0b\x0c\x00\xa0+)/*" or text[at] < "\x20"):
        if text.startswith("*/", at - 1) and (opening := text.rfind("/*", max(0, at - 64), at)) >= 0:
            at = opening
        at -= 1
    if at < 0:
        return "start"
    character = text[at]
    if character in "'\"`":
        return "quote"
    if character.isdigit():
        begin = at
        while begin >= 0 and (text[begin].isalnum() or text[begin] in "._"):
            begin -= 1
        alone = (
            text[begin + 1 : at + 1].replace(".", "").isdigit()
            and begin < 16
            and not text[: begin + 1].strip(" \t\r\n+-(")
        )
        return "number" if alone else "word"
    return "word" if character.isalpha() or character == "_" else "other"


def condition(text: str, match: re.Match[str], budget: Budget) -> str | None:  # noqa: PLR0911 - a rule for each place
    """The rule by which what follows a logical operator is an attack."""
    if match[0][0].isalpha() and text[max(0, match.start() - 1) : match.start()].isalpha():
        return None
    place = place_of(text, match.start())
    tokens = Tokens(text, match.end(), budget)
    if tokens.next.kind == "word" and tokens.next.text == "select":
        tokens.take()
        return "sqli.subquery" if select(tokens) == 2 else None
    facts = Facts()
    if not expression(tokens, facts) or not (ended(tokens) or facts.open):
        return None
    if facts.subquery:
        return "sqli.subquery"
    out = tokens.next.kind == "comment" or (facts.open is not None and resumes(facts.open.text))
    if place == "quote":
        return _appended(text, match, facts, out=out)
    if facts.compares and facts.settled:
        return "sqli.tautology"
    if facts.calls and (place in ("number", "other", "start") or facts.compares or out or _joined(text, match)):
        return "sqli.function" if _function(facts, known=place == "other" and not (facts.compares or out)) else None
    if place == "word":
        return "sqli.tautology" if out and facts.compares and (facts.literals or facts.variables) else None
    if facts.compares and (
        place == "number" or (place == "start" and "=" in text) or facts.literals or facts.variables or out
    ):
        return "sqli.tautology"
    if facts.variables or (facts.literals and (out or facts.last in ("true", "false", "null"))):
        return "sqli.tautology"
    return "sqli.tautology" if facts.literals and not facts.names and _same(text, match, facts) else None


def _function(facts: Facts, *, known: bool) -> bool:
    """Whether a function is called, and one that a database has where it must be known."""
    return any(name != "case" and (not known or name in KNOWN) for name in facts.calls)


def _joined(text: str, match: re.Match[str]) -> bool:
    """Whether the operator joins what is called on both sides of it."""
    return match[0] == "||" and text[match.start() - 1 : match.start()] == ")"


def _same(text: str, match: re.Match[str], facts: Facts) -> bool:
    """``1 or 1``, which nobody would write of two things to choose from."""
    before = text[max(0, match.start() - 32) : match.start()].strip(" )+")
    return facts.last in (before, "0")


def _appended(text: str, match: re.Match[str], facts: Facts, *, out: bool) -> str | None:
    """What is appended after a quote."""
    if facts.calls:
        return "sqli.function"
    if facts.compares or facts.variables:
        return None if _own(text, match, facts, out=out) else "sqli.tautology"
    if facts.open is not None:
        rest = facts.open.text[1:].strip(" +-~!")
        quoted = match.end() == facts.open.start and text[max(0, match.start() - 2) : match.start() - 1].isspace()
        if quoted:
            return None
        single = rest.isalnum() and " " not in text[max(0, match.start() - 64) : match.start()].strip()
        return "sqli.tautology" if not rest or rest[0].isdigit() or single else None
    if out:
        return "sqli.tautology"
    return "sqli.tautology" if facts.literals and not facts.names and not facts.last.endswith(("'", '"')) else None


def _own(text: str, match: re.Match[str], facts: Facts, *, out: bool) -> bool:
    """Whether the quotes are the text's own: ``ref = 'A' or ref = 'B'`` opens and closes what it says."""
    before = text[: match.start()].rstrip()
    balanced = before.count(before[-1:]) % 2 == 0 and before[:1] != before[-1:]
    return balanced and facts.names > 0 and not (out or facts.settled or facts.open) and facts.last[-1:] == before[-1:]


def resumes(rest: str) -> bool:
    """Whether an open string is one that the query around it may close: not the rest of a sentence."""
    rest = rest[1:].strip()
    return len(rest.split()) < 2
