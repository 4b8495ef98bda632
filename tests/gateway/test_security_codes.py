from __future__ import annotations

import gzip
import json
import zlib
from typing import Any
from urllib.parse import quote

import pytest

from gateway.security_codes import held, is_plain_code, names_code

PLAIN = [(b"content-type", b"application/json")]


def holds(document: Any) -> bool:
    return held(b"POST /v1/payments", PLAIN, json.dumps(document).encode())


@pytest.mark.parametrize(
    "document",
    [
        {"card": {"number": "tok_1", "cvc": "123"}},
        {"card": {"CVV2": 1234}},
        {"cards": [{"x": {"security-code": "012"}}]},
        {"card": {"cvc": 12}},
        {"card": {"cvc": {"value": "123"}}},
        {"cvc": ["123"]},
        {"cardVerificationValue": "999"},
        {"cid": "1234"},
        {"card": {"cvc": "pg1.k1.R2VoZWlt"}},
        {"description": "card 4111111111111111 cvc 123"},
        {"description": "the CVV is: 123"},
        {"description": "amex, my cid 1234"},
    ],
)
def test_a_security_code_is_found_wherever_its_name_stands_beside_it(document: Any) -> None:
    assert holds(document)


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"card": {"cvc_check": "pass"}},
        {"cvc": None, "cvc_provided": True},
        {"cvc": ""},
        {"cvvResult": "1 Matches"},
        {"decided": "123", "cidr": "10.0.0.0/8", "incident": 1234},
        {"description": "send the cvc code to 12345"},
        {"amount": 123, "code": "insufficient_funds"},
    ],
)
def test_what_is_no_code_is_none(document: Any) -> None:
    assert not holds(document)


def test_a_name_that_json_escapes_is_found() -> None:
    assert held(b"POST /", PLAIN, rb'{"\u0063vc": "123"}')


@pytest.mark.parametrize(
    "body",
    [
        b"card%5Bcvc%5D=123&amount=5",
        b"card[cvc]=123",
        b"%63vc=123",
        b"a=1&cid=123",
        b"<card><cvc>123</cvc></card>",
        b'--x\r\nContent-Disposition: form-data; name="cvc"\r\n\r\n123\r\n--x--',
        b"{broken json, cvc: 123",
        quote("note=cvc 123").encode(),
    ],
)
def test_it_is_found_in_forms_and_texts(body: bytes) -> None:
    assert held(b"POST /", [], body)


def test_it_is_found_beside_the_path_and_in_a_header() -> None:
    assert held(b"POST /v1/payments?cvc=123", [], b"")
    assert held(b"POST /v1/payments", [(b"x-card-cvc", b"123")], b"")


@pytest.mark.parametrize(("coding", "pack"), [(b"gzip", gzip.compress), (b"deflate", zlib.compress)])
def test_it_is_found_in_what_was_packed(coding: bytes, pack: Any) -> None:
    headers = [(b"content-encoding", coding)]
    assert held(b"200", headers, pack(b'{"cvc": "123"}'))
    assert not held(b"200", headers, pack(b'{"cvc_check": "pass"}'))


@pytest.mark.parametrize(
    ("coding", "body"),
    [(b"br", b"\x8b\x00\x80"), (b"gzip", b"no gzip"), (b"gzip", gzip.compress(b"cut off", mtime=0)[:-3])],
)
def test_what_cannot_be_unpacked_may_hold_one(coding: bytes, body: bytes) -> None:
    assert held(b"200", [(b"content-encoding", coding)], body)


@pytest.mark.parametrize("name", ["cvc", "card[cvc]", "card.cvc", "cardCvcNumber", "CARD-CODE", "card_security_code"])
def test_names_of_codes_are_known_in_every_spelling(name: str) -> None:
    assert names_code(name)
    assert not names_code(f"un{name[:2]}")


@pytest.mark.parametrize(("value", "code"), [("123", True), (" 1234 ", True), (12, True), ("12345", False), (5, False)])
def test_a_code_has_three_or_four_digits(value: Any, code: bool) -> None:
    assert is_plain_code(value) is code
