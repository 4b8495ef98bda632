"""Ways out of a string: what follows a quote, if the text was inside of one until then."""

from __future__ import annotations

import re

from .sql_expressions import Facts, continuation, ended, expression
from .sql_logic import resumes
from .sql_statements import HEADS, head
from .sql_tokens import Budget, Tokens
from .sql_words import CLAUSES, GAP, HEAD, OPERATORS

QUOTES = re.compile(rf"""['"`](?=(?:{GAP}|\))*(?:[^\w\s.?'"`]|(?:{OPERATORS}|union|{CLAUSES}|{HEAD})\b))""", re.DOTALL)
"""A quote, and something after it that no word is."""


def escape(text: str, match: re.Match[str], budget: Budget) -> str | None:
    """What follows a quote, if the text was inside of a string until then."""
    at = match.end()
    value = text[max(0, match.start() - 64) : match.start()]
    tokens = Tokens(text, at, budget)
    while tokens.take_kind(")"):
        pass
    token = tokens.next
    if token.kind == "comment":
        if token.text[0] == "#" and value[-1:].isspace():
            return None
        near = token.start - at < 4 and token.text.startswith("--") and len(token.text.split()) < 3
        return "sqli.comment" if _comments_out(token.text) or (near and _one_word(token.text)) else None
    if token.kind == ";":
        tokens.take()
        if tokens.next.kind == "comment" and _comments_out(tokens.next.text):
            return "sqli.comment"
        return "sqli.stacked" if head(tokens) else None
    if token.kind == ",":
        return _listed(tokens)
    if token.kind == "word" and token.text in HEADS:
        return "sqli.stacked" if head(tokens) == 2 else None
    facts = Facts()
    start = tokens.next
    if not continuation(tokens, facts, "=" + value) or tokens.next is start:
        return None
    if not ended(tokens) and not facts.open:
        return None
    if facts.subquery:
        return "sqli.subquery"
    if value[-1:].isspace() and not facts.calls and not tokens.next.kind == "comment":
        return None
    if tokens.next.kind == "comment" and (facts.literals or facts.calls or facts.names):
        return "sqli.expression" if _comments_out(tokens.next.text) else None
    if facts.open is not None and resumes(facts.open.text) and not facts.open.text[1:2].isspace():
        if facts.open.text[0] != match[0]:
            return None
        return "sqli.expression"
    return "sqli.expression" if facts.calls and tokens.next.kind in ("end", ";") else None


def _comments_out(comment: str) -> bool:
    """Whether a comment hides the rest of a query rather than telling something."""
    return comment[:2] == "/*" or not any(character.isalnum() for character in comment)


def _one_word(comment: str) -> bool:
    rest = comment[2:].strip()
    return 3 < len(rest) < 12 and rest.isalpha()


def _listed(tokens: Tokens) -> str | None:
    """More values than the query has, and the rest of it commented out."""
    facts = Facts()
    while tokens.take_kind(","):
        if not expression(tokens, facts):
            return None
    while tokens.take_kind(")"):
        pass
    tokens.take_kind(";")
    if tokens.next.kind == "comment" and _comments_out(tokens.next.text):
        return "sqli.expression"
    return None
