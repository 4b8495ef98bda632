"""What a text may become on its way to whoever interprets it: each decoding, in bounded rounds."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from unicodedata import normalize
from urllib.parse import unquote_to_bytes

ROUNDS = 4
"""How often a text is decoded; what is still encoded then is not what any backend would decode by accident."""

_PERCENT = re.compile("%[0-9a-f]{2}", re.IGNORECASE)
_UTF16 = re.compile(r"%u([0-9a-f]{4})", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|u\{0*([0-9a-f]{1,6})\}|x([0-9a-f]{2})|0*([0-7]{2,3}))", re.IGNORECASE)
_OVERLONG = re.compile(rb"[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f][\x80-\xbf]|\xf0[\x80-\x8f][\x80-\xbf]{2}")
_QUOTES = str.maketrans({**dict.fromkeys("‘’ʼ′", "'"), **dict.fromkeys("“”″", '"'), "–": "--", "—": "--"})
_FOLDING = "\u017f\u212a\u2013\u2014\u2018-\u201f\u2032-\u2036\u02b9-\u02bc\uff01-\uff5e\ufe50-\ufe6f\u2460-\u24ff\U0001d400-\U0001d7ff"
"""Characters that compatibility folding, or the best fit of an old code page, makes ASCII."""

TRIGGER = rf"%[0-9a-fu]|&(?:#|[a-z]{{2,}}\d*;|(?:lt|gt|quot|amp)\b)|\\[ux0-7]|[{_FOLDING}]"
"""What lower text has where a decoding may change it."""

_MARKS = re.compile(TRIGGER, re.IGNORECASE)


def encoded(text: str) -> bool:
    """Whether any decoding may change it."""
    return _MARKS.search(text) is not None


def forms(text: str) -> Iterator[str]:
    """The text, and what each round of decoding makes of it."""
    yield text
    for _ in range(ROUNDS):
        if not encoded(text):
            return
        decoded = _decoded(text)
        if decoded == text:
            return
        text = decoded
        yield text


def _decoded(text: str) -> str:
    if "%" in text:
        text = _percent(text)
    if "&" in text:
        text = html.unescape(text)
    if "\\" in text:
        text = _ESCAPE.sub(_character, text)
    return text if text.isascii() else normalize("NFKC", text.translate(_QUOTES))


def _percent(text: str) -> str:
    text = _UTF16.sub(lambda match: chr(int(match[1], 16)), text)
    if _PERCENT.search(text) is None:
        return text
    raw = unquote_to_bytes(text.replace("+", " ").encode("utf-8", "surrogatepass"))
    shortest = _OVERLONG.sub(_shortest, raw)
    try:
        return shortest.decode()
    except UnicodeDecodeError:
        return shortest.decode("latin-1")  # as a backend of an older code page would read it


def _shortest(match: re.Match[bytes]) -> bytes:
    """The character that an overlong form stands for, as a decoder that does not check would read it."""
    first, *rest = match[0]
    point = first & (0x3F >> len(rest))
    for byte in rest:
        point = point << 6 | byte & 0x3F
    return chr(point).encode()


def _character(match: re.Match[str]) -> str:
    digits, base = next((group, 16 if number < 4 else 8) for number, group in enumerate(match.groups(), 1) if group)
    point = int(digits, base)
    return chr(point) if point <= 0x10FFFF else match[0]
