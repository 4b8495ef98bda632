"""Places: where a client could put a card's number, and the request that does so."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias
from urllib.parse import quote

from bench.leaks.numbers import ASCII_FORMS, FORMS, json_escaped, percent

PAY, OTHER, CARDS, READ = "/v1/payments", "/v1/orders", "/v1/cards", "/v1/invoices"


@dataclass(slots=True)
class Draft:
    """A request; ``target`` and ``headers`` are text in Latin-1 at most, ``body`` bytes as they are sent."""

    id: int
    random: Random
    method: str = "POST"
    target: str = PAY
    headers: dict[str, str] = field(default_factory=dict)
    document: Any = None
    body: bytes | None = None

    def bytes(self) -> bytes:
        body = json.dumps(self.document, ensure_ascii=False).encode() if self.body is None else self.body
        fields = {"Host": "shop.example", "Content-Type": "application/json"} | self.headers
        lines = [f"{self.method} {self.target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
        if self.method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        head = "\r\n".join(lines).encode("utf-8") + b"\r\n\r\n"
        return head + body if self.method == "POST" else head


Place: TypeAlias = Callable[[Draft, str], None]


def draft(id: int, random: Random) -> Draft:  # noqa: A002
    """A payment that is as it should be, without a card."""
    headers = {"X-User-Id": f"user-{id % 5000}", "Idempotency-Key": f"order-{id}"}
    document = {"amount": 1000 + id % 900, "currency": "eur", "customer": f"cus_{id % 700}", "description": "shoes"}
    return Draft(id, random, headers=headers, document=document)


def _text(made: Draft, number: str) -> str:
    return made.random.choice([*FORMS.values()])(number)


def _ascii(made: Draft, number: str) -> str:
    return made.random.choice([*ASCII_FORMS.values()])(number)


def _protected(made: Draft, number: str) -> None:
    made.document["card"] = {"number": made.random.choice([str, FORMS["spaces"], FORMS["dashes"]])(number)}


def _with_code(made: Draft, number: str) -> None:
    made.document["card"] = {"number": number, "cvc": f"{made.random.randrange(1000):03}"}


def _member(*way: str) -> Place:
    def put(made: Draft, number: str) -> None:
        inner: Any = _text(made, number)
        for name in reversed(way[1:]):
            inner = [inner] if name == "*" else {name: inner}
        made.document[way[0]] = inner

    return put


def _sentence(made: Draft, number: str) -> None:
    made.document["description"] = f"call me, the card is {_text(made, number)}, cvc 123, thanks"


def _as_number(made: Draft, number: str) -> None:
    made.document["reference"] = int(number)


def _as_key(made: Draft, number: str) -> None:
    made.document[_text(made, number)] = True


def _as_amount(made: Draft, number: str) -> None:
    made.document["amount"] = made.random.choice([int(number), number, -int(number)])


def _escaped(made: Draft, number: str) -> None:
    document = json.dumps({**made.document, "note": "@"})
    made.body = document.replace("@", json_escaped(number)).encode()


def _broken(made: Draft, number: str) -> None:
    made.body = b'{"amount": 1, "card": ' + number.encode() + b", oops"


def _twice(made: Draft, number: str) -> None:
    made.body = f'{{"amount": 5, "{number}": 1, "{number}": 2, "currency": "eur"}}'.encode()


def _attack(made: Draft, number: str) -> None:
    made.document["description"] = f"{_text(made, number)}' OR 1=1; DROP TABLE payments --"


def _attack_in_key(made: Draft, number: str) -> None:
    made.document[f"{number}' union select password from users --"] = "<script>alert(1)</script>"


def _header(name: str, *, text: bool = False) -> Place:
    def put(made: Draft, number: str) -> None:
        made.headers[name] = (_text if text else _ascii)(made, number)

    return put


def _user_agent(made: Draft, number: str) -> None:
    made.headers["User-Agent"] = f"shop/1.0 ({_text(made, number)})"


def _trace(made: Draft, number: str) -> None:
    number = number[:16].ljust(16, "0")
    trace = made.random.choice([f"{number:0>32}", "ab" * 8 + number, "4bf92f3577b34da6a3ce929d0e0e4736"])
    made.headers["Traceparent"] = f"00-{trace}-{number}-01"


def _secret(made: Draft, number: str) -> None:
    made.headers["Authorization"] = f"Bearer {number}{made.random.getrandbits(64):x}"


def _query(made: Draft, number: str) -> None:
    made.target += f"?note={quote(_text(made, number))}&page=2"


def _query_encoded(made: Draft, number: str) -> None:
    made.target += f"?{percent('card')}={percent(_text(made, number))}"


def _query_twice(made: Draft, number: str) -> None:
    made.target += f"?card={quote(percent(number))}"


def _path(made: Draft, number: str) -> None:
    made.method, made.target, made.body = "GET", f"{OTHER}/{quote(_text(made, number))}", b""


def _path_encoded(made: Draft, number: str) -> None:
    made.method, made.target, made.body = "GET", f"{OTHER}/{percent(number)}", b""


def _form(made: Draft, number: str) -> None:
    made.target, made.headers["Content-Type"] = OTHER, "application/x-www-form-urlencoded"
    made.body = f"amount=5&note={quote(_text(made, number))}&card%5Bcvc%5D=123".encode()


def _plain_text(made: Draft, number: str) -> None:
    made.target, made.headers["Content-Type"] = OTHER, "text/plain"
    made.body = f"order {_text(made, number)} {number}".encode()


def _vault(made: Draft, number: str) -> None:
    made.target = CARDS
    made.document["card"] = {"number": made.random.choice([str, FORMS["spaces"], FORMS["dashes"]])(number)}


def _vault_in_no_card(made: Draft, number: str) -> None:
    made.target = CARDS
    made.document["card"] = {"number": f"no {_text(made, number)}"}


def _vault_customer(made: Draft, number: str) -> None:
    made.target = CARDS
    made.document |= {"customer": _text(made, number), "card": {"number": "4242424242424242"}}


def _no_token(made: Draft, number: str) -> None:
    made.target, made.document["source"] = "/processor/v1/charges", {"number": f"tok_{_text(made, number)}"}


def _cached(made: Draft, number: str) -> None:
    made.method, made.target, made.body = "GET", f"{READ}/{quote(_text(made, number))}", b""
    made.headers["X-Note"], made.headers["X-Trouble"] = _text(made, number), "header"


def _cached_query(made: Draft, number: str) -> None:
    made.method, made.target, made.body = "GET", f"{READ}/in_1?card={quote(_text(made, number))}", b""


def _told(trouble: str) -> Place:
    """The backend repeats it in an answer of this kind."""

    def put(made: Draft, number: str) -> None:
        made.headers["X-Trouble"] = trouble
        made.document["note"] = _text(made, number)

    return put


PLACES: Mapping[str, Place] = {
    "protected field": _protected,
    "protected field, with a security code": _with_code,
    "free text": _sentence,
    "another field": _member("note"),
    "nested field": _member("items", "*", "meta", "deep", "er"),
    "field of the payment: customer": _member("customer"),
    "field of the payment: e-mail": _member("receipt_email"),
    "field of the payment: currency": _member("currency"),
    "field of the payment: amount": _as_amount,
    "JSON number": _as_number,
    "JSON key": _as_key,
    "JSON escapes": _escaped,
    "broken JSON": _broken,
    "key that comes twice": _twice,
    "an attack, in a value": _attack,
    "an attack, in a key": _attack_in_key,
    "form": _form,
    "plain text": _plain_text,
    "header": _header("X-Note", text=True),
    "header: user agent": _user_agent,
    "header: cookie": _header("Cookie"),
    "header: referer": _header("Referer"),
    "header: caller's id": _header("X-User-Id"),
    "header: caller's id, not ASCII": _header("X-User-Id", text=True),
    "header: idempotency key": _header("Idempotency-Key"),
    "header: request id": _header("X-Request-Id"),
    "header: forwarded for": _header("X-Forwarded-For"),
    "header: content type": _header("Content-Type"),
    "header: host": _header("Host"),
    "header: trace": _trace,
    "header: bearer token": _secret,
    "query": _query,
    "query, percent-encoded": _query_encoded,
    "query, percent-encoded twice": _query_twice,
    "path": _path,
    "path, percent-encoded": _path_encoded,
    "field of the vault": _vault,
    "field of the vault, in what is no card": _vault_in_no_card,
    "field of the vault: customer": _vault_customer,
    "field to reveal, in no token": _no_token,
    "path, header and answer of a cached read": _cached,
    "query of a cached read": _cached_query,
    "answer that declines": _told("decline"),
    "answer that fails": _told("fail"),
    "answer in a header": _told("header"),
    "answer that never comes": _told("gone"),
}
