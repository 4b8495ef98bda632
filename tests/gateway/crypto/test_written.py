from __future__ import annotations

import pytest

from gateway.crypto.written import digits, read


def even(length: int) -> str | None:
    return None if length % 2 == 0 else "an even number is needed"


def test_one_alone_has_the_id_1() -> None:
    assert read("c0ffee00", "key", even) == {"1": bytes.fromhex("c0ffee00")}


def test_several_keep_their_order_and_may_stand_apart() -> None:
    assert list(read(" new:c0ff, old:ee00 ", "key", even).items()) == [("new", b"\xc0\xff"), ("old", b"\xee\x00")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("c0ffee", "key 1 has 3 bytes; an even number is needed"),
        ("a:c0ff,b:hunter2", "key 2 is not hex"),
        ("c0ff,ee00", "two keys have the id 1; write id:hex,id:hex"),
        ("a b:c0ff", "the id of key 1 is letters, digits, - and _"),
        (f"{'x' * 33}:c0ff", "the id of key 1 is letters, digits, - and _"),
        ("a:c0ff,", "key 2 has 0 bytes; an even number is needed"),
    ],
)
def test_what_is_wrong_is_said_without_repeating_it(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r"key") as caught:
        read(text, "key", lambda length: even(length) if length else "an even number is needed")
    assert str(caught.value) == problem


def test_what_may_stand_in_no_output_is_each_of_them_without_its_id() -> None:
    assert digits("new:c0ff, old:ee00") == ("c0ff", "ee00")
    assert digits("c0ff") == ("c0ff",)
