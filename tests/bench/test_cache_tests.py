"""How bench.cache_tests judges results, without Node and without the suite."""

from __future__ import annotations

from bench.cache_tests import Case, count, is_ahead, passed

PLAIN = Case("a", "a-1", "one", "required", ())
NEEDY = Case("a", "a-2", "two", "required", ("a-1",))
GUARD = Case("vary", "vary-match", "three", "required", ())
TESTS = (PLAIN, NEEDY, GUARD)
BY_ID = {test.id: test for test in TESTS}
ALL = {"a-1": True, "a-2": True, "vary-match": True}


def test_a_test_counts_where_those_that_it_needs_passed_too() -> None:
    assert passed(NEEDY, ALL, BY_ID)
    assert not passed(NEEDY, {**ALL, "a-1": ["Assertion", "no"]}, BY_ID)
    assert count(TESTS, {**ALL, "a-1": False}, "required") == 1


def test_to_be_ahead_is_to_pass_more_than_each_other_and_all_that_guard_somebodys_data() -> None:
    less = {**ALL, "a-2": False}
    assert is_ahead(TESTS, {"payguard": ALL, "nginx": less})
    assert not is_ahead(TESTS, {"payguard": ALL, "nginx": ALL})
    assert not is_ahead(TESTS, {"payguard": {**ALL, "vary-match": False}, "nginx": {}})
