"""Keywords that begin something of their own: a second SELECT, a clause, a call, a statement."""

from __future__ import annotations

import re

from .sql_expressions import Facts, ended, expression
from .sql_logic import place_of
from .sql_select import select
from .sql_statements import HEADS, head
from .sql_tokens import Budget, Tokens
from .sql_words import CLAUSES, FUNCTIONS, GAP, HEAD

_CALLED = sorted((name.split("\\")[0] for name in FUNCTIONS.split("|")), key=len, reverse=True)
_SETS = ("union", "intersect", "except", "minus")
_NAMES = "union intersect except minus select waitfor ; having procedure limit order group into case if iif exec @@"
WORDS = re.compile("|".join((*_NAMES.split(), *_CALLED)))
"""Each begins with a letter of its own, which lets ``re`` skip what cannot be one."""

BEGINNING = re.compile(
    rf"{GAP}*(?:(?={HEAD})|(?=[\d.][\d.\s*+-]{{0,32}};?\s*(?:--|/\*)[^\w]*\Z)|(?=\(+[\d'])|[\d.]+\s*[-+*/%^|&](?=\s*(?:[@(]|[a-z_]+\()))",
    re.DOTALL,
)
"""What a text begins with, if all of it may be a statement, a condition or a computation."""

_CLAUSE = re.compile(rf"(?:{CLAUSES})(?![^\W\d_])", re.DOTALL)
_CALL = re.compile(rf"(?:{FUNCTIONS}|i?if)(?:{GAP}|1\.e)*\(", re.DOTALL)


def beginning(text: str, match: re.Match[str], budget: Budget) -> str | None:
    """The rule by which the whole text is an attack."""
    tokens = Tokens(text, match.end(), budget)
    if tokens.next.kind == "number" and not match[0].strip():
        return "sqli.comment" if _cut_off(tokens) else None
    if match[0] and match[0][-1] in "-+*/%^|&":
        return _arithmetic(tokens)
    if tokens.next.kind == "(":
        return _settled(tokens)
    return "sqli.statement" if head(tokens) == 2 else None


def keyword(text: str, match: re.Match[str], budget: Budget) -> str | None:  # noqa: PLR0911 - one for each kind
    """The rule by which what follows a keyword is an attack."""
    word, at = match[0], match.start()
    if word == ";":
        return _stacked(Tokens(text, match.end(), budget))
    if word in _SETS:
        return _union(text, match, Tokens(text, match.end(), budget))
    if clause := _CLAUSE.match(text, at):
        return _clause(text, clause, Tokens(text, clause.end(), budget))
    before = text[max(0, at - 1) : at]
    if before.isalnum() or before == "_":
        return None
    if call := _CALL.match(text, at):
        return _call(text, call, Tokens(text, call.end(), budget))
    if word == "@@":
        return _told(Tokens(text, at, budget))
    if word not in _ALONE or _goes_on(text, match):
        return None
    return _alone(text, match, Tokens(text, match.end(), budget))


_AMBIGUOUS = ("exp", "elt", "make_set", "generate_series", "sleep", "benchmark", "dblink")
"""Functions whose names are words of a language."""

_ALONE = ("select", "waitfor", "case", "exec")


def _goes_on(text: str, match: re.Match[str]) -> bool:
    after = text[match.end() : match.end() + 1]
    return after.isalnum() or after == "_"


def _alone(text: str, match: re.Match[str], tokens: Tokens) -> str | None:
    if match[0] == "case":
        return "sqli.expression" if _case(tokens) else None
    if match[0] in ("waitfor", "exec"):
        return "sqli.function" if HEADS[match[0]](tokens) else None
    return _select(text, match, tokens)


def _told(tokens: Tokens) -> str | None:
    """Whether a variable of the server stands where an expression may."""
    known = tokens.take().text[2:].partition(".")[0] in (
        "version",
        "hostname",
        "global",
        "servername",
        "datadir",
        "basedir",
    )
    return "sqli.expression" if known and (ended(tokens) or tokens.next.kind == "operator") else None


def _stacked(tokens: Tokens) -> str | None:
    sure = head(tokens)
    complete = sure == 1 and tokens.next.kind in ("end", "comment", ";", ")")
    return "sqli.stacked" if sure == 2 or complete else None


def _union(text: str, match: re.Match[str], tokens: Tokens) -> str | None:  # noqa: PLR0911 - what may follow
    if (
        match.start()
        and text[match.start() - 1].isalpha()
        and not re.search(r"\\n$|\d[edf]?$", text[max(0, match.start() - 3) : match.start()])
    ):
        return None
    place = place_of(text, match.start())
    sure = place in ("quote", "number")
    if sure and match[0] == "union" and tokens.take_word("table"):
        return "sqli.union" if tokens.take().kind == "word" and ended(tokens) else None
    while True:
        if tokens.take_word("all", "distinct", "distinctrow") or tokens.take_kind("("):
            sure = True
        elif tokens.next.text in ("+", "-"):
            tokens.take()
        else:
            break
    if tokens.take_word("values") and tokens.next.kind == "(":
        return "sqli.union"
    if not tokens.take_word("select"):
        return "sqli.union" if sure and expression(tokens, Facts()) and tokens.next.kind == "comment" else None
    if match[0] != "union" and not sure:
        return "sqli.union" if select(tokens) == 2 else None
    if tokens.next.kind in ("end", "comment"):
        return "sqli.union" if sure or place == "start" else None
    return "sqli.union" if select(tokens) or (sure and tokens.next.kind in (")", "comment")) else None


