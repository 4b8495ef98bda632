import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import MutableHeaders as Headers

from gateway.control.reach import covers
from gateway.dataplane.router import Match

SEGMENTS = ["", "a", "b", "ab", "{x}", "a{x}", "{x}b"]
paths = st.lists(st.sampled_from(["", "a", "b", "ab", "abc"]), min_size=1, max_size=4).map(lambda s: "/" + "/".join(s))


@st.composite
def matches(draw: st.DrawFn) -> Match:
    segments = draw(st.lists(st.sampled_from(SEGMENTS), max_size=3))
    named = [segment.replace("{x}", f"{{x{number}}}") for number, segment in enumerate(segments)]
    path = "/" + "/".join(segment for segment in named if segment)
    rest = draw(st.sampled_from(["", "{rest:path}", "/{rest:path}"]))
    if draw(st.booleans()):
        return Match(prefix="/" + "/".join(segment for segment in segments if segment and "{" not in segment))
    return Match(path=(path + rest).replace("//", "/"))


@given(earlier=matches(), later=matches(), path=paths)
def test_a_route_that_is_called_covered_takes_nothing_that_the_earlier_one_leaves(
    earlier: Match, later: Match, path: str
) -> None:
    if covers(earlier, later) and later.take("GET", path, "", Headers()) is not None:
        assert earlier.take("GET", path, "", Headers()) is not None


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (Match(), Match(path="/v1")),
        (Match(path="/{rest:path}"), Match(path="/v1/{id}")),
        (Match(path="/{rest:path}"), Match(prefix="/v1")),
        (Match(prefix="/"), Match(path="/{rest:path}")),
        (Match(prefix="/v1"), Match(path="/v1")),
        (Match(prefix="/v1"), Match(prefix="/v1/a")),
        (Match(path="/v1/{id}"), Match(path="/v1/{name}")),
        (Match(path="/v1/{id}"), Match(path="/v1/latest")),
        (Match(methods=None, path="/a"), Match(methods=frozenset({"GET"}), path="/a")),
        (Match(host="A.example"), Match(host="a.example", headers={"x": "1"})),
        (Match(headers={"X-Kind": "1"}), Match(headers={"x-kind": "1", "y": "2"})),
    ],
)
def test_what_an_earlier_route_certainly_takes_is_out_of_reach(earlier: Match, later: Match) -> None:
    assert covers(earlier, later)


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (Match(path="/v1"), Match()),
        (Match(path="/v1/{id}"), Match(path="/v1/{id}/lines")),
        (Match(path="/v1/{rest:path}"), Match(path="/v1")),
        (Match(path="/v1/{rest:path}"), Match(prefix="/v1")),
        (Match(prefix="/v1"), Match(path="/v10")),
        (Match(methods=frozenset({"GET"}), path="/a"), Match(methods=frozenset({"GET", "POST"}), path="/a")),
        (Match(methods=frozenset({"GET"}), path="/a"), Match(path="/a")),
        (Match(host="a.example"), Match()),
        (Match(headers={"x": "1"}), Match(headers={"x": "2"})),
    ],
)
def test_a_route_that_something_still_reaches_is_not_complained_of(earlier: Match, later: Match) -> None:
    assert not covers(earlier, later)
