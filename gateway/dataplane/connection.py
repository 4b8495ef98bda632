"""One connection to an upstream, for one exchange after another."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, cast

import httptools

from gateway.dataplane.answer import Answer
from gateway.dataplane.headers import ANSWERED
from gateway.errors import UpstreamBroken, UpstreamError
from gateway.fields import FRAMING

if TYPE_CHECKING:
    from gateway.dataplane.pool import Pool

HIGH_WATER = 256 << 10
HEADER_BYTES = 64 << 10
LENGTH_DIGITS = 19
TRAILER_BYTES = 256 << 10
"""What may come after the head without being body: trailers, which are dropped, and the framing of chunks."""
UNASKED = "The upstream spoke or left before it was asked"


class Connection(asyncio.Protocol):
    """HTTP/1.1 to one upstream, one exchange at a time.

    ``begin`` starts one; its answer is complete or failed at the end.  The connection returns to its pool by itself
    once the answer is complete and all of the request was written, unless the upstream said more than its answer.
    """

    __slots__ = (
        "_answer",
        "_bodiless",
        "_informational",
        "_paused",
        "_pending",
        "_pool",
        "_socket",
        "_surplus",
        "_trailing",
        "_until_eof",
        "_writable",
        "_written",
        "fresh",
        "idle_since",
        "loop",
        "parser",
        "transport",
    )

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.loop = asyncio.get_running_loop()
        self.parser = httptools.HttpResponseParser(self)
        self.transport: asyncio.Transport | None = None
        self.fresh = True
        self.idle_since = 0.0
        self._answer: Answer | None = None
        self._pending = b""
        self._socket = -1
        self._bodiless = False
        self._informational = False
        self._until_eof = False
        self._surplus = False
        self._trailing = 0
        self._written = True
        self._paused = False
        self._writable: asyncio.Future[None] | None = None

    # the pool's and the upstream's side

    @property
    def usable(self) -> bool:
        return self.transport is not None and not self.transport.is_closing()

    @property
    def quiet(self) -> bool:
        """Whether a request may go on it: it is open, and nothing came on it that the loop has not seen yet.

        What came unasked would be read as the next answer; an end would leave a request in doubt.
        """
        return self.usable and not self._pool.arrivals.on(self._socket, self.loop)

    def begin(self, data: bytes, *, head_only: bool, written: bool) -> Answer:
        """Write the first bytes of a request.

        ``written`` says whether they are all of it, which then is written at the end of this turn of the loop.
        """
        assert self.transport is not None
        self._answer = answer = Answer(self)
        self._bodiless = head_only
        self._written = written
        if written:
            self._pending = data
            self._pool.joined.at_end(self._flush, self.loop)
        else:
            self.transport.write(data)
        return answer

    def _flush(self) -> None:
        """Write the whole request, unless within this turn of the loop it was given up, or the upstream spoke or left.

        A fresh connection has nothing of an exchange before it; of TLS, it may have something that is none of HTTP.
        """
        if not self._pending or self.transport is None or self.transport.is_closing():
            return
        if self.fresh or self.quiet:
            data, self._pending = self._pending, b""
            self.transport.write(data)
        else:
            self.fail(UpstreamBroken(UNASKED))

    async def write(self, data: bytes) -> None:
        """More of the request, as the upstream is ready to read it."""
        if self._writable is not None:
            await asyncio.shield(self._writable)
        if self.transport is None or self.transport.is_closing():
            raise UpstreamBroken("The upstream closed the connection while the request was sent")
        self.transport.write(data)

    def written(self) -> None:
        """All of the request was written."""
        self._written = True
        self._release()

    def fail(self, error: UpstreamError) -> None:
        """The exchange on it ends here, and so does the connection."""
        answer = self._answer
        if answer is not None and not answer.complete and answer.error is None:
            answer.error = error
            answer.wake()
        self.close()

    def leave(self, answer: Answer) -> None:
        """Nobody waits for ``answer`` any more: the connection ends, unless it serves another exchange by now."""
        if self._answer is answer:
            self.close()

    def withdraw(self, answer: Answer) -> bool:
        """Whether nothing of the request for ``answer`` was written; then nothing will be."""
        unwritten = self._answer is answer and bool(self._pending)
        if unwritten:
            self._pending = b""
        return unwritten

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()

    def sweep(self, now: float) -> None:
        if self._answer is not None:
            self._answer.sweep(now)

    def resume(self) -> None:
        if self._paused:
            self._paused = False
            if self.transport is not None and not self.transport.is_closing():
                self.transport.resume_reading()

    # the transport's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is one by its methods only
        if (sock := transport.get_extra_info("socket")) is not None:
            self._socket = sock.fileno()
            self._pool.arrivals.watch(self._socket)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self._socket >= 0:
            self._pool.arrivals.forget(self._socket)
        self.resume_writing()
        answer = self._answer
        if answer is not None and not answer.complete and answer.error is None:
            if answer.head and self._until_eof and exc is None:
                answer.complete = True
            else:
                where = "within" if answer.head else "before"
                answer.error = UpstreamBroken(f"The upstream closed the connection {where} its answer")
            answer.wake()
        self._pool.lost(self)

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None or answer.complete:
            self.close()  # it says more than it was asked: the next exchange must not hear it
            return
        if self._pending:
            self.fail(UpstreamBroken(UNASKED))
            return
        if not answer.head:
            answer.size += len(data)
        self._trailing += len(data)
        try:
            self.parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not answer.complete:
                self.fail(UpstreamBroken(f"The upstream's answer is not HTTP/1.1: {error.__context__ or error}"))
                return
            self._surplus = True
        if answer.head:
            answer.wake()
            if answer.complete:
                self._release()
            elif self._trailing > TRAILER_BYTES:
                self.fail(UpstreamBroken(f"The upstream's answer has more than {TRAILER_BYTES} bytes of trailers"))
        elif answer.size > HEADER_BYTES:
            self.fail(UpstreamBroken(f"The upstream's answer has more than {HEADER_BYTES} bytes of headers"))

    def _release(self) -> None:
        answer = self._answer
        if answer is None or not answer.complete or not self._written:
            return
        self._answer = None
        if answer.keep_alive and not self._surplus and self.usable:
            if self._bodiless:  # the parser still waits for the body that a HEAD does not have
                self.parser = httptools.HttpResponseParser(self)
            self.fresh = False
            self.resume()  # the next answer does not wait until this one's reader has taken all of it
            self._pool.release(self)
        else:
            self.close()

    def pause_writing(self) -> None:
        self._writable = self.loop.create_future()

    def resume_writing(self) -> None:
        if self._writable is not None:
            if not self._writable.done():
                self._writable.set_result(None)
            self._writable = None

    # the parser's callbacks

    def on_message_begin(self) -> None:
        if self._answer is None or self._answer.head:
            self._surplus = True

    def on_header(self, name: bytes, value: bytes) -> None:
        answer = self._answer
        if answer is None or answer.head:
            return  # a trailer
        lower, beginning, judged = ANSWERED[name]
        answer.headers.append((lower, value))
        if beginning is not None:
            answer.pieces += (beginning, value)
        if judged:
            answer.judged.append((lower, value))

    def on_headers_complete(self) -> None:
        answer = self._answer
        if answer is None or answer.head:
            return
        status = self.parser.get_status_code()
        answer.size = 0
        if status < 200:
            if status == 101 or status < 100:
                raise ValueError("it switches protocols, which nobody asked" if status == 101 else "its status is none")
            self._informational = True
            answer.begin()
            return
        framing = [value for name, value in answer.judged if name in FRAMING]
        if framing and not framing[0].isdigit() and (len(framing) > 1 or framing[0].lower() != b"chunked"):
            raise ValueError("its transfer coding is not chunked alone, and nobody asked for another")
        if framing and len(framing[0]) > LENGTH_DIGITS:
            raise ValueError("its Content-Length has more digits than any body has bytes")
        answer.status = status
        answer.head = True
        answer.keep_alive = self.parser.should_keep_alive()
        self._until_eof = not framing
        if self._bodiless:
            answer.complete = True

    def on_body(self, body: bytes) -> None:
        answer = self._answer
        if answer is None or answer.complete:
            self._surplus = True
            return
        answer.chunks.append(body)
        answer.size += len(body)
        self._trailing = 0
        if answer.size > HIGH_WATER and not self._paused and self.usable:
            assert self.transport is not None
            self._paused = True
            self.transport.pause_reading()

    def on_message_complete(self) -> None:
        if self._informational:
            self._informational = False
        elif self._answer is not None and self._answer.head:
            self._answer.complete = True
