"""The header ``Payguard-Risk``: what the backend is told of a payment that is to be reviewed, and how it is signed."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping

NAME = "payguard-risk"

_WRITTEN = re.compile(r"(score=\d{1,2}, decision=review, id=[a-z]{1,64}, t=\d{1,12}), v1=([0-9a-f]{64})")


def signed(key: bytes, score: int, id: str, at: float) -> str:  # noqa: A002
    """``score=67, decision=review, id=…, t=…, v1=…``: HMAC-SHA256 in hex over all that stands before ``, v1=``.

    ``id`` is the decision's; ``at`` is in seconds since the epoch.
    """
    said = f"score={score}, decision=review, id={id}, t={int(at)}"
    return f"{said}, v1={hmac.digest(key, said.encode(), 'sha256').hex()}"


def verified(key: bytes, header: str, now: float, tolerance: float = 300.0) -> Mapping[str, str] | None:
    """What it says, as a backend reads it; None where it was not signed with this key, or not within ``tolerance``.

    A payment that was held comes with the time at which it was: give it the time that one may wait.
    """
    written = _WRITTEN.fullmatch(header)
    if written is None:
        return None
    expected = hmac.digest(key, written[1].encode(), "sha256").hex()
    if not hmac.compare_digest(expected, written[2]):
        return None
    said = dict(each.split("=", 1) for each in written[1].split(", "))
    return said if abs(now - int(said["t"])) <= tolerance else None
