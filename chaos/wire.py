"""HTTP/1.1 as little as chaos needs it: whole messages with a Content-Length, and what can be told of half a one."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

import orjson

_KEY = re.compile(rb"(?i)\r\nidempotency-key: *([^\r\n]+)\r\n")
_REFERENCE = re.compile(rb'"reference": *"([^"]+)"')


@dataclass(frozen=True, slots=True)
class Request:
    """``size`` is how many bytes it took."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes
    size: int

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    def query(self, name: str) -> str:
        return next(iter(parse_qs(urlsplit(self.target).query).get(name, ())), "")

    def json(self) -> Any:
        return orjson.loads(self.body)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> dict[str, Any]:
        """What it holds; nothing where it is no JSON object."""
        try:
            document = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return document if isinstance(document, dict) else {}


def take_request(data: bytes | bytearray) -> Request | None:
    """The first request in ``data``; None where it is not whole yet."""
    head, separator, rest = bytes(data).partition(b"\r\n\r\n")
    if not separator:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ")
    headers = _fields(lines)
    length = int(headers.get("content-length", "0"))
    if len(rest) < length:
        return None
    return Request(method, target, headers, rest[:length], len(head) + 4 + length)


def glimpse(data: bytes | bytearray) -> tuple[str, str]:
    """The key and the reference, as far as half a request shows them."""
    found = [pattern.search(data) for pattern in (_KEY, _REFERENCE)]
    key, reference = (match[1].decode("latin-1") if match else "" for match in found)
    return key, reference


def _fields(lines: list[str]) -> dict[str, str]:
    pairs = (line.partition(":") for line in lines)
    return {name.lower(): value.strip() for name, _, value in pairs}


def encode_answer(status: int, document: Mapping[str, Any], *, longer: int = 0) -> bytes:
    """``longer`` is how much more than there is it announces."""
    body = orjson.dumps(document)
    head = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body) + longer}\r\n\r\n".encode() + body


def encode_request(method: str, target: str, headers: Mapping[str, str], body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode() + body


class Broken(Exception):
    """No answer came, or none that could be read to its end."""


class Refused(Broken):
    """Nobody listened: nothing was sent."""


async def ask(
    host: str,
    port: int,
    method: str,
    target: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    within: float = 5.0,
) -> Answer:
    """One request on a connection of its own.  Raises Broken, after ``within`` seconds at the latest."""
    try:
        async with asyncio.timeout(within):
            return await _ask(host, port, encode_request(method, target, {"Host": host, **(headers or {})}, body))
    except ConnectionRefusedError:
        raise Refused(f"nobody listens on {port}") from None
    except (OSError, asyncio.IncompleteReadError, ValueError) as error:  # a timeout is an OSError
        raise Broken(f"{type(error).__name__}: {error}") from None


async def _ask(host: str, port: int, request: bytes) -> Answer:
    reader, writer = await asyncio.open_connection(host, port)
    try:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
        fields = _fields(lines)
        length = fields.get("content-length")
        body = await reader.read() if length is None else await reader.readexactly(int(length))
        return Answer(int(first.split(" ")[1]), fields, body)
    finally:
        writer.close()
