"""Document types that make an XML parser fetch or multiply, and null bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .rules import RULES, Hit, Kind

_ENTITY = re.compile(
    r"<!entity\b|<!doctype\s[^>\[]{0,200}\[|<!doctype[^>]{0,200}\b(?:system|public)\s*[\"'](?!-//w3c|about:|http://www\.w3\.org)|<xi:include|xmlns:xi\s*=|<!element|<xsl:\w+|<!attlist|<!notation"
)
TRIGGER = r"<!(?:entity|doctype|element|attlist|notation)|<x(?:i|sl):|xmlns:xi"
TRIGGER_NULL = r"\x00"


def judge(text: str, _kind: Kind) -> Iterator[Hit]:
    """Whether an XML parser that trusts its input would follow the text."""
    if match := _ENTITY.search(text.lower()):
        yield Hit(RULES["xxe.entity"], match[0])


def judge_null(text: str, _kind: Kind) -> Iterator[Hit]:
    """Whether a C string would end before the text does."""
    if (at := text.find("\x00")) >= 0:
        yield Hit(RULES["null_byte.in_text"], text[max(0, at - 20) : at + 20])
