from __future__ import annotations

from gateway import BEGINNINGS, Headers, Request, Response
from plugins.cache.answers import answer, forwarded, hit, put, tell, validating
from plugins.cache.entry import Entry
from plugins.cache.fields import pieces_in
from plugins.cache.keys import Asked

ETAG = [BEGINNINGS[b"etag"], b'"1"']


def entry(**said) -> Entry:
    return Entry(*("k", "u", "", 200, list(ETAG), b"body", 0.0, 0.0, 60.0, 1e9), **said)


def test_what_is_kept_is_given_with_its_age_and_why() -> None:
    kept = entry()
    given = answer(kept, Asked("r p u", "p", []), 7.9, hit(kept, 7.9))
    assert dict(given.headers) == {"etag": '"1"', "age": "7", "cache-status": "Payguard; hit; ttl=52"}
    assert given.body.data is kept.body
    assert kept.pieces == ETAG
    assert "cache-status" not in answer(kept, Asked("r p u", "p", []), 0, None).headers
    assert answer(kept, Asked("r p u", "p", []), -5, None).headers["age"] == "0"


def test_why_an_answer_was_asked_for_is_said_in_the_words_of_the_standard() -> None:
    assert forwarded("stale", status=304, stored=True, collapsed=True, detail="x") == (
        b"Payguard; fwd=stale; fwd-status=304; stored; collapsed; detail=x"
    )
    assert forwarded("miss") == b"Payguard; fwd=miss"


def test_it_joins_what_caches_before_said() -> None:
    for response in (
        Response(200, pieces=[BEGINNINGS[b"cache-status"], b"Origin; hit"]),
        Response(200, headers=Headers(raw=[(b"cache-status", b"Origin; hit")])),
    ):
        tell(response, b"Payguard; fwd=miss")
        assert response.headers.getlist("cache-status") == ["Origin; hit", "Payguard; fwd=miss"]


def test_a_request_asks_only_whether_what_is_kept_has_changed() -> None:
    pieces = [BEGINNINGS[b"host"], b"shop", BEGINNINGS[b"if-none-match"], b'"theirs"']
    for request in (Request("GET", "/", pieces=pieces), Request("GET", "/", headers=Headers(raw=[(b"host", b"shop")]))):
        assert validating(request, entry(etag=b'"1"', last_modified=b"then"))
        assert dict(request.headers) == {"host": "shop", "if-none-match": '"1"', "if-modified-since": "then"}
    assert not validating(Request("GET", "/", pieces=pieces), entry())


def test_fields_are_put_in_the_form_that_the_request_has() -> None:
    looked_at = Request("GET", "/", headers=Headers(raw=[(b"host", b"shop")]))
    put(looked_at, list(ETAG))
    assert pieces_in(looked_at) == ETAG
