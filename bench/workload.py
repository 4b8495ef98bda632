"""What is asked: a payment of 600 bytes, and reading one back; and what the origin answers."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from itertools import count
from string import ascii_lowercase
from typing import Any

HOST = "payments.example"
BODY_BYTES = 600

_KEYS = "bench-" + "".join(secrets.choice(ascii_lowercase) for _ in range(16))
_count = count()


@dataclass(frozen=True)
class Workload:
    """One kind of request: the same bytes every time, but for the idempotency key that an unsafe one has of its own."""

    name: str
    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @property
    def keyed(self) -> bool:
        return self.method == "POST"

    def encode(self) -> bytes:
        """The request as HTTP/1.1 on the wire, its key a new one."""
        lines = [f"{self.method} {self.path} HTTP/1.1", f"Host: {HOST}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        if self.keyed:
            lines.append(f"Idempotency-Key: {_KEYS}-{next(_count):010d}")
        if self.body:
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


def _padded(document: dict[str, Any], size: int) -> bytes:
    """``document`` as compact JSON of exactly ``size`` bytes: its description is repeated until it fits."""
    bare = len(json.dumps(document | {"description": ""}, separators=(",", ":")))
    words = (document["description"] + " ") * size
    return json.dumps(document | {"description": words[: size - bare]}, separators=(",", ":")).encode()


_PAYMENT = {
    "amount": 4200,
    "currency": "eur",
    "customer": "cus_4QFOF3xrvBT2nU",
    "receipt_email": "ada.lovelace@example.com",
    "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2034},
    "billing": {"name": "Ada Lovelace", "line1": "12 St James Square", "city": "London", "country": "GB"},
    "metadata": {"order": "A-1049-77", "channel": "web"},
    "description": "Two tickets for the evening show on Friday in row seven with the programme included",
}

_IDENTITY = (("X-User-Id", "bench"), ("Accept", "application/json"), ("User-Agent", "payguard-bench"))

POST = Workload(
    "POST 600 bytes",
    "POST",
    "/v1/payments",
    (*_IDENTITY, ("Content-Type", "application/json")),
    _padded(_PAYMENT, BODY_BYTES),
)
GET = Workload("GET", "GET", "/v1/invoices/in_3MtwBwLkdIwHu7ix28a3tqPa", _IDENTITY)
WORKLOADS = (POST, GET)

ANSWER = json.dumps(
    {
        "id": "pay_3MtwBwLkdIwHu7ix28a3tqPa",
        "object": "payment",
        "status": "succeeded",
        "amount": 4200,
        "currency": "eur",
        "created": 1767225600,
        "customer": "cus_4QFOF3xrvBT2nU",
        "charge": {"id": "ch_3MtwBwLkdIwHu7ix0kVv9Dxq", "captured": True, "refunded": False},
        "metadata": {"order": "A-1049-77", "channel": "web"},
    },
    separators=(",", ":"),
).encode()
"""About 300 bytes."""
