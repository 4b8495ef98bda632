"""Stripe's form encoding, ``card[number]=…``, taken apart and put together again."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlencode

Pairs = list[tuple[str, str]]


def parse(body: bytes) -> Pairs:
    return parse_qsl(body.decode(), keep_blank_values=True)


def encode(pairs: Pairs) -> bytes:
    return urlencode(pairs).encode()


def split(pairs: Pairs, name: str) -> tuple[Pairs, Pairs]:
    """Those of ``name`` and of ``name[…]``, and the rest."""
    inside = [pair for pair in pairs if pair[0] == name or pair[0].startswith(f"{name}[")]
    return inside, [pair for pair in pairs if pair not in inside]


def unwrap(pairs: Pairs, name: str) -> Pairs:
    """``name[card][number]`` becomes ``card[number]``: what was a field becomes a form."""
    prefix = f"{name}["
    return [(key.removeprefix(prefix).replace("]", "", 1), value) for key, value in pairs if key.startswith(prefix)]
