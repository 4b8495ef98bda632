"""Places in a request, as policies name them: ``/items/*/note``, ``query:q``, ``header:x-*``."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

PLACES = ("query", "header", "cookie", "form", "file", "xml")
WHOLE = ("path", "body")

_NAMED = re.compile(rf"(?:{'|'.join(PLACES)}):.+")
_BAD_ESCAPE = re.compile(r"~(?![01])")


def _place(at: str) -> str:
    if at.startswith("/"):
        if _BAD_ESCAPE.search(at):
            raise ValueError("in a JSON pointer ~ is written ~0 and / is written ~1")
    elif at not in WHOLE and not _NAMED.fullmatch(at):
        raise ValueError(f"a field is a JSON pointer (/items/*/note), {', '.join(WHOLE)}, or one of {_examples()}")
    return at


def _examples() -> str:
    return ", ".join(f"{place}:name" for place in PLACES)


Place = Annotated[str, AfterValidator(_place), Field(examples=["/items/*/note", "query:q", "header:x-note"])]
"""Where texts stand.  ``*`` is any one name, or a part of one, and ``**`` at the end whatever is below."""


def pattern(at: str) -> re.Pattern[str]:
    """What the names of the fields at ``at`` look like."""
    rest, below = (at.removesuffix("/**"), "(?:/.*)?") if at.endswith("/**") else (at, "")
    written = "[^/]*".join(map(re.escape, rest.split("*")))
    folded = re.IGNORECASE if at.startswith("header:") else 0
    return re.compile(written + below, re.DOTALL | folded)
