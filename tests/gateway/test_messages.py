"""Messages: bytes that stay what they were, and edits that are what goes on."""

from __future__ import annotations

import pytest

from gateway import Headers, InvalidJson, Request, Response
from gateway.testing import streaming


def test_bytes_that_nobody_changed_are_the_bytes_that_go_on() -> None:
    request = Request("POST", "/", body=b'{ "amount":1000 }')

    assert request.json() == {"amount": 1000}
    assert request.body.data == b'{ "amount":1000 }'


def test_an_edit_is_what_goes_on() -> None:
    request = Request("POST", "/", body=b'{ "amount":1000, "card": {"number": "4242"} }')
    request.edit("/card/number", "****")

    assert request.json()["card"] == {"number": "****"}
    assert request.body.data == b'{"amount":1000,"card":{"number":"****"}}'


def test_an_edit_where_there_is_no_place_is_told() -> None:
    with pytest.raises(KeyError):
        Request("POST", "/", body=b"{}").edit("/card/number", "****")


def test_another_body_is_another_document() -> None:
    response = Response(200, body=b'{"a": 1}')
    response.edit("/a", 2)
    response.body = b'{"b": 3}'

    assert response.json() == {"b": 3}
    assert response.body.data == b'{"b": 3}'


def test_header_fields_go_on_in_the_pieces_in_which_they_came_until_somebody_looks() -> None:
    response = Response(200, pieces=[b"\r\nset-cookie: ", b"a=1", b"\r\nset-cookie: ", b"b=2"])
    assert response.pieces is not None

    assert response.headers.getlist("set-cookie") == ["a=1", "b=2"]
    response.headers["x-seen"] = "1"
    assert response.pieces is None
    assert response.headers.raw[-1] == (b"x-seen", b"1")


def test_other_headers_take_the_place_of_those_that_came() -> None:
    request = Request("GET", "/", pieces=[b"\r\na: ", b"1"])
    request.headers = Headers({"b": "2"})

    assert (request.pieces, request.headers.raw) == (None, [(b"b", b"2")])
    assert dict(Request("GET", "/").headers) == {}


def test_a_document_is_parsed_once() -> None:
    request = Request("POST", "/", body=b"{}")

    assert request.json() is request.json()


@pytest.mark.parametrize("body", [b"", b"{", b"{}{}", b"\xff", b"NaN"])
def test_what_is_no_json_is_the_clients_mistake(body) -> None:
    with pytest.raises(InvalidJson):
        Request("POST", "/", body=body).json()


def test_a_body_that_still_streams_is_the_filters_mistake() -> None:
    with pytest.raises(RuntimeError, match="`reads` must name it"):
        Request("POST", "/", body=streaming(b"{}")).json()


def test_a_copy_of_a_message_is_of_its_own() -> None:
    request = Request("POST", "/a", query="b=c", body=b'{"a": 1}')
    copy = request.copy()
    copy.edit("/a", 2)
    copy.headers["x-copy"] = "1"

    assert (copy.method, copy.path, copy.query) == ("POST", "/a", "b=c")
    assert (request.json(), "x-copy" in request.headers) == ({"a": 1}, False)
