"""Spellings: what a text says once it is read as URLs, JSON, HTML, Python and careless readers of UTF-8 write it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import unquote

_ESCAPE = re.compile(r"\\+u([0-9a-fA-F]{4})")
_BYTES = re.compile(r"(?:\\+x[0-9a-fA-F]{2})+")


def readings(text: str) -> Iterator[str]:
    """What else it spells, the plainest last; decoded twice, as some are written twice.  Nothing for most texts."""
    for _ in range(2):
        spelled = unquote(text) if "%" in text else text
        if "\\" in spelled:
            spelled = _ESCAPE.sub(lambda found: chr(int(found[1], 16)), spelled)
            spelled = _BYTES.sub(_of_bytes, spelled)
        if "&#" in spelled:
            spelled = unescape(spelled)
        if not spelled.isascii():
            spelled = _as_utf8(spelled)
        if spelled == text:
            return
        text = spelled
        yield text


def _of_bytes(found: re.Match[str]) -> str:
    return bytes.fromhex(re.sub(r"\\+x", "", found[0])).decode("utf-8", "replace")


def _as_utf8(text: str) -> str:
    """Header fields are read as Latin-1, whatever they are written in."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text
