"""SQL injection by structure: a text leaves its place in a query, and changes the query."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from .rules import RULES, Hit, Kind
from .screen import EDGE
from .sql_expressions import Facts, continuation, ended, expression
from .sql_statements import HEADS, head, select
from .sql_tokens import Budget, Exhausted, Tokens

TOKENS = 4000
"""How many tokens of one text are read at most, over all places from which it is read."""

_GAP = r"(?:[\s\x00-\x1f\xa0+]|/\*.{0,64}?\*/|/\*!\d*|(?:--|\#)[^\n]{0,64}\n)"
_HEADS = "|".join(HEADS)
_FUNCTIONS = (
    "sleep|benchmark|pg_sleep|pg_sleep_for|extractvalue|updatexml|xmltype|load_file|load_extension|xp_cmdshell|xp_dirtree|xp_fileexist"
    "|xp_regread|openrowset|opendatasource|lo_import|lo_export|pg_read_file|pg_ls_dir|dblink|query_to_xml|randomblob"
    r"|utl_http\.request|utl_inaddr\.get_host_\w+|dbms_\w+\.\w+|ctxsys\.drithsx\.sn|make_set|elt|gtid_subset|geometrycollection"
    "|generate_series|current_setting|sys_context|json_keys|name_const|exp|procedure analyse|st_latfromgeohash|xmlexists"
)
ESCAPE = r"""['"`]"""
LOGIC = r"(?:(?<![^\W\d_])(?:x?or|and)(?![^\W\d_])|\|\||&&)"
_CLAUSES = rf"having|procedure|limit|(?:order|group){_GAP}+by|into{_GAP}+(?:out|dump)file"
_OPERATORS = "like|rlike|regexp|in|is|between|div|mod|collate|not|sounds|glob"
_SPACE = r"[\x00-\x20\x7f\x{a0}+\x{3000}]"
_SKIP = rf"(?:{_SPACE}|/\*[^*]*\*/|/\*!?[0-9]*|\*/|(?:--|#)[^\n]*\n)*"
TRIGGER = (
    rf"['\"`](?:{_SKIP}\))*{_SKIP}(?:[^\w\x00-\x20'\"`.?\x{{80}}-\x{{10ffff}}]|(?:{_OPERATORS}|{_HEADS})\b)"
    rf"|[0-9'\"`)\]*]{_SKIP}(?:x?or|and)(?:[^a-z]|$)"
    rf"|{EDGE}{_SPACE}*(?:x?or|and|{_HEADS})\b"
    rf"|\b(?:x?or|and)\b[\s+(]*(?:(?:not|binary|exists)\b[\s+(]*)?(?:[^\w\x00-\x20\x{{80}}-\x{{10ffff}}]|[0-9]|[\w.]+{_SPACE}*(?:[=<>(!~]|(?:{_OPERATORS})\b)|(?:true|false|null)\b)"
    rf"|\|\||&&|[a-z]/\*|union|\bselect\b|waitfor|;{_SKIP}(?:{_HEADS})\b|\b(?:{_FUNCTIONS}|i?if){_SKIP}(?:1\.e\s*)?\(|\bwhen\b|{EDGE}\s*\("
    rf"|having|procedure|limit|(?:order|group){_SKIP}by|into{_SKIP}(?:out|dump)file|[0-9]\s*[-+*/%^|&]\s*(?:[@(]|[a-z_]+\()"
)
_ESCAPES = re.compile(
    rf"{ESCAPE}(?=(?:{_GAP}|\))*(?:[^\w\s.?'\"`]|(?:{_OPERATORS}|union|{_CLAUSES}|{_HEADS})\b))", re.DOTALL
)
_LOGICS = re.compile(LOGIC)
_KEYWORDS = re.compile(
    rf"^(?={_GAP}*(?:{_HEADS})\b)|^{_GAP}*(?=\(+[\d'])|union|\bselect\b|waitfor|;|(?:{_CLAUSES})(?![^\W\d_])|\b(?:{_FUNCTIONS})(?:{_GAP}|1\.e)*\(|\bi?if(?:{_GAP}|1\.e)*\(|\bcase\b"
    rf"|^{_GAP}*[\d.]+\s*[-+*/%^|&](?=\s*(?:[@(]|[a-z_]+\())",
    re.DOTALL,
)


def judge(text: str, kind: Kind) -> Iterator[Hit]:
    """What in the text would change the query around it."""
    budget = Budget(TOKENS)
    try:
        for variant in _variants(text.lower()):
            for finder, look in ((_LOGICS, _logic), (_KEYWORDS, _keyword), (_ESCAPES, _escape)):
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
    if text.count("+") > text.count(" "):
        yield text.replace("+", " ")
    if "/*!" in text:
        yield _VERSIONED.sub(" ", text)
    if "/*" in text and (joined := _SPLITTING.sub("", text)) != text:
        yield joined


def _place(text: str, at: int) -> str:
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
        alone = text[begin + 1 : at + 1].replace(".", "").isdigit() and not text[: begin + 1].strip(" \t\r\n+-(")
        return "number" if alone else "word"
    return "word" if character.isalpha() or character == "_" else "other"


def _logic(text: str, match: re.Match[str], budget: Budget) -> str | None:
    place = _place(text, match.start())
    tokens = Tokens(text, match.end(), budget)
    if tokens.next.kind == "word" and tokens.next.text == "select":
        tokens.take()
        return "sqli.subquery" if select(tokens) == 2 else None
    facts = Facts()
    if not expression(tokens, facts) or not (ended(tokens) or facts.open):
        return None
    if facts.subquery:
        return "sqli.subquery"
    out = tokens.next.kind == "comment" or (facts.open is not None and _resumes(facts.open.text))
    if place == "quote":
        return _appended(text, match, facts, out=out)
    if facts.compares and facts.settled:
        return "sqli.tautology"
    if facts.calls and (place in ("number", "other") or facts.compares or out):
        return "sqli.function" if place in ("number", "other", "start") or out or _function(facts) else None
    if place == "word":
        return "sqli.tautology" if out and facts.compares else None
    if facts.compares and (place == "number" or facts.literals or facts.variables or out):
        return "sqli.tautology"
    if facts.variables or (facts.literals and (out or facts.last in ("true", "false", "null"))):
        return "sqli.tautology"
    return "sqli.tautology" if facts.literals and not facts.names and _same(text, match, facts) else None


def _function(facts: Facts) -> bool:
    return any(name != "case" for name in facts.calls)


def _same(text: str, match: re.Match[str], facts: Facts) -> bool:
    """``1 or 1``, which nobody would write of two things to choose from."""
    before = text[: match.start()].strip(" )+")
    return before == facts.last or facts.last == "0"


def _appended(text: str, match: re.Match[str], facts: Facts, *, out: bool) -> str | None:
    """What is appended after a quote."""
    if facts.calls:
        return "sqli.function"
    if facts.compares or facts.variables:
        return "sqli.tautology"
    if facts.open is not None:
        rest = facts.open.text[1:].strip()
        quoted = match.end() == facts.open.start and text[max(0, match.start() - 2) : match.start() - 1].isspace()
        return "sqli.tautology" if not quoted and (not rest or rest[0].isdigit()) else None
    if out:
        return "sqli.tautology"
    return "sqli.tautology" if facts.literals and not facts.names and not facts.last.endswith(("'", '"')) else None


def _resumes(rest: str) -> bool:
    """Whether an open string is one that the query around it may close: not the rest of a sentence."""
    rest = rest[1:].strip()
    return len(rest.split()) < 2


def _keyword(text: str, match: re.Match[str], budget: Budget) -> str | None:
    word = match[0]
    tokens = Tokens(text, match.end(), budget)
    if word.strip() in (";", ""):
        if tokens.next.kind == "(":
            return _settled(tokens)
        sure = head(tokens)
        if word == ";":
            return "sqli.stacked" if sure == 2 or (sure == 1 and tokens.next.kind in ("end", "comment", ";", ")")) else None
        return "sqli.statement" if sure == 2 else None
    if word == "case":
        return "sqli.expression" if _case(tokens) else None
    if word[-1] in "-+*/%^|&":
        return _arithmetic(tokens)
    if word == "union":
        return _union(text, match, tokens)
    if word == "select":
        return _select(text, match, tokens)
    if word == "waitfor":
        return "sqli.function" if HEADS["waitfor"](tokens) else None
    if word[-1] == "(":
        return _call(text, match, tokens)
    return _clause(text, match, tokens)


def _union(text: str, match: re.Match[str], tokens: Tokens) -> str | None:
    if match.start() and text[match.start() - 1].isalpha() and not re.search(r"\\n$|\d[edf]?$", text[: match.start()]):
        return None
    place = _place(text, match.start())
    sure = place in ("quote", "number")
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
    if tokens.next.kind in ("end", "comment"):
        return "sqli.union" if sure or place == "start" else None
    return "sqli.union" if select(tokens) or (sure and tokens.next.kind in (")", "comment")) else None


def _select(text: str, match: re.Match[str], tokens: Tokens) -> str | None:
    before = text[: match.start()].rstrip(" \t\r\n+")
    if not before.endswith(("(", "'", '"', ")")) or select(tokens) < 2:
        return None
    return "sqli.subquery"


def _call(text: str, match: re.Match[str], tokens: Tokens) -> str | None:
    name = match[0].split("(")[0].split("/")[0].split()[0]
    if name in ("if", "iif"):
        facts = Facts()
        return "sqli.expression" if expression(tokens, facts) and facts.compares and tokens.next.kind == "," else None
    if name in ("exp", "elt", "make_set", "generate_series", "sleep") and match[0][-2] == " " and _place(text, match.start()) == "word":
        return None
    facts = Facts()
    if tokens.next.kind == ")":
        return None
    if not expression(tokens, facts) or not (facts.literals or facts.calls or facts.subquery or facts.variables):
        return None
    return "sqli.function" if tokens.next.kind in (")", ",", "end") else None


def _clause(text: str, match: re.Match[str], tokens: Tokens) -> str | None:
    place = _place(text, match.start())
    word = match[0]
    if word.startswith("into"):
        return "sqli.clause" if tokens.next.kind in ("string", "open", "(", "word") else None
    if place not in ("quote", "number") and word != "having" and not (place == "start" and word.startswith("group")):
        return None
    if word == "procedure":
        return "sqli.clause" if tokens.take_word("analyse") else None
    facts = Facts()
    if not expression(tokens, facts):
        return None
    while tokens.take_kind(","):
        if not expression(tokens, facts):
            return None
    tokens.take_word("asc", "desc")
    tokens.take_word("offset") and tokens.take()
    out = tokens.next.kind == "comment" or facts.open is not None
    if not (ended(tokens) or facts.open):
        return None
    if tokens.take_word("having"):
        return "sqli.clause" if expression(tokens, facts) and facts.compares else None
    if word == "having":
        if place in ("quote", "number"):
            return "sqli.clause" if facts.compares or facts.calls or facts.subquery or out else None
        return "sqli.clause" if facts.compares and (facts.settled or out) else None
    if place == "start":
        return None
    if out or facts.subquery or (facts.calls and place == "quote"):
        return "sqli.clause"
    return "sqli.clause" if word != "limit" and facts.literals and not facts.names and tokens.next.kind in ("end", ";", ")") else None


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


def _arithmetic(tokens: Tokens) -> str | None:
    """What is computed with the number that a text begins with."""
    facts = Facts()
    if not expression(tokens, facts) or tokens.next.kind not in ("end", "comment", ")"):
        return None
    if facts.subquery:
        return "sqli.subquery"
    return "sqli.expression" if facts.variables or facts.calls else None


def _escape(text: str, match: re.Match[str], budget: Budget) -> str | None:
    """What follows a quote, if the text was inside of a string until then."""
    at = match.end()
    value = text[: match.start()]
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
    if facts.open is not None and _resumes(facts.open.text) and not facts.open.text[1:2].isspace():
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
