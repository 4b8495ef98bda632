"""SQL injection, by structure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .rules import RULES, Hit, Kind

TRIGGER = (
    r"""['"`][\s)]*(?:[^\w\s'"`]|x?or\b|and\b|union\b|like\b|having\b|order\b)|\d[\s)+]*(?:x?or|and|union|order|having)\b"""
    r"|union\s+(?:all\s+)?select|;\s*(?:drop|insert|update|delete|select|exec|shutdown)\b"
)
_CRUDE = re.compile(
    r"""['"`\d)][\s)]*(?:x?or|and|\|\||&&)[\s('"]*[\w@]+['"\s)]*(?:=|<|>|like)|\bunion\s+(?:all\s+)?select\b.+|['"]\s*(?:--|\#|/\*)\s*$""",
    re.IGNORECASE,
)


def judge(text: str, kind: Kind) -> Iterator[Hit]:
    """What in the text would change the query around it."""
    if match := _CRUDE.search(text):
        yield Hit(RULES["sqli.tautology"], match[0])
