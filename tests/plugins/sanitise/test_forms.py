from __future__ import annotations

import pytest

from plugins.sanitise.detection import Kind
from plugins.sanitise.forms import read_form
from plugins.sanitise.problems import AmbiguousBody, BodyTooComplex
from plugins.sanitise.texts import Text


def located(data: bytes, *, most=100, repeated=True) -> list[Text]:
    return list(read_form(data, most=most, repeated=repeated).located())


def test_a_form_is_read_by_name_and_value_decoded() -> None:
    assert located(b"name=Zo%C3%AB+M&note=") == [
        Text("form:name", "name", Kind.KEY),
        Text("form:name", "Zoë M"),
        Text("form:note", "note", Kind.KEY),
    ]


@pytest.mark.parametrize("data", [b"name=%ff", b"name=\xff", b"%c0%ae=x"])
def test_a_form_that_is_not_utf_8_is_refused(data) -> None:
    with pytest.raises(AmbiguousBody):
        located(data)


def test_a_name_may_come_twice_unless_the_policy_says_otherwise() -> None:
    assert Text("form:a", "1,2") in located(b"a=1&a=2")
    with pytest.raises(AmbiguousBody):
        located(b"a=1&%61=2", repeated=False)


def test_a_form_holds_so_many_values() -> None:
    located(b"&".join([b"a=1"] * 100))
    with pytest.raises(BodyTooComplex):
        located(b"&".join([b"a=1"] * 101))
