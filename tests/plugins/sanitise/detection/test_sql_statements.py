from __future__ import annotations

import pytest

from plugins.sanitise.detection.sql_statements import HEADS, head
from plugins.sanitise.detection.sql_tokens import Budget, Tokens

STATEMENTS = {
    "select": "select * from users", "drop": "drop table users;", "create": "create table a(b int)", "alter": "alter table a add b int",
    "insert": "insert into a values(1)", "replace": "replace into a values(1)", "update": "update a set b=1", "delete": "delete from a where 1=1",
    "truncate": "truncate table a;", "exec": "exec xp_cmdshell 'dir'", "execute": "execute immediate 'a'", "declare": "declare @a int",
    "waitfor": "waitfor delay '0:0:5'", "shutdown": "shutdown with nowait", "grant": "grant all on a to b", "revoke": "revoke all on a from b",
    "copy": "copy a from '/etc/passwd'", "load": "load data infile 'x'", "set": "set @a=1", "call": "call b(1)", "do": "do sleep(5)",
    "begin": "begin dbms_lock.sleep(5)", "while": "while 1=1 shutdown with nowait", "if": "if 1=1 waitfor delay '0:0:5'", "with": "with a as (select 1)", "attach": "attach database 'a' as b",
    "handler": "handler a open", "backup": "backup database a to disk", "restore": "restore database a from disk", "rename": "rename table a to b",
    "merge": "merge into a using b", "pragma": "pragma a=1", "prepare": "prepare a from 0x41", "print": "print @@version",
}  # fmt: skip


def sure(text: str) -> int:
    return head(Tokens(text, 0, Budget(1000)))


def test_every_head_has_a_statement_here() -> None:
    assert STATEMENTS.keys() == HEADS.keys()


@pytest.mark.parametrize("text", STATEMENTS.values())
def test_a_statement_is_one(text) -> None:
    assert sure(text) == 2


@pytest.mark.parametrize(
    "text",
    [
        "drop table tennis club",
        "update set 4 where possible",
        "delete files",
        "set of three",
        "call me at 5",
        "do it",
        "if you can",
        "with love",
        "begin again",
        "grant thornton to audit",
        "copy that",
        "load more",
        "insert coin",
        "replace it",
        "create joy",
        "print it",
        "prepare lunch from scratch",
        "drop table tennis; joy",
        "delete from cart where possible",
        "merge lanes",
    ],
)
def test_a_sentence_is_none(text) -> None:
    assert sure(text) == 0


@pytest.mark.parametrize(("unit", "expected"), [("begin ", 0), ("drop table a; ", 1)])
def test_statements_in_a_row_do_not_recurse(unit, expected) -> None:
    assert sure(unit * 900) == expected


def test_a_statement_that_another_may_follow_is_perhaps_one() -> None:
    assert (sure("drop table tennis; create joy"), sure("drop table users;"), sure("drop table a.b; c")) == (1, 2, 2)
