"""A decision taken apart by subject says what the whole says."""

from __future__ import annotations

from plugins.rate_limit.apart import joined, split
from tests.plugins.rate_limit.conftest import punished, rule

KEYS = ["block:{a}", "block:{b}", "rate:{a}", "s:{a}", "c:{a}", "o:{a}", "rate:{b}", "rate:{g}"]
RULES = [rule(2, punishment=punished(3, 0, after=1)), rule(6, takes=False), rule(7)]


def test_each_part_has_the_keys_of_one_subject_and_blocks_first() -> None:
    a, b, g = split(KEYS, (2, RULES))

    assert a.keys == ["block:{a}", "rate:{a}", "s:{a}", "c:{a}", "o:{a}"]
    assert (a.arguments[0], a.arguments[1][0].key) == (1, 1)
    assert (a.arguments[1][0].punishment.keys, a.arguments[1][0].punishment.block) == (2, 0)
    assert (b.keys, b.arguments[0]) == (["block:{b}", "rate:{b}"], 1)
    assert (g.keys, g.arguments[0]) == (["rate:{g}"], 0)


def test_what_took_is_what_is_given_back() -> None:
    a, b, _ = split(KEYS, (2, RULES))
    assert a.back is not None
    assert [each.cost for each in a.back[1]] == [-1]
    assert b.back is None


def test_what_the_parts_said_is_told_in_the_numbers_of_the_whole() -> None:
    parts = split(KEYS, (2, RULES))
    assert joined(parts, [None, None, None]) is None
    assert joined(parts, [None, ["blocked", 0, 5], ["limited", [[0, 1]]]]) == ["blocked", 1, 5]
    assert joined(parts, [["limited", [[0, 3]], [[0, 900]]], None, ["limited", [[0, 1]]]]) == [
        "limited",
        [[0, 3], [2, 1]],
        [[0, 900]],
    ]
    assert joined(parts, [None, ["limited", [[0, 2]]], None]) == ["limited", [[1, 2]]]
