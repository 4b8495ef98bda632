from __future__ import annotations

import tracemalloc

import pytest

from plugins.cache.entry import Entry
from plugins.cache.marks import REMEMBERED, Prefixes, Seen, changed_by, marks_of
from plugins.cache.tiers import Purge

URI = "http://shop.example/v1/Invoices/in%5F1/?x=1"
KEY = f"invoices p:1 {URI}"


def entry(requested: float = 0.0, key: str = KEY) -> Entry:
    return Entry(key, URI, "p:1", 200, [], b"", requested, requested, 60.0, requested + 60, tags=("t",))


@pytest.mark.parametrize(
    "what",
    [
        Purge("all"),
        Purge("prefix", "/v1"),
        Purge("tag", "t"),
        Purge("partition", "p:1"),
        Purge("key", KEY),
        Purge("uri", URI),
        Purge("path", "/V1/invoices/in_1"),
    ],
)
def test_a_purge_that_takes_an_entry_changes_a_mark_that_the_entry_has(what) -> None:
    assert what.takes(entry())
    tagged = {*marks_of(KEY), "tag t"}
    assert tagged.intersection(changed_by(what))


@pytest.mark.parametrize(
    "what", [Purge("partition", "p:2"), Purge("path", "/v1/invoices/in_2"), Purge("uri", "http://a/b")]
)
def test_and_others_change_none_of_its_marks(what) -> None:
    assert not {*marks_of(KEY), "tag t"}.intersection(changed_by(what))


def test_an_answer_has_the_marks_from_before_it_was_asked_for() -> None:
    seen = Seen(10)
    seen.note(KEY, 1.0, (b"a",))
    seen.note(KEY, 2.0, (b"a",))
    seen.note(f"{KEY} generation variant", 3.0, (b"b",))
    assert [seen.before(entry(at)) for at in (0.5, 1.0, 2.5, 3.0)] == [None, (b"a",), (b"a",), (b"b",)]
    assert seen.before(entry(9.0, "invoices p:2 http://a/")) is None


def test_what_is_remembered_is_bounded_both_ways() -> None:
    seen = Seen(2)
    for number in range(REMEMBERED + 1):
        seen.note(KEY, float(number), (b"%d" % number,))
    assert seen.before(entry(0.5)) is None
    assert seen.before(entry(9.0)) == (b"4",)
    seen.note("r p http://a/", 0.0, ())
    seen.note("r p http://b/", 0.0, ())
    assert seen.before(entry(9.0)) is None


def test_a_prefix_takes_what_was_kept_before_it_and_what_cannot_be_told() -> None:
    prefixes = Prefixes([(b"1", "/v2"), (b"2", "/v1/invoices"), (b"3", "/v3")])
    assert prefixes.last == b"3"
    taken = {since: prefixes.take(entry(), since) for since in (b"", b"1", b"2", b"3", b"forgotten")}
    assert taken == {b"": True, b"1": True, b"2": False, b"3": False, b"forgotten": True}
    assert Prefixes().last == b""


def test_what_is_remembered_of_a_key_is_not_as_long_as_the_key() -> None:
    seen = Seen(1000)
    tracemalloc.start()
    for number in range(1000):
        seen.note(f"invoices p:1 http://a/{number:010000}", 1.0, (b"a",))
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 2_000_000, "of ten million characters"
    assert seen.before(entry(9.0, f"invoices p:1 http://a/{7:010000}")) == (b"a",)
