from __future__ import annotations

from gateway.testing import exchange
from plugins.cache.entry import Entry
from plugins.cache.flights import Flights, Landing
from plugins.cache.keys import Asked
from plugins.cache.visit import Visit


def visit(**said) -> Visit:
    kept = Entry(*("k", "u", "", 200, [], b"", 0.0, 0.0, 60.0, 1e9), **said)
    return Visit(Asked("r p u", "p", []), "stale", 0.0, kept)


def test_what_it_leads_ends_once() -> None:
    flights, leading = Flights(lambda: 0.0), visit()
    leading.flight = flights.begin("k")
    leading.land(Landing.LOOK)
    leading.land(Landing.GO)
    assert flights.begin("k") is not None


async def test_one_that_ends_without_a_word_leaves_its_flight() -> None:
    flights, leading = Flights(lambda: 0.0), visit()
    leading.flight = flights.begin("k")
    await leading.leave()
    await leading.leave()
    assert flights.join("k") is None


def test_it_keeps_the_request_as_it_was_where_it_asks_only_whether_an_etag_changed() -> None:
    asking, asked = visit(etag=b'"1"'), exchange("GET", "/")
    asking.ask_only_if_changed(asked)
    assert asking.validating
    assert "if-none-match" in asked.request.headers
    assert asking.plain is not None
    assert "if-none-match" not in asking.plain.request.headers
    plain = visit()
    plain.ask_only_if_changed(asked)
    assert (plain.validating, plain.plain) == (False, None)
