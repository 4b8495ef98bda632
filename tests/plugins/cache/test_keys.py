from __future__ import annotations

from gateway.testing import exchange, scope
from plugins.cache.directives import NONE
from plugins.cache.entry import Entry
from plugins.cache.fields import pieces_in
from plugins.cache.keys import KNOWN, Keys, variant_key
from plugins.cache.options import CacheConfig

HOST = {"host": "Shop.example", "x-forwarded-host": "Pay.example", "x-forwarded-proto": "https"}


def keys(**options) -> Keys:
    return Keys("invoices", CacheConfig.model_validate({"partition": "none", **options}), scope().hash)


def asked(made: Keys, path: str = "/v1/x", query: str = "", **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return of(made, exchange("GET", path, query=query, headers={**HOST, **named}))


def of(made: Keys, passing):
    pieces = pieces_in(passing.request)
    return made.asked(made.key(passing, pieces), pieces)


def test_a_key_is_the_route_the_partition_and_the_target_as_the_upstream_is_told_it() -> None:
    assert asked(keys(), query="b=2&a=1").key == "invoices  https://pay.example/v1/x?b=2&a=1"
    plain = of(keys(), exchange("GET", "/v1/x", headers={"host": "shop"}))
    assert plain.uri == "http://shop/v1/x"


def test_parameters_that_make_no_difference_are_left_out_however_they_are_written() -> None:
    made = keys(ignore_query=["utm_*", "session"])
    assert asked(made, query="a=1&utm_source=x&%75tm_medium=y&session=3&b").uri.endswith("/v1/x?a=1&b")
    assert asked(made, query="session=3").uri.endswith("/v1/x")
    assert asked(made, query="my_utm_x=1").uri.endswith("?my_utm_x=1")


def test_a_principal_stands_in_a_key_as_a_digest_that_is_made_once() -> None:
    calls = []
    made = Keys("r", CacheConfig(), lambda purpose, value: calls.append(purpose) or f"1:{value[::-1]}")
    assert made.digest("ada") == made.digest("ada") == "1:ada"[:2] + "ada"[::-1]
    assert calls == ["cache.partition"]
    for number in range(KNOWN + 1):
        made.digest(str(number))
    made.digest("ada")
    assert len(calls) == KNOWN + 3


def test_a_request_without_a_word_for_caches_asks_nothing_special() -> None:
    plain = asked(keys())
    assert (plain.directives, plain.conditional, plain.passes) == (NONE, False, False)


def test_what_it_says_to_caches_is_read() -> None:
    assert dict(asked(keys(), cache_control="no-cache").directives) == {"no-cache": None}
    assert dict(asked(keys(), pragma="no-cache").directives) == {"no-cache": None}
    assert dict(asked(keys(), pragma="other").directives) == {}
    assert asked(keys(request_directives="ignore"), cache_control="no-cache").directives == {}
    assert asked(keys(), if_none_match="x").conditional
    assert asked(keys(), range="bytes=0-1").passes
    assert asked(keys(), if_unmodified_since="x").passes


def test_a_variant_lies_by_the_values_that_select_it_apart_from_one_that_says_nothing() -> None:
    marker = Entry(*("k", "u", "", 0, [], b"", 0.0, 0.0, 0.0, 0.0), vary=(b"accept",), generation="g")
    made = keys()
    values = ["a", "b", "", None]
    found = {variant_key(marker, asked(made, **({} if v is None else {"accept": v})).pieces) for v in values}
    assert len(found) == 4
    assert all(key.startswith("k g ") for key in found)
