from __future__ import annotations

from plugins.sanitise.known import Known


def test_what_is_learned_is_known() -> None:
    known: Known[str] = Known()
    known.learn(["a", "b"])
    known.learn(["c"])

    assert known.innocent == {"a", "b", "c"}


def test_it_is_bounded() -> None:
    known: Known[int] = Known(most=10)
    for number in range(11):
        known.learn([number])

    assert known.innocent == {10}


def test_of_one_request_with_too_much_to_learn_it_learns_nothing() -> None:
    known: Known[int] = Known(at_once=10)
    known.learn(range(11))

    assert known.innocent == set()
