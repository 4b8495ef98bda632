"""What a text may become on its way to whoever interprets it: each decoding, in bounded rounds."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from functools import lru_cache
from unicodedata import normalize
from urllib.parse import unquote_to_bytes

ROUNDS = 4
"""How often a text is decoded; what is still encoded then is not what any backend would decode by accident."""

_FOLDING = (
    r"\x{17f}\x{212a}\x{2013}\x{2014}\x{2018}-\x{201f}\x{2032}-\x{2036}\x{2b9}-\x{2bc}\x{ff01}-\x{ff5e}"
    r"\x{fe50}-\x{fe6f}\x{2460}-\x{24ff}\x{1d400}-\x{1d7ff}"
)
"""Characters that compatibility folding, or the best fit of an old code page, makes ASCII."""

TRIGGER = rf"%[0-9a-f][0-9a-f]|%u[0-9a-f]|&(?:#|[a-z]+[0-9]*;|(?:lt|gt|quot|amp)\b)|\\[ux0-7]|[{_FOLDING}]"

_PERCENT = re.compile("%[0-9a-f]{2}", re.IGNORECASE)
_UTF16 = re.compile("%u([0-9a-f]{4})", re.IGNORECASE)
_ESCAPE = re.compile(r"\\(?:u[0-9a-f]{4}|u\{[0-9a-f]{1,8}\}|x[0-9a-f]{2}|[0-7]{2,3})", re.IGNORECASE)
_ENTITY = re.compile(r"&(?:#[0-9]+;?|#x[0-9a-f]+;?|[^\t\n\f <&#;]{1,32};?)", re.IGNORECASE)
_OVERLONG = re.compile(rb"[\xc0\xc1][\x80-\xbf]|\xe0[\x80-\x9f][\x80-\xbf]|\xf0[\x80-\x8f][\x80-\xbf]{2}")
_BEST_FIT = str.maketrans({**dict.fromkeys("‘’ʼ′", "'"), **dict.fromkeys("“”″", '"'), "–": "--", "—": "--"})


LONG = 8192
"""From this length on only the first form and the last are told: what is between them differs from both in little."""


def forms(text: str) -> Iterator[str]:
    """The text, and what each round of decoding makes of it."""
    yield text
    rounds = list(_rounds(text))
    yield from rounds[-1:] if len(text) > LONG else rounds


def _rounds(text: str) -> Iterator[str]:
    for number in range(ROUNDS):
        carried = _carried(text)
        if number == 0 and carried != text and "\\" in carried:
            yield carried  # the escapes in it may be those of a style
        decoded = _decoded(carried)
        if decoded == text:
            return
        text = decoded
        yield text


def _carried(text: str) -> str:
    """Without what a URL or a page would be written with."""
    if "%" in text:
        text = _percent(text)
    if "&" in text:
        text = _ENTITY.sub(lambda match: _entity(match[0]), text)
    return text


def _decoded(text: str) -> str:
    if "\\" in text:
        text = _ESCAPE.sub(lambda match: _character(match[0]), text)
    return text if text.isascii() else normalize("NFKC", text.translate(_BEST_FIT))


def _percent(text: str) -> str:
    text = _UTF16.sub(lambda match: chr(int(match[1], 16)), text)
    if _PERCENT.search(text) is None:
        return text
    shortest = _OVERLONG.sub(_shortest, unquote_to_bytes(text.replace("+", " ").encode("utf-8", "surrogatepass")))
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


_entity = lru_cache(1024)(html.unescape)
"""A long text repeats its entities, and each costs more than to look it up."""


@lru_cache(1024)
def _character(escape: str) -> str:
    digits = escape.lstrip("\\xuXU{").rstrip("}") or "0"
    point = int(digits, 16 if escape[1] in "xuXU" else 8)
    return chr(point) if point <= 0x10FFFF else escape
