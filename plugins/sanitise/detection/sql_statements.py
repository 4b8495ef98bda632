"""Statements of SQL: their heads and enough of what follows to tell them from a sentence."""

from __future__ import annotations

from collections.abc import Callable

from .sql_expressions import Facts, ended, expression
from .sql_select import select
from .sql_tokens import Tokens

_THINGS = (
    "table", "database", "schema", "view", "user", "role", "procedure", "function", "trigger", "index", "login",
    "proc", "column", "extension", "event", "sequence", "type", "temporary", "temp", "unique", "global", "directory",
    "library", "assembly", "aggregate", "language", "tablespace", "or", "force", "fulltext", "materialized", "public",
)  # fmt: skip


def _drop(tokens: Tokens) -> int:
    if not tokens.take_word(*_THINGS):
        return 0
    named = False
    while tokens.take_word(*_THINGS):
        named = True
    if named and tokens.next.kind == "comment":  # a table may have such a name, too
        return 2
    sure = tokens.take_word("if")
    while tokens.take_word("exists", "not"):
        pass
    if tokens.next.kind not in ("word", "string", "variable"):
        return 0
    name = tokens.take()
    while tokens.take_kind("."):
        sure = True
        tokens.take()
    return _complete(tokens, sure=sure or "_" in name.text or name.text[:1] in "`[")


def _complete(tokens: Tokens, *, sure: bool) -> int:
    """How sure a statement is that is complete here."""
    kind = tokens.next.kind
    if kind == "comment" or tokens.next.text in ("cascade", "restrict", "end"):
        return 2
    if tokens.take_kind(";"):
        return 2 if sure or tokens.next.kind in ("end", "comment") else int(tokens.next.text in HEADS)
    if kind in ("end", "open"):
        return 2 if sure else 1
    return 0


def _create(tokens: Tokens) -> int:
    if not tokens.take_word(*_THINGS):
        return 0
    while tokens.take_word(*_THINGS, "if", "not", "exists", "replace"):
        pass
    tokens.take()
    while tokens.take_kind("."):
        tokens.take()
    token = tokens.next
    if token.kind in ("(", "variable", "string", "comment", ";", ".") or token.text == "@":
        return 2
    return 2 * tokens.take_word(
        "as", "add", "drop", "modify", "rename", "with", "set", "identified", "for", "returns", "values",
        "alter", "on", "default", "owner", "account", "password", "authorization", "is",
    )  # fmt: skip


def _insert(tokens: Tokens) -> int:
    while tokens.take_word("ignore", "into", "low_priority", "delayed", "or", "replace", "overwrite"):
        pass
    if tokens.next.kind not in ("word", "string", "variable"):
        return 0
    tokens.take()
    while tokens.take_kind("."):
        tokens.take()
    if tokens.take_kind("("):
        while tokens.next.kind in ("word", ",", "string", "."):
            tokens.take()
        if tokens.next.kind == "end":
            return 2
        if not tokens.take_kind(")"):
            return 0
    return 2 * tokens.take_word("values", "value", "select", "set", "exec", "execute", "default")


def _update(tokens: Tokens) -> int:
    if tokens.next.kind not in ("word", "variable") or tokens.next.text == "set":
        return 0
    tokens.take()
    while tokens.take_kind("."):
        tokens.take()
    if not tokens.take_word("set") or tokens.take().kind not in ("word", "variable"):
        return 0
    return 2 * (tokens.next.text in ("=", ".", ":="))


def _delete(tokens: Tokens) -> int:
    if not tokens.take_word("from") or tokens.next.kind not in ("word", "variable"):
        return 0
    sure = "_" in tokens.take().text
    while tokens.take_kind("."):
        sure = True
        tokens.take()
    if tokens.take_word("where"):
        facts = Facts()
        return 2 * (expression(tokens, facts) and (facts.compares or facts.literals > 0 or bool(facts.calls)))
    return _complete(tokens, sure=sure)


def _truncate(tokens: Tokens) -> int:
    sure = tokens.take_word("table")
    if tokens.take().kind != "word":
        return 0
    while tokens.take_kind("."):
        tokens.take()
    return _complete(tokens, sure=False) if sure else 0


def _exec(tokens: Tokens) -> int:
    token = tokens.take()
    if token.kind == "(":
        return 2 if tokens.next.kind in ("string", "open", "variable", "word", "number") else 0
    if token.kind == "variable":
        return 2
    if token.kind != "word":
        return 0
    if tokens.take_kind("."):
        return 2 * (tokens.next.kind in ("word", "."))
    if tokens.next.kind in ("variable", "string", "open") or token.text[:3] in ("xp_", "sp_"):
        return 2
    return 2 * (token.text == "immediate" or "_" in token.text)


def _declare(tokens: Tokens) -> int:
    return 2 * (tokens.next.kind == "variable")


def _waitfor(tokens: Tokens) -> int:
    return 2 * (tokens.take_word("delay", "time") and tokens.next.kind in ("string", "open", "variable"))


def _shutdown(tokens: Tokens) -> int:
    if tokens.take_word("with"):
        return 2 * tokens.take_word("nowait")
    return _complete(tokens, sure=False)


