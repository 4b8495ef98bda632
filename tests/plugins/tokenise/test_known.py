from __future__ import annotations

from plugins.tokenise.known import Known


def test_what_is_known_is_told_until_its_time_is_over() -> None:
    known = Known(10)
    known.put("card", "tok", 5.0)
    assert known.get("card", 4.9) == "tok"
    assert known.get("other", 0.0) is None
    assert known.get("card", 5.0) is None
    assert len(known) == 0


def test_of_too_many_the_one_that_was_not_asked_for_longest_goes() -> None:
    known = Known(2)
    known.put("a", "1", 9.0)
    known.put("b", "2", 9.0)
    known.get("a", 0.0)
    known.put("c", "3", 9.0)
    assert [known.get(each, 0.0) for each in "abc"] == ["1", None, "3"]


def test_nothing_is_known_where_nothing_may_be_or_all_was_cleared() -> None:
    none = Known(0)
    none.put("a", "1", 9.0)
    assert none.get("a", 0.0) is None
    known = Known(1)
    known.put("a", "1", 9.0)
    known.clear()
    assert known.get("a", 0.0) is None
