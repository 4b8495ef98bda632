from __future__ import annotations

import pytest

from plugins.principal.decision import LONGEST, AmbiguousPrincipal, acceptable, bearer, only


def test_a_header_that_is_sent_once_has_its_value_without_the_space_around_it() -> None:
    assert only([(b"x-other", b"1"), (b"x-user-id", b" shop-1\t")], b"x-user-id") == "shop-1"


def test_a_header_that_is_not_sent_is_none_and_an_empty_one_is_empty() -> None:
    assert only([], b"x-user-id") is None
    assert only([(b"x-user-id", b"")], b"x-user-id") == ""


@pytest.mark.parametrize(
    "names",
    [
        (b"x-user-id", b"x-user-id"),
        (b"x-user-id", b"X-User-Id"),
        (b"x-user-id", b"x_user_id"),
        (b"x_user_id",),
        (b"x-user_id",),
    ],
)
def test_what_the_backend_might_read_otherwise_is_refused(names) -> None:
    with pytest.raises(AmbiguousPrincipal):
        only([(name, b"shop") for name in names], b"x-user-id")


@pytest.mark.parametrize(
    ("authorization", "token"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("BEARER abc", "abc"),
        ("Bearer", None),
        ("Bearer ", None),
        ("Basic abc", None),
        ("abc", None),
        ("", None),
        (None, None),
    ],
)
def test_a_bearer_token_is_found_whatever_the_case_of_its_scheme(authorization, token) -> None:
    assert bearer(authorization) == token


@pytest.mark.parametrize("identity", ["shop", "a b", "müller", "x" * LONGEST, "auth0|42"])
def test_names_of_callers(identity) -> None:
    assert acceptable(identity)


@pytest.mark.parametrize("identity", ["", "x" * (LONGEST + 1), "a\nb", "a\x00", "a\u202eb", 42, None, ["shop"]])
def test_what_cannot_name_a_caller(identity) -> None:
    assert not acceptable(identity)
