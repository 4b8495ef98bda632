"""Ways out of a string: what follows a quote, if the text was inside of one until then."""

from __future__ import annotations

import re

from .sql_expressions import Facts, continuation, ended, expression
from .sql_logic import resumes
from .sql_statements import HEADS, head
from .sql_tokens import Budget, Token, Tokens
from .sql_words import CLAUSES, GAP, HEAD, OPERATORS

QUOTES = re.compile(rf"""['"`](?=(?:{GAP}|\))*(?:[^\w\s.?'"`]|(?:{OPERATORS}|union|{CLAUSES}|{HEAD})\b))""", re.DOTALL)
"""A quote, and something after it that no word is."""

LONGEST = 64
"""Characters before a quote that are looked at."""


def escape(text: str, quote: re.Match[str], budget: Budget) -> str | None:
    """The rule by which what follows a quote, and then closing parentheses, is an attack."""
    value = text[max(0, quote.start() - LONGEST) : quote.start()]
    tokens = Tokens(text, quote.end(), budget)
    while tokens.take_kind(")"):
        pass
    token = tokens.next
    match token.kind:
        case "comment":
            return "sqli.comment" if _commented(token, value, near=token.start - quote.end() < 4) else None
        case ";":
            return _stacked(tokens)
        case ",":
            return "sqli.expression" if _listed(tokens) else None
        case "word" if token.text in HEADS:
            quoted = text.startswith(quote[0], token.end)  # a keyword that is spoken of
            return "sqli.stacked" if not quoted and head(tokens) == 2 else None
    return _continued(tokens, value, quote[0])


def _commented(token: Token, value: str, *, near: bool) -> bool:
    if token.text[0] == "#" and value[-1:].isspace():
        return False
    if _comments_out(token.text):
        return True
    alone = len(value) < LONGEST and not value.strip().count(" ")
    return near and alone and token.text.startswith("--") and _one_word(token.text)


def _stacked(tokens: Tokens) -> str | None:
    tokens.take()
    if tokens.next.kind == "comment" and _comments_out(tokens.next.text):
        return "sqli.comment"
    return "sqli.stacked" if head(tokens) else None


def _continued(tokens: Tokens, value: str, quote: str) -> str | None:
    """What an operator adds to the string before it."""
    facts, first = Facts(), tokens.next
    if not continuation(tokens, facts, "=" + value) or tokens.next is first or not (ended(tokens) or facts.open):
        return None
    if facts.subquery:
        return "sqli.subquery"
    commented = tokens.next.kind == "comment"
    if value[-1:].isspace() and value.strip() and not facts.calls and not commented:
        return None
    if commented and (facts.literals or facts.calls or facts.names):
        found = _comments_out(tokens.next.text) or (not facts.names and _brief(tokens.next.text))
    elif facts.open is not None and resumes(facts.open.text) and not _spoken(facts.open.text):
        found = facts.open.text[0] == quote != "`"
    else:
        joined = first.text == "||" and facts.last == "''"
        found = (bool(facts.calls) or joined) and tokens.next.kind in ("end", ";")
    return "sqli.expression" if found else None


def _comments_out(comment: str) -> bool:
    """Whether a comment hides the rest of a query rather than telling something."""
    return comment[:2] == "/*" or not any(character.isalnum() for character in comment)


def _brief(comment: str) -> bool:
    return len(comment) < 20 and len(comment.lstrip("-# ").split()) < 3


def _spoken(rest: str) -> bool:
    """Whether an open string goes on as a sentence does: with a space and then words."""
    return rest[1:2].isspace() and bool(rest[1:].strip())


def _one_word(comment: str) -> bool:
    rest = comment[2:].strip()
    return 3 < len(rest) < 12 and rest.isalpha()


def _listed(tokens: Tokens) -> bool:
    """More values than the query has, and the rest of it commented out."""
    while tokens.take_kind(","):
        if not expression(tokens, Facts()):
            return False
    while tokens.take_kind(")"):
        pass
    tokens.take_kind(";")
    return tokens.next.kind == "comment" and _comments_out(tokens.next.text)
