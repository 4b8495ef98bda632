from __future__ import annotations

import pytest

from plugins.cache.decision import Verdict, is_of, judge, not_modified, serves_on_error
from plugins.cache.directives import directives
from plugins.cache.entry import Entry

FRESH, STALE, REFRESH, VALIDATE = Verdict


def entry(**said) -> Entry:
    """One that was made at 0 and is fresh for 60 s."""
    return Entry(*("k", "u", "", said.pop("status", 200), [], b"", 0.0, 0.0, 60.0, 1e9), **said)


JUDGED = [
    ({}, "", 59.9, FRESH),
    ({}, "", 60, VALIDATE),
    ({"validate": True}, "", 0, VALIDATE),
    ({"stale_while_revalidate": 10}, "", 69, REFRESH),
    ({"stale_while_revalidate": 10}, "", 70, VALIDATE),
    ({"stale_while_revalidate": 10}, "no-cache", 0, VALIDATE),
    ({}, "max-stale=10", 70, STALE),
    ({}, "max-stale=10", 71, VALIDATE),
    ({"strict": True}, "max-stale", 61, VALIDATE),
    ({}, "max-age=10", 11, VALIDATE),
    ({}, "min-fresh=10", 51, VALIDATE),
    ({}, "min-fresh=10", 50, FRESH),
    ({}, "max-age=", 0, VALIDATE),
]


@pytest.mark.parametrize(("said", "asked", "age", "verdict"), JUDGED)
def test_a_request_is_answered_by_what_is_fresh_enough_for_it(said, asked, age, verdict) -> None:
    assert judge(entry(**said), directives([asked.encode()]), age) is verdict


@pytest.mark.parametrize(
    ("said", "asked", "age", "serves"),
    [
        ({"stale_if_error": 10}, "", 70, True),
        ({"stale_if_error": 10}, "", 71, False),
        ({}, "stale-if-error=10", 70, True),
        ({"stale_if_error": 10, "strict": True}, "stale-if-error=10", 61, False),
        ({}, "", 10, True),
    ],
)
def test_where_the_upstream_fails_what_is_stale_is_given_within_what_is_allowed(said, asked, age, serves) -> None:
    assert serves_on_error(entry(**said), directives([asked.encode()]), age) is serves


EARLY, LATE = b"Sun, 06 Nov 1994 08:49:37 GMT", b"Mon, 07 Nov 1994 08:49:37 GMT"


@pytest.mark.parametrize(
    ("said", "none_match", "since", "has"),
    [
        ({"etag": b'"1"'}, b'"1"', None, True),
        ({"etag": b'W/"1"'}, b'"0", "1"', None, True),
        ({"etag": b'"1"'}, b'"2"', None, False),
        ({"etag": b'"a,b"'}, b'"a,b"', None, True),
        ({"etag": b"bare"}, b"bare", None, True),
        ({}, b"*", None, True),
        ({"etag": b'"1"', "last_modified": EARLY}, b'"2"', LATE, False),
        ({"last_modified": EARLY}, None, LATE, True),
        ({"last_modified": EARLY}, None, EARLY, True),
        ({"last_modified": LATE}, None, EARLY, False),
        ({"last_modified": EARLY}, None, b"garbage", False),
        ({}, None, LATE, True),
        ({}, None, None, False),
        ({"status": 404, "etag": b'"1"'}, b'"1"', None, False),
    ],
)
def test_a_client_has_it_where_its_validators_say_so(said, none_match, since, has) -> None:
    assert not_modified(entry(**said), none_match, since) is has


def test_a_304_is_of_what_is_kept_unless_it_names_another() -> None:
    assert is_of(entry(etag=b'"1"'), b'W/"1"')
    assert is_of(entry(etag=b'"1"'), None)
    assert is_of(entry(), b'"1"')
    assert not is_of(entry(etag=b'"1"'), b'"2"')