_PRIVILEGES = (
    "all", "select", "insert", "update", "delete", "execute", "usage", "create", "alter", "drop", "dba", "connect",
    "resource", "super", "file", "process", "sysdba", "any", "control", "role", "proxy", "references", "javauserpriv",
    "javasyspriv", "imp_full_database",
)  # fmt: skip


def _grant(tokens: Tokens) -> int:
    if not tokens.take_word(*_PRIVILEGES):
        return 0
    for _ in range(12):
        if tokens.take_word("to", "from", "on"):
            return 2 * (tokens.next.kind in ("word", "operator", "string") and _short(tokens))
        if tokens.take().kind not in ("word", ",", "(", ")"):
            return 0
    return 0


def _short(tokens: Tokens) -> bool:
    """Whether at most a few names are left: sentences go on."""
    for _ in range(8):
        if tokens.next.kind in ("end", "comment", ";"):
            return True
        tokens.take()
    return False


def _copy(tokens: Tokens) -> int:
    if tokens.next.kind == "(":
        return 2
    tokens.take()
    if tokens.next.kind == "(":
        return 2
    return 2 * (
        tokens.take_word("from", "to")
        and tokens.next.kind in ("string", "open", "word")
        and (tokens.next.kind != "word" or tokens.next.text in ("program", "stdin", "stdout"))
    )


def _load(tokens: Tokens) -> int:
    return 2 * (tokens.take_word("data") and tokens.take_word("infile", "local", "low_priority", "concurrent"))


def _set(tokens: Tokens) -> int:
    tokens.take_word("global", "session", "local")
    if tokens.next.kind == "variable":
        tokens.take()
        return 2 * (tokens.next.text in ("=", ":="))
    return 0


def _call(tokens: Tokens) -> int:
    if tokens.next.kind != "word":
        return 0
    facts = Facts()
    return 2 * (expression(tokens, facts) and bool(facts.calls) and ended(tokens))


def _do(tokens: Tokens) -> int:
    if tokens.next.kind == "string" and tokens.next.text.startswith("$"):
        return 2
    return _call(tokens)


def _begin(tokens: Tokens) -> int:
    if tokens.take_word("declare"):
        return 2
    while tokens.take_word("begin"):
        pass
    while tokens.next.kind == "word" and tokens.next.text not in HEADS:
        tokens.take()
        if tokens.next.kind in (".", "("):
            return 2
    return head(tokens)


def _if(tokens: Tokens) -> int:
    facts = Facts()
    if not expression(tokens, facts) or not (facts.compares or facts.subquery):
        return 0
    return 2 if (tokens.next.kind == "word" and tokens.next.text in HEADS) or tokens.next.kind == "," else 0


def _with(tokens: Tokens) -> int:
    tokens.take_word("recursive")
    tokens.take()
    if tokens.next.kind == "(":
        return 1
    return 2 * (tokens.take_word("as") and tokens.next.kind == "(")


def _attach(tokens: Tokens) -> int:
    return 2 * (tokens.take_word("database") and tokens.next.kind in ("string", "open"))


def _handler(tokens: Tokens) -> int:
    return 2 * (tokens.take().kind == "word" and tokens.take_word("open", "read"))


def _backup(tokens: Tokens) -> int:
    return 2 * (tokens.take_word("database", "log") and tokens.take().kind == "word" and tokens.take_word("to", "from"))


def _rename(tokens: Tokens) -> int:
    return 2 * (
        tokens.take_word("table")
        and tokens.take().kind == "word"
        and tokens.take_word("to")
        and tokens.take().kind == "word"
        and ended(tokens)
    )


def _merge(tokens: Tokens) -> int:
    return 2 * (tokens.take_word("into") and tokens.take().kind == "word" and tokens.take_word("using"))


def _prepare(tokens: Tokens) -> int:
    if tokens.take().kind != "word" or not tokens.take_word("from"):
        return 0
    return 2 * (tokens.next.kind in ("string", "open", "number", "variable"))


def _print(tokens: Tokens) -> int:
    return 2 * (tokens.next.kind == "variable")


def _declared(tokens: Tokens) -> int:
    return 2 * (tokens.take().kind == "word" and tokens.next.kind == "operator")


HEADS: dict[str, Callable[[Tokens], int]] = {
    "select": select, "drop": _drop, "create": _create, "alter": _create, "insert": _insert, "replace": _insert,
    "update": _update, "delete": _delete, "truncate": _truncate, "exec": _exec, "execute": _exec, "declare": _declare,
    "waitfor": _waitfor, "shutdown": _shutdown, "grant": _grant, "revoke": _grant, "copy": _copy, "load": _load,
    "set": _set, "call": _call, "do": _do, "begin": _begin, "if": _if, "while": _if, "with": _with, "attach": _attach,
    "handler": _handler, "backup": _backup, "restore": _backup, "rename": _rename, "merge": _merge,
    "pragma": _declared, "prepare": _prepare, "print": _print,
}  # fmt: skip
"""What may begin a statement, and what reads the rest: 0 no statement, 1 perhaps one, 2 nothing else."""


def head(tokens: Tokens) -> int:
    """How surely a statement begins here."""
    if tokens.next.kind != "word" or tokens.next.text not in HEADS:
        return 0
    return HEADS[tokens.take().text](tokens)
