"""Security codes: whether a message holds a card's, which nobody may store after authorisation, not even encrypted.

PCI DSS 4.0.1, requirement 3.3.1.2.  A code is told by the name beside it, since three digits alone say nothing.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import orjson

_WHOLE = frozenset({"cid", "cardcid", "csc", "cardcsc", "cvn", "cardcvn", "cvd", "cardcvd", "cardcode"})
_PARTS = ("cvc", "cvv", "securitycode", "cardverification", "verificationvalue")
"""Names, and what stands in names, without - and _, under which a card's security code is sent."""

_WORDS = re.compile(r"[^a-z0-9]+")

_FOLDED = bytes(range(256)).lower()
_APART = b"-_ "
_MARKS = (b"cv", b"csc", b"cid", b"securitycode", b"cardcode", b"verification", b"\\u", b"%")
_NAMES = re.compile(
    rb"cvc|cvv|securitycode|cardcode|cardverification|verificationvalue|(?<![a-z])c(?:id|sc|vn|vd)(?![a-z])"
    rb"|card(?:cid|csc|cvn|cvd)|\\u00|%[2-7][0-9a-f]"
)

_IN_TEXT = re.compile(
    r"(?i:cvc2?|cvv2?|\bcvn2?|\bcsc|\bcid|\bcvd|security[ _-]?code|card[ _-]?code|verification[ _-]?(?:value|code))"
    r"[^0-9A-Za-z]{0,12}(?:(?i:is|was)[^0-9A-Za-z]{1,4})?[0-9]{3,4}(?![0-9A-Za-z])"
)
_CODE = re.compile(r"\s*\d{3,4}\s*")
_SEALED = re.compile(r"(?=\D*\d)\S{8,}")
"""What may be a code, encrypted: a code that is encrypted is stored all the same.  Words, such as a check's result, are
none."""

_LARGEST = 1 << 20

Pairs = Iterable[tuple[bytes, bytes]]


def names_code(name: str) -> bool:
    """Also as ``card[cvc]``, ``card.cvc`` and ``cardCvcNumber``."""
    words = _WORDS.split(name.lower().replace("-", "").replace("_", ""))
    return not _WHOLE.isdisjoint(words) or any(part in word for word in words for part in _PARTS)


def held(start: bytes, headers: Pairs, body: bytes) -> bool:
    """Whether a message holds a security code: in its first line, a header field or its body, JSON, form or text.

    A body in a coding that cannot be undone here, which are all but gzip and deflate, is taken to hold one.
    """
    coding, plain = b"", list[bytes]()
    for name, value in headers:
        if name == b"content-encoding":
            coding = value.strip().lower()
        plain.append(name + b": " + value)
    decoded = _decoded(body, coding)
    if decoded is None:
        return True
    line = b"\n".join((start, *plain))
    return _suspected(b"%b\n%b" % (line, decoded)) and (_in_text(line) or _in_body(decoded))


def _decoded(body: bytes, coding: bytes) -> bytes | None:
    if not body or coding in (b"", b"identity"):
        return body
    if coding not in (b"gzip", b"x-gzip", b"deflate"):
        return None
    try:
        unpacking = zlib.decompressobj(zlib.MAX_WBITS | 32)  # whichever of the two its first bytes tell
        decoded = unpacking.decompress(body, _LARGEST)
    except zlib.error:
        return None
    return decoded if unpacking.eof else None


def _suspected(text: bytes) -> bool:
    """Whether it must be looked at closely; False is certain.  Fixed strings are found ten times faster than names."""
    folded = text.translate(_FOLDED, _APART)
    for mark in _MARKS:
        if folded.find(mark) >= 0:
            return any(_NAMES.search(each) is not None for each in (folded, text.translate(_FOLDED)))
    return False


def _in_body(body: bytes) -> bool:
    try:
        return _in_document(orjson.loads(body), named=False)
    except orjson.JSONDecodeError:
        return _in_text(body)


def _in_text(text: bytes) -> bool:
    spelled = text.decode("utf-8", "replace")
    for _ in range(2):  # some are written as URLs are twice
        pairs = parse_qsl(re.split(r"[?\s]", spelled)[-1] if "?" in spelled else spelled, keep_blank_values=True)
        if _IN_TEXT.search(spelled) or any(names_code(name) and _is_code(value) for name, value in pairs):
            return True
        spelled = unquote_plus(spelled)
    return _IN_TEXT.search(spelled) is not None


def _in_document(value: Any, *, named: bool) -> bool:
    match value:
        case dict():
            return any(_in_document(each, named=named or names_code(name)) for name, each in value.items())
        case list():
            return any(_in_document(each, named=named) for each in value)
        case str():
            return (named and _is_code(value)) or _IN_TEXT.search(value) is not None
        case int():
            return named and not isinstance(value, bool) and is_plain_code(value)
    return False


def is_plain_code(value: str | int) -> bool:
    """Three or four digits; as a number two will do, since JSON drops leading zeros."""
    return 10 <= value <= 9999 if isinstance(value, int) else _CODE.fullmatch(value) is not None


def _is_code(value: str) -> bool:
    return _CODE.fullmatch(value) is not None or _SEALED.fullmatch(value) is not None
