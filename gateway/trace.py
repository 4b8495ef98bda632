"""W3C Trace Context (https://www.w3.org/TR/trace-context/): read, continued or begun, and written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import getrandbits

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_ZERO_TRACE, _ZERO_SPAN = b"0" * 32, b"0" * 16


@dataclass(slots=True)
class Trace:
    """Where an exchange stands in its trace.  ``parent_id`` is None where the trace begins here."""

    trace_id: str
    span_id: str
    parent_id: str | None
    sampled: bool

    @property
    def traceparent(self) -> bytes:
        return f"00-{self.trace_id}-{self.span_id}-{'01' if self.sampled else '00'}".encode()


def continue_or_begin(traceparent: bytes | None, sample: float) -> Trace:
    """The trace that ``traceparent`` names, or a new one, of which the share ``sample`` (0 to 1) is sampled.

    A malformed header begins a new trace, as the recommendation asks (§4.3).  Ids need be unique, not secret.
    """
    number = getrandbits(192)
    digits = number.to_bytes(24, "big").hex()
    span_id, trace_id = digits[:16], digits[16:]
    if traceparent is not None and (found := _TRACEPARENT.fullmatch(traceparent)):
        version, given, parent, flags, rest = found.groups()
        if version != b"ff" and not (version == b"00" and rest) and given != _ZERO_TRACE and parent != _ZERO_SPAN:
            return Trace(given.decode(), span_id, parent.decode(), bool(int(flags, 16) & 1))
    # the low 56 bits decide, as the TraceIdRatioBased sampler of OpenTelemetry does
    return Trace(trace_id, span_id, None, (number & 0xFFFFFFFFFFFFFF) < sample * (1 << 56))
