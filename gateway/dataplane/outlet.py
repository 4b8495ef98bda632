"""The way out to one client: what is written, how much of it waits, and whether anybody reads."""

from __future__ import annotations

import asyncio
from time import monotonic

from gateway.dataplane.joined import Joined


class Outlet:
    """A client's transport as its answers see it.  After ``lose`` everything is a no-op."""

    __slots__ = ("_joined", "_loop", "_pending", "_transport", "_unwritten", "_unwritten_since", "_writable")

    def __init__(self, loop: asyncio.AbstractEventLoop, joined: Joined) -> None:
        self._loop = loop
        self._joined = joined
        self._pending = b""
        self._transport: asyncio.Transport | None = None
        self._writable: asyncio.Future[None] | None = None
        self._unwritten = 0
        self._unwritten_since = 0.0

    @property
    def open(self) -> bool:
        return self._transport is not None

    @property
    def full(self) -> bool:
        """Whether the client has not read enough of what was written."""
        return self._writable is not None

    @property
    def reading(self) -> bool:
        """Whether what the client sends is being read."""
        return self._transport is not None and self._transport.is_reading()

    def connect(self, transport: asyncio.Transport) -> None:
        self._transport = transport

    def lose(self) -> None:
        self._transport = None
        self._pending = b""
        self.resume()

    def write_soon(self, data: bytes) -> None:
        """Write at the end of this turn of the loop; before anything that is written, ended or closed after it."""
        if not self._pending:
            self._joined.at_end(self.flush, self._loop)
        self._pending += data

    def flush(self) -> None:
        if self._pending:
            data, self._pending = self._pending, b""
            self.write(data)

    def write(self, data: bytes) -> None:
        self.flush()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    async def drained(self) -> None:
        """Until the client has read enough of what was written."""
        if self._writable is not None:
            await asyncio.shield(self._writable)

    def pause(self) -> None:
        self._writable = self._loop.create_future()
        self._unwritten = 0
        self._unwritten_since = monotonic()

    def resume(self) -> None:
        if self._writable is not None:
            if not self._writable.done():
                self._writable.set_result(None)
            self._writable = None

    def pause_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def end(self) -> None:
        """Say that nothing follows; what the client still sends can be read."""
        self.flush()
        if self._transport is None:
            return
        if self._transport.can_write_eof():
            self._transport.write_eof()
        else:
            self._transport.close()

    def close(self) -> None:
        self.flush()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        self._pending = b""
        if self._transport is not None:
            self._transport.abort()

    def expire(self) -> None:
        """Close it; where it closes already, the client does not read the last of its answer."""
        if self._transport is not None and self._transport.is_closing():
            self._transport.abort()
        else:
            self.close()

    def sweep(self, now: float, timeout: float) -> None:
        """A client must read something within ``timeout``."""
        if self._transport is None:
            return
        unwritten = self._transport.get_write_buffer_size()
        if unwritten != self._unwritten:
            self._unwritten, self._unwritten_since = unwritten, now
        elif now - self._unwritten_since > timeout:
            self._transport.abort()
