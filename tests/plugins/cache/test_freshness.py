from __future__ import annotations

import pytest

from plugins.cache.dates import text
from plugins.cache.freshness import Terms, born, terms_of
from plugins.cache.options import CacheConfig

NOW = 1_800_000_000.0


def terms(status: int = 200, options=None, **fields: str | list[str]) -> Terms | str:
    named = {
        name.replace("_", "-").encode(): [each.encode() for each in ([value] if isinstance(value, str) else value)]
        for name, value in fields.items()
    }
    config = CacheConfig.model_validate({"partition": "none", **(options or {})})
    return terms_of(status, named, config, NOW, authorized=False, asked={})


def at(seconds: float) -> str:
    return text(NOW + seconds).decode()


LIFETIMES = [
    ({"cache_control": "max-age=60"}, 60),
    ({"cache_control": "max-age=60, s-maxage=30"}, 30),
    ({"cache_control": "max-age=60", "expires": at(5)}, 60),
    ({"expires": at(50)}, 50),
    ({"expires": at(50), "date": at(-10)}, 60),
    ({"expires": at(-50), "etag": '"1"'}, 0),
    ({"expires": "0", "etag": '"1"'}, 0),
    ({"expires": [at(50), at(60)], "etag": '"1"'}, 0),
    ({"etag": '"1"'}, 0),
    ({"cache_control": "max-age=999999"}, 86400),
]


@pytest.mark.parametrize(("fields", "lifetime"), LIFETIMES)
def test_an_answer_is_fresh_for_as_long_as_it_says(fields, lifetime) -> None:
    found = terms(**fields)
    assert isinstance(found, Terms)
    assert found.lifetime == lifetime


def test_a_cache_of_one_principal_alone_takes_no_word_that_is_for_shared_ones() -> None:
    private = {"partition": "principal", "keep_private": True}
    assert terms(options=private, cache_control="max-age=60, s-maxage=30").lifetime == 60


POLICIES = [
    (200, {"ttl": "5s"}, {}, 5),
    (200, {"ttl": "5s"}, {"cache_control": "max-age=9"}, 9),
    (404, {"ttl": "5s"}, {}, None),
    (404, {"negative": {404: "3s"}}, {}, 3),
    (404, {"negative": {404: "3s"}}, {"cache_control": "max-age=9"}, 9),
    (200, {"heuristic": True}, {"last_modified": at(-100)}, 10),
    (200, {"heuristic": True}, {"last_modified": at(-10_000_000)}, 86400),
    (200, {"heuristic": True, "ttl": "5s"}, {}, 5),
    (200, {}, {"last_modified": at(-100)}, 0),
    (302, {"ttl": "5s"}, {}, None),
    (302, {}, {"cache_control": "max-age=9"}, 9),
    (599, {}, {"cache_control": "max-age=9"}, 9),
    (206, {}, {"cache_control": "max-age=9"}, None),
]


@pytest.mark.parametrize(("status", "options", "fields", "lifetime"), POLICIES)
def test_the_policy_speaks_where_the_answer_does_not(status, options, fields, lifetime) -> None:
    found = terms(status, options, **fields)
    assert (found.lifetime if isinstance(found, Terms) else None) == lifetime


def test_a_status_that_the_policy_names_may_be_kept_whatever_it_is() -> None:
    assert terms(429, {"negative": {429: "1s"}}).lifetime == 1


def test_a_targeted_field_stands_for_cache_control_and_expires_where_the_policy_names_it() -> None:
    said = {"cdn_cache_control": "max-age=9", "cache_control": "no-store", "expires": at(50)}
    assert terms(**said) == "no-store"
    assert terms(options={"targeted": ["CDN-Cache-Control"]}, **said).lifetime == 9
    said["cdn_cache_control"] = "max-age=&"
    assert terms(options={"targeted": ["CDN-Cache-Control"]}, **said) == "no-store"
    said = {"cdn_cache_control": "must-revalidate", "etag": '"1"', "expires": at(50)}
    assert terms(options={"targeted": ["CDN-Cache-Control"]}, **said).lifetime == 0


def test_must_understand_outweighs_no_store_where_the_status_is_understood() -> None:
    assert terms(cache_control="must-understand, no-store, max-age=9").lifetime == 9
    assert terms(299, cache_control="must-understand, no-store, max-age=9") == "no-store"
    assert terms(299, cache_control="must-understand, max-age=9") == "must-understand"


def test_no_cache_is_kept_to_be_asked_after_and_only_then() -> None:
    found = terms(cache_control="no-cache, max-age=9", etag='"1"')
    assert (found.validate, found.strict) == (True, True)
    assert terms(cache_control="no-cache, max-age=9") == "no-freshness"


def test_stale_is_allowed_by_the_answer_else_by_the_policy() -> None:
    allowing = {"stale_if_error": "7s", "stale_while_revalidate": "8s"}
    told = terms(options=allowing, cache_control="max-age=9, stale-if-error=1, stale-while-revalidate=0")
    assert (told.stale_if_error, told.stale_while_revalidate) == (1, 0)
    untold = terms(options=allowing, cache_control="max-age=9")
    assert (untold.stale_if_error, untold.stale_while_revalidate) == (7, 8)


AGES = [
    ({}, 0, 0),
    ({b"date": [text(NOW - 10)]}, 0, 10),
    ({b"age": [b"30"]}, 2, 32),
    ({b"age": [b"5"], b"date": [text(NOW - 10)]}, 2, 10),
    ({b"date": [text(NOW + 10)]}, 0, 0),
    ({b"age": [b"0, 0"]}, 0, 2**31),
    ({b"age": [b"0", b"0"]}, 0, 2**31),
    ({b"age": [b"-1"]}, 0, 2**31),
    ({b"date": [b"yesterday"]}, 0, 0),
]


@pytest.mark.parametrize(("fields", "took", "age"), AGES)
def test_an_answer_is_as_old_as_any_of_its_words_makes_it(fields, took, age) -> None:
    assert NOW - born(fields, NOW - took, NOW) == age
