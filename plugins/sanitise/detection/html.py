"""Cross-site scripting, by structure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .rules import RULES, Hit, Kind

TRIGGER = r"<[a-z/!?]|\bon[a-z]+\s*=|(?:java|vb)script:"
_CRUDE = re.compile(
    r"<(?:script|iframe|svg|object|embed)|<[^>]*\bon[a-z]+\s*=|(?:java|vb)script:\s*\w+\(", re.IGNORECASE
)


def judge(text: str, kind: Kind) -> Iterator[Hit]:
    """What in the text would run in the browser that shows it."""
    if match := _CRUDE.search(text):
        yield Hit(RULES["xss.element"], match[0])
