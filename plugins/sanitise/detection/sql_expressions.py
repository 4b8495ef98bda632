"""Expressions of SQL: what follows a value must be one, or the database would refuse the whole query."""

from __future__ import annotations

from dataclasses import dataclass, field

from .sql_lexicon import (
    ARITHMETIC,
    ARITHMETIC_WORDS,
    CLAUSES,
    COMPARING,
    COMPARING_WORDS,
    CONSTANTS,
    KNOWN,
    LOGIC,
    PREFIXES,
    TELLING,
    TESTS,
)
from .sql_tokens import Token, Tokens

_DEEPEST = 24


@dataclass
class Facts:
    """What an expression consists of."""

    compares: bool = False
    settled: bool = False
    """Two constants, or a name with itself, are compared: the data has no say."""
    subquery: bool = False
    logic: bool = False
    literals: int = 0
    names: int = 0
    variables: int = 0
    calls: list[str] = field(default_factory=list)
    last: str = ""
    open: Token | None = None
    """The string that the text opens and does not close: the query around it does."""


def ended(tokens: Tokens) -> bool:
    """Whether an expression may end here."""
    token = tokens.next
    return (
        tokens.commented
        or token.kind in ("end", "comment", ")", ";", ",")
        or (token.kind == "word" and token.text in CLAUSES)
    )


def expression(tokens: Tokens, facts: Facts, depth: int = 0) -> bool:
    """Read an expression; False where none is there."""
    left = _operand(tokens, facts, depth)
    return left is not None and continuation(tokens, facts, left, depth)


def continuation(tokens: Tokens, facts: Facts, left: str, depth: int = 0) -> bool:
    """Read what operators add to an operand that was read; False where an operator has no other side."""
    while True:
        operator = _operator(tokens, facts)
        if operator is None:
            return True
        if operator == "test":
            continue
        right = _operand(tokens, facts, depth)
        if right is None:
            return tokens.next.kind in ("end", "comment")  # what follows is the query's
        if operator == "compare":
            facts.compares = True
            facts.settled |= _settled(left, right)
        facts.logic |= operator == "logic"
        left = right


def _settled(left: str, right: str) -> bool:
    return left == right or (left[:1] == "=" and right[:1] == "=")


def _operator(tokens: Tokens, facts: Facts) -> str | None:
    """Take an operator: logic, compare, join, or test, which needs no other side."""
    token = tokens.next
    if token.kind == "operator":
        if token.text in LOGIC:
            tokens.take()
            return "logic"
        if token.text in COMPARING:
            tokens.take()
            return "compare"
        if token.text in ARITHMETIC:
            tokens.take()
            return "join"
        return None
    return _word_operator(tokens, facts) if token.kind == "word" else None


def _word_operator(tokens: Tokens, facts: Facts) -> str | None:
    word = tokens.next.text
    if word in LOGIC:
        tokens.take()
        return "logic"
    if word in ARITHMETIC_WORDS:
        tokens.take()
        return "join"
    if word in TESTS:
        tokens.take()
        facts.compares = True
        return "test"
    if word != "not" and word not in COMPARING_WORDS:
        return None
    return _comparing_words(tokens)


def _comparing_words(tokens: Tokens) -> str | None:
    tokens.take_word("not")
    word = tokens.next.text if tokens.next.kind == "word" else ""
    if word not in COMPARING_WORDS:
        return None
    tokens.take()
    if word == "is":
        tokens.take_word("not")
        if tokens.take_word("distinct"):
            tokens.take_word("from")
    elif word in ("similar", "sounds"):
        tokens.take_word("to", "like")
    elif word == "between":
        tokens.take_word("symmetric")
    return "compare"


def _operand(tokens: Tokens, facts: Facts, depth: int) -> str | None:  # noqa: PLR0911 - one for each kind of token
    """Read an operand.  ``=…`` for a constant, ``name…`` for a column, None where there is none."""
    while _prefix(tokens):
        pass
    token = tokens.next
    match token.kind:
        case "number" | "string":
            tokens.take()
            facts.literals += 1
            facts.last = token.text
            while token.text in ("''", '""') and tokens.next.kind == "string":  # strings in a row are one
                token = tokens.take()
            if token.text in ("''", '""') and tokens.next.kind == "open":
                facts.open = tokens.take()
            return "=" + token.text.strip("'\"")
        case "open":
            tokens.take()
            facts.literals += 1
            facts.open = token
            facts.last = token.text
            return "=" + token.text.strip("'\"")
        case "variable":
            tokens.take()
            facts.variables += 1
            if tokens.next.kind == "(":
                _skip(tokens)
            return "@" + token.text
        case "(":
            return _parentheses(tokens, facts, depth)
        case "{":
            tokens.take()
            tokens.take_kind("word")
            found = _operand(tokens, facts, depth + 1) if depth < _DEEPEST else None
            return found if found and tokens.take_kind("}") else None
        case "word":
            return _word(tokens, facts, depth)
        case _:
            return None


