"""Look-ups: a URL with blanks, filled in and asked once by GET of somebody who knows; what comes back is bounded."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from string import Formatter
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

if TYPE_CHECKING:
    import httpx

_PLAIN = re.compile(r"[!#$%&'()*+,./0-9:;=?@A-Za-z_~\[\]-]*")

_UNNAMEABLE = frozenset({None, "", ".", ".."})
"""What is missing; and segments that lead elsewhere in a path, encoded or not (RFC 3986 §6.2.2.3)."""

_ASKS = {
    "accept": "application/json",
    "accept-encoding": "identity",  # what grows as it is decoded has no bound
}


class Unclear(Exception):
    """The answer says nothing that can be understood; why."""


def url_template(names: Sequence[str]) -> Callable[[str], str]:
    """What checks a URL whose blanks are among ``names``, as a validator of pydantic's."""

    def checked(url: str) -> str:
        try:
            pieces = list(Formatter().parse(url))
        except ValueError:
            raise ValueError(f"write what is filled in as {{{names[0]}}}, and no other braces") from None
        for text, name, form, conversion in pieces:
            if form or conversion or (name is not None and name not in names):
                raise ValueError(f"{{{name}}} is nothing that a payment has: write one of {{{'}, {'.join(names)}}}")
            if not _PLAIN.fullmatch(text):
                raise ValueError("has characters that no URL holds")
        fixed = urlsplit(url.partition("{")[0])
        if fixed.scheme not in ("http", "https") or not fixed.hostname or ("{" in url and not fixed.path):
            raise ValueError("write http://host:port/path or https://host:port/path, its host without {}")
        if fixed.username is not None:
            raise ValueError("no password stands here: name a secret under headers or bearer")
        return url

    return checked


def blanks(url: str) -> frozenset[str]:
    """What a URL of this kind asks for."""
    return frozenset(name for _, name, _, _ in Formatter().parse(url) if name is not None)


def filled(url: str, values: Mapping[str, object]) -> str | None:
    """The URL with its blanks filled in, percent-encoded; None where a value is missing, or would lead elsewhere."""
    if _UNNAMEABLE.intersection(values.values()):
        return None
    return url.format_map({name: quote(str(value), safe="") for name, value in values.items()})


async def look_up(
    http: httpx.AsyncClient, url: str, headers: Mapping[str, str], *, within: float, most: int
) -> tuple[int, bytes]:
    """The status and the body, asked once, ``within`` seconds; no redirect is followed.

    Unclear where the body has more than ``most`` bytes, or is compressed.  What http raises, and TimeoutError, mean
    that nobody could be asked.
    """
    async with (
        asyncio.timeout(within),
        http.stream("GET", url, headers=_ASKS | dict(headers), follow_redirects=False, timeout=None) as answer,
    ):
        if answer.headers.get("content-encoding", "identity") != "identity":
            raise Unclear("the answer is compressed, though none was asked for")
        body = bytearray()
        async for piece in answer.aiter_raw():
            body += piece
            if len(body) > most:
                raise Unclear(f"the answer is larger than {most} bytes")
        return answer.status_code, bytes(body)


def as_text(value: Any) -> str | None:
    """As a policy writes it: true, 12, paid; None for what is missing, or no single value."""
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
    return None
