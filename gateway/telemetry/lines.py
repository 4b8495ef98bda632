"""Lines on their way out: a thread of their own writes them, so that no reader of ours can stop the event loop."""

from __future__ import annotations

import asyncio
import atexit
import os
import select
import threading
from queue import SimpleQueue
from typing import TypeAlias

_Batch: TypeAlias = tuple[bytes, int]  # and how many lines it is
_AT_EXIT = 2.0


class Lines:
    """Writes whole lines, each with its line feed, to a file descriptor.

    ``put`` is for the event loop: it costs an append, and what was put goes out together, within ``every`` seconds.
    ``say`` is for everybody and goes out at once.  Neither ever waits.  Where the reader does not keep up, or is gone,
    lines beyond ``most`` are dropped and counted.  ``close``, and the end of the process, see to it that what was
    taken is written, as far as its reader takes it in time.
    """

    def __init__(self, fd: int = 1, *, most: int = 10_000, batch: int = 200, every: float = 0.1) -> None:
        self.terminal = os.isatty(fd)
        self._fd = fd
        self._most = most
        self._batch = batch
        self._every = every
        self._waiting: list[bytes] = []
        self._timer: asyncio.TimerHandle | None = None
        self._handing = threading.Lock()
        self._queue: SimpleQueue[_Batch | None] = SimpleQueue()
        self._writer: threading.Thread | None = None
        # each number is changed by one thread alone, or under the lock; their difference is what waits for the writer
        self._handed = self._settled = 0
        self._unput = self._unsaid = self._unwritten = 0

    @property
    def dropped(self) -> int:
        """How many lines nobody will read."""
        return self._unput + self._unsaid + self._unwritten

    def put(self, line: bytes) -> None:
        waiting = self._waiting
        if len(waiting) + self._handed - self._settled >= self._most:
            self._unput += 1
            return
        waiting.append(line)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self._every, self.flush)
        elif len(waiting) >= self._batch:
            self.flush()

    def say(self, line: bytes) -> None:
        with self._handing:
            if self._handed - self._settled >= self._most:
                self._unsaid += 1
            else:
                self._hand_over((line, 1))

    def flush(self) -> None:
        """Hand over what was put.  On the event loop, or after it."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            with self._handing:
                self._hand_over((b"".join(waiting), len(waiting)))

    async def close(self, within: float = 2.0) -> None:
        """Return when everything is written, or ``within`` seconds later.  What is said from then on goes out too."""
        writer = self._stop()
        if writer is not None:
            await asyncio.get_running_loop().run_in_executor(None, writer.join, within)

    def _stop(self) -> threading.Thread | None:
        self.flush()
        with self._handing:
            writer, self._writer = self._writer, None
            if writer is not None:
                atexit.unregister(self._finish)
                self._queue.put(None)
                self._queue = SimpleQueue()
        return writer

    def _finish(self) -> None:
        if (writer := self._stop()) is not None:
            writer.join(_AT_EXIT)

    def _hand_over(self, batch: _Batch) -> None:
        if self._writer is None:
            # a daemon: where the reader has stalled, the process must be able to end all the same
            self._writer = threading.Thread(target=self._write_all, args=(self._queue,), name="lines", daemon=True)
            self._writer.start()
            atexit.register(self._finish)
        self._handed += batch[1]
        self._queue.put(batch)

    def _write_all(self, queue: SimpleQueue[_Batch | None]) -> None:
        while (batch := queue.get()) is not None:
            data, count = batch
            try:
                self._write(data)
            except OSError:  # the reader has gone, or the disk is full: later lines may fare better
                self._unwritten += count
            self._settled += count

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except BlockingIOError:  # someone who shares the descriptor made it non-blocking
                select.select([], [self._fd], [])
