from __future__ import annotations

import pytest

from plugins.cache.directives import delta, directives, targeted

SAID = [
    (b"max-age=10, Public", {"max-age": "10", "public": None}),
    (b"MAX-AGE=10", {"max-age": "10"}),
    (b'max-age="10"', {"max-age": "10"}),
    (b'private="set-cookie, max-age=3", no-cache', {"private": "set-cookie, max-age=3", "no-cache": None}),
    (b'x="a\\"b, no-store", max-age=1', {"x": 'a"b, no-store', "max-age": "1"}),
    (b"max-age=1, max-age=3600", {"max-age": "1"}),
    (b",, max-age=1 ,", {"max-age": "1"}),
    (b"max-age =1, no-store", {"no-store": None}),
    (b"foo bar, no-store", {"no-store": None}),
    (b'x="never ends, no-store', {}),
    (b"", {}),
]


@pytest.mark.parametrize(("value", "found"), SAID)
def test_directives_are_found_and_what_is_none_is_passed_over(value, found) -> None:
    assert dict(directives([value])) == found


def test_fields_of_one_name_are_one_list() -> None:
    assert dict(directives([b"max-age=1", b"no-store"])) == {"max-age": "1", "no-store": None}
    assert not directives([])


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(b"max-age=0", 0), (b"max-age=9" + b"9" * 30, 2**31), (b"max-age", 0), (b"max-age=-1", 0), (b"max-age=1.5", 0)],
)
def test_what_is_no_number_of_seconds_is_stale_at_once(value, seconds) -> None:
    assert delta(directives([value]), "max-age") == seconds
    assert delta(directives([value]), "s-maxage") is None


TARGETED = [
    ([b"max-age=10, no-cache"], {"max-age": "10", "no-cache": None}),
    ([b"max-age=10", b"max-age=20"], {"max-age": "20"}),
    ([b"max-age=10;a=b, x=?0, y=?1"], {"max-age": "10", "y": None}),
    ([b'x="a, b", max-age=1'], {"x": '"a, b"', "max-age": "1"}),
    ([b"MAX-age=1"], None),
    ([b"max-age=1,, no-store"], None),
    ([b"max-age=1,"], None),
    ([b"max-age=&"], None),
    ([b"max-age=10 no-store"], None),
    ([b""], None),
    ([], None),
]


@pytest.mark.parametrize(("values", "found"), TARGETED)
def test_a_targeted_field_is_a_dictionary_or_nothing(values, found) -> None:
    assert targeted(values) == found
