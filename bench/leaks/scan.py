"""The scan: looks for numbers in what was written, however it is spelled.  It shares no code with what masks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from html import unescape
from pathlib import Path

_CHUNK, _OVERLAP = 1 << 20, 512
_DIGITS = re.compile(r"\d(?:[\W_]{0,4}\d){12,}")
_PERCENT = re.compile(r"%([0-9A-Fa-f]{2})")
_JSON = re.compile(r"\\+u([0-9A-Fa-f]{4})")
_HEX_BYTES = re.compile(r"(?:\\+x[0-9A-Fa-f]{2})+")
_LENGTHS = range(13, 20)


class Scan:
    """Of these ``numbers``, whatever stands between their digits, up to four characters that are no letters."""

    def __init__(self, numbers: Collection[str]) -> None:
        self._numbers = frozenset(numbers)
        self._lengths = sorted({len(number) for number in numbers} & {*_LENGTHS})

    def text(self, text: str) -> set[str]:
        """Those that stand in it."""
        return {number for spelled in _spellings(text) for number in self._plainly(spelled)}

    def file(self, path: Path) -> set[str]:
        """Of any kind: bytes that are no text are nothing to it."""
        found, before = set[str](), b""
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                found |= self.text((before + chunk).decode("utf-8", "replace"))
                before = chunk[-_OVERLAP:]
        return found

    def _plainly(self, text: str) -> Iterator[str]:
        for run in _DIGITS.finditer(text):
            digits = "".join(str(int(each)) for each in run[0] if each.isdecimal())
            for length in self._lengths:
                for at in range(len(digits) - length + 1):
                    if digits[at : at + length] in self._numbers:
                        yield digits[at : at + length]


def _spellings(text: str) -> Iterator[str]:
    """As it stands, and decoded twice: what was Latin-1 to a reader may have been UTF-8."""
    for _ in range(3):
        yield text
        spelled = _PERCENT.sub(lambda found: f"\\x{found[1]}", text)
        spelled = _HEX_BYTES.sub(_utf8, spelled)
        spelled = unescape(_JSON.sub(lambda found: chr(int(found[1], 16)), spelled))
        spelled = re.sub(r"[\u0080-\u00ff]{2,}", _mistaken, spelled)
        if spelled == text:
            return
        text = spelled


def _utf8(found: re.Match[str]) -> str:
    return bytes.fromhex(re.sub(r"\\+x", "", found[0])).decode("utf-8", "replace")


def _mistaken(found: re.Match[str]) -> str:
    try:
        return found[0].encode("latin-1").decode()
    except UnicodeError:
        return found[0]