def _prefix(tokens: Tokens) -> bool:
    token = tokens.next
    if token.kind == "operator" and token.text in ("-", "+", "~", "!"):
        tokens.take()
        return True
    return token.kind == "word" and tokens.take_word(*PREFIXES)


def _parentheses(tokens: Tokens, facts: Facts, depth: int) -> str | None:  # noqa: PLR0911 - what may be inside
    opening = tokens.next
    tokens.take()
    if tokens.next.kind == "word" and tokens.next.text == "select":
        return _query(tokens, facts)
    if tokens.next.kind == ")":
        tokens.take()
        return "()"
    if depth >= _DEEPEST:
        _skip(tokens, 1)
        return "deep"
    inner = Facts()
    if not expression(tokens, inner, depth + 1):
        return None
    while tokens.take_kind(","):
        if not expression(tokens, inner, depth + 1):
            return None
    if not tokens.take_kind(")") and tokens.next.kind not in ("end", "comment"):
        return None
    _merge(facts, inner)
    if inner.literals and not inner.names and not inner.calls:
        return "=(" + str(opening.start)
    return "(" + str(opening.start)


def _query(tokens: Tokens, facts: Facts) -> str | None:
    """A SELECT in parentheses: two words in a row are a sentence."""
    tokens.take()
    tokens.take_word("all", "distinct", "top")
    first = tokens.take()
    if (
        first.kind == "word"
        and tokens.next.kind in ("word", "end", ")")
        and tokens.next.text not in ("from", "as", "when")
    ):
        return None
    facts.subquery = True
    _skip(tokens, 1)
    return "query"


def _merge(facts: Facts, inner: Facts) -> None:
    facts.compares |= inner.compares
    facts.settled |= inner.settled
    facts.subquery |= inner.subquery
    facts.logic |= inner.logic
    facts.literals += inner.literals
    facts.names += inner.names
    facts.variables += inner.variables
    facts.calls += inner.calls
    facts.open = facts.open or inner.open


def _word(tokens: Tokens, facts: Facts, depth: int) -> str | None:
    word = tokens.take().text
    if word in CONSTANTS:
        facts.literals += 1
        facts.last = word
        return "=" + word
    if word == "case":
        while tokens.next.kind not in ("end", "comment", ";") and not tokens.take_word("end"):
            tokens.take()
        facts.calls.append("case")
        return "case"
    if word == "interval":
        found = _operand(tokens, facts, depth + 1) if depth < _DEEPEST else None
        tokens.take_kind("word")
        return found
    if word in CLAUSES or word in LOGIC or word == "select":
        return None
    return _name(tokens, facts, word)


def _name(tokens: Tokens, facts: Facts, word: str) -> str:
    """A column with its table and schema, a call, or a typed constant."""
    while tokens.next.kind == ".":
        tokens.take()
        tokens.take_kind(".")
        if tokens.next.kind == "word" or (tokens.next.kind == "operator" and tokens.next.text == "*"):
            word = word + "." + tokens.take().text
    if tokens.next.text[:1] == "[" and not tokens.spaced:  # an element of an array
        tokens.take()
    if tokens.next.kind == "(":
        if tokens.spaced and word not in KNOWN:
            facts.names += 1  # a sentence goes on in parentheses
        else:
            facts.calls.append(word)
        _skip(tokens)
        if tokens.take_word("over") and tokens.next.kind == "(":
            _skip(tokens)
        return f"call {word}"
    if word.startswith(("utl_", "dbms_")) and "." in word:
        facts.calls.append(word)
        return f"call {word}"
    if tokens.next.kind == "string" and word in ("date", "time", "timestamp"):
        tokens.take()
        facts.literals += 1
        return "=" + word
    if word in TELLING:
        facts.variables += 1
    else:
        facts.names += 1
    return "name " + word


def _skip(tokens: Tokens, depth: int = 0) -> None:
    """Past what is in parentheses, or to the end of a text that leaves them open."""
    while tokens.next.kind not in ("end", "comment"):
        kind = tokens.take().kind
        depth += (kind == "(") - (kind == ")")
        if depth <= 0:
            return