def _select(text: str, match: re.Match[str], tokens: Tokens) -> str | None:
    before = text[max(0, match.start() - 32) : match.start()].rstrip(" \t\r\n+")
    if not before.endswith(("(", "'", '"', ")")) or select(tokens) < 2:
        return None
    return "sqli.subquery"


def _call(text: str, match: re.Match[str], tokens: Tokens) -> str | None:
    name = match[0].split("(")[0].split("/")[0].split()[0]
    if name in ("if", "iif"):
        facts = Facts()
        return "sqli.expression" if expression(tokens, facts) and facts.compares and tokens.next.kind == "," else None
    if name in _AMBIGUOUS and match[0][-2] == " " and place_of(text, match.start()) == "word":
        return None
    facts = Facts()
    if tokens.next.kind == ")":
        return None
    if not expression(tokens, facts):
        return None
    if name in _AMBIGUOUS and not (facts.literals or facts.calls or facts.subquery or facts.variables):
        return None
    return "sqli.function" if tokens.next.kind in (")", ",", "end") else None


def _clause(text: str, match: re.Match[str], tokens: Tokens) -> str | None:
    place, word = place_of(text, match.start()), match[0]
    if word.startswith("into"):
        found = tokens.next.kind in ("string", "open", "(", "word")
    elif word == "having":
        found = _having(tokens, within=place in ("quote", "number"))
    elif word == "procedure":
        found = place in ("quote", "number") and tokens.take_word("analyse")
    elif place in ("quote", "number") or (place == "start" and word != "limit"):
        found = _listing(tokens, word, place)
    else:
        found = False
    return "sqli.clause" if found else None


def _having(tokens: Tokens, *, within: bool) -> bool:
    facts = Facts()
    if not expression(tokens, facts) or not (ended(tokens) or facts.open):
        return False
    out = tokens.next.kind == "comment" or facts.open is not None
    if within:
        return facts.compares or bool(facts.calls) or facts.subquery or out
    return facts.compares and (facts.settled or (out and facts.literals > 0))


def _listing(tokens: Tokens, word: str, place: str) -> bool:  # noqa: PLR0911 - what may follow
    """Whether what follows ORDER BY, GROUP BY or LIMIT is no part of a sentence."""
    facts = Facts()
    if not _expressions(tokens, facts):
        return False
    tokens.take_word("asc", "desc")
    if tokens.take_word("offset"):
        tokens.take()
    if place == "number" and tokens.take_word("procedure"):
        return tokens.next.kind == "word"
    if tokens.take_word("having"):
        return expression(tokens, facts) and facts.compares
    if place == "start":
        ends = ("comment",) if word.startswith("group") else ("comment", "end")
        return facts.literals > 0 and not facts.names and tokens.next.kind in ends
    if not (ended(tokens) or facts.open):
        return False
    if tokens.next.kind == "comment" or facts.open or facts.subquery or facts.calls:
        return True
    return word != "limit" and facts.literals > 0 and not facts.names and tokens.next.kind in ("end", ";", ")")


def _expressions(tokens: Tokens, facts: Facts) -> bool:
    found = expression(tokens, facts)
    while found and tokens.take_kind(","):
        found = expression(tokens, facts)
    return found


def _settled(tokens: Tokens) -> str | None:
    """Whether the whole text is a condition that nothing can change."""
    facts = Facts()
    done = expression(tokens, facts) and tokens.next.kind in ("end", "comment")
    return "sqli.expression" if done and facts.settled else None


def _case(tokens: Tokens) -> bool:
    """Whether the whole of a CASE stands here."""
    if not tokens.take_word("when") and not (expression(tokens, Facts()) and tokens.take_word("when")):
        return False
    if not expression(tokens, Facts()) or not tokens.take_word("then") or not expression(tokens, Facts()):
        return False
    return tokens.take_word("else", "end", "when")


def _cut_off(tokens: Tokens) -> bool:
    """Whether the whole text is a number, and a comment that hides the rest of a query."""
    if not expression(tokens, Facts()):
        return False
    tokens.take_kind(";")
    return tokens.next.kind == "comment"


def _arithmetic(tokens: Tokens) -> str | None:
    """What is computed with the number that a text begins with."""
    facts = Facts()
    if not expression(tokens, facts) or tokens.next.kind not in ("end", "comment", ")"):
        return None
    if facts.subquery:
        return "sqli.subquery"
    return "sqli.expression" if facts.variables or facts.calls else None
