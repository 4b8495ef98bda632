"""W3C Trace Context (https://www.w3.org/TR/trace-context/): read, continued or begun, and written."""

from __future__ import annotations

import re
from dataclasses import dataclass
from random import getrandbits

_TRACEPARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_ZERO_TRACE, _ZERO_SPAN = "0" * 32, "0" * 16


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
    span_id = f"{getrandbits(64) or 1:016x}"
    if traceparent is not None and (found := _TRACEPARENT.fullmatch(traceparent)):
        version, trace_id, parent_id, flags, rest = found.groups()
        if version != b"ff" and not (version == b"00" and rest):
            trace, parent = trace_id.decode(), parent_id.decode()
            if trace != _ZERO_TRACE and parent != _ZERO_SPAN:
                return Trace(trace, span_id, parent, bool(int(flags, 16) & 1))
    number = getrandbits(128) or 1
    # the low 56 bits decide, as the TraceIdRatioBased sampler of OpenTelemetry does
    return Trace(f"{number:032x}", span_id, None, (number & 0xFFFFFFFFFFFFFF) < sample * (1 << 56))
