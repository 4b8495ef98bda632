"""What a person writes for durations, sizes and secrets, and what a Config makes of it."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_BYTES = {"": 1, "B": 1, "kB": 1000, "KiB": 1 << 10, "MB": 1000**2, "MiB": 1 << 20, "GB": 1000**3, "GiB": 1 << 30}
_SIZE = re.compile(r"(\d+) ?(B|kB|KiB|MB|MiB|GB|GiB)?")
_REFERENCE = r"(env:[A-Za-z_][A-Za-z0-9_]*|file:/.+)"


def seconds(text: Any) -> Any:
    """``250ms``, ``8s``, ``1.5m``, ``23h`` or ``7d`` as seconds."""
    if isinstance(text, str):
        if not (found := _DURATION.fullmatch(text)):
            raise ValueError(f"write a duration as 250ms, 8s, 15m, 23h or 7d, not {text!r}")
        return float(found[1]) * _SECONDS[found[2]]
    if isinstance(text, bool):
        raise ValueError("write a duration as 250ms, 8s, 15m, 23h or 7d")  # noqa: TRY004 - pydantic turns ValueError into a problem
    if isinstance(text, int | float):
        raise ValueError(f"a duration needs its unit: {text}s, or {text}ms")  # noqa: TRY004 - as above
    return text


def size(text: Any) -> Any:
    """``16KiB`` or ``1MB`` or a plain number of bytes, as bytes."""
    if isinstance(text, str):
        if not (found := _SIZE.fullmatch(text)):
            raise ValueError(f"write a size as 512, 16KiB or 1MB, not {text!r}")
        return int(found[1]) * _BYTES[found[2] or ""]
    if isinstance(text, bool):
        raise ValueError("write a size as 512, 16KiB or 1MB")  # noqa: TRY004 - as above
    return text


def duration_text(seconds: float) -> str:
    """Seconds as a person writes them: in the largest unit that needs no fraction."""
    for unit, factor in reversed(_SECONDS.items()):
        count = round(seconds / factor, 9)
        if count >= 1 and count == int(count):
            return f"{int(count)}{unit}"
    return f"{seconds:.9f}".rstrip("0").rstrip(".") + "s"


def size_text(count: int) -> str:
    """Bytes as a person writes them."""
    for unit in ("GiB", "MiB", "KiB"):
        if count and not count % _BYTES[unit]:
            return f"{count // _BYTES[unit]}{unit}"
    return f"{count}B"


Duration = Annotated[
    float,
    BeforeValidator(seconds),
    PlainSerializer(duration_text, return_type=str, when_used="json"),
    Field(ge=0),
    WithJsonSchema({"type": "string", "pattern": f"^{_DURATION.pattern}$", "examples": ["250ms", "8s", "15m"]}),
]
"""Seconds, written with a unit; in JSON as well."""

Size = Annotated[
    int,
    BeforeValidator(size),
    PlainSerializer(size_text, return_type=str, when_used="json"),
    Field(ge=0),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "pattern": f"^{_SIZE.pattern}$"}]}),
]
"""Bytes, written plain or with a unit; in JSON with one."""

SecretRef = Annotated[str, Field(pattern=f"^{_REFERENCE}$", examples=["env:JWT_KEY", "file:/run/secrets/jwt"])]
"""The name of a secret: ``env:NAME`` or ``file:/path``.  ``scope.secret`` reads it; a policy never holds the value."""
