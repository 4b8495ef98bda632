"""Purges among the replicas: told by a stream in Redis, from which one that was away reads on where it had stopped."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from secrets import token_hex
from typing import Any

import orjson
import structlog

from .marks import Prefixes, changed_by
from .reach import Away, Reach
from .sealing import Sealing, Unusable
from .tiers import Purge

log = structlog.get_logger("payguard.cache")

MOST = 10_000
"""Purges that the stream keeps: one that was away for longer lets all of its memory go."""

PREFIXES = 100
"""Purges of prefixes that entries are held against."""

LISTENS = 1.0
"""Seconds for which one read of the stream waits."""

WAITING = 1000
"""Purges that wait to be told while Redis is away; beyond, they become one of everything."""


class Purges:
    """``heard`` is called for each purge of another replica, so that it is done in this process's memory."""

    def __init__(self, heard: Callable[[Purge], object]) -> None:
        self.counts: Counter[str] = Counter()
        self._heard = heard
        self._self = token_hex(8)
        self._waiting: deque[Purge] = deque()
        self._last = b""
        self._reach: Reach | None = None
        self._listening: asyncio.Task[None] | None = None

    def begin(self, reach: Reach, sealing: Sealing, prefix: str, longest: float) -> None:
        self._reach, self._sealing = reach, sealing
        self._stream, self._list = f"{prefix}purges", f"{prefix}prefixes"
        self._keep = int(longest * 1000) + 60_000  # a mark outlives what it is held against

    @property
    def waiting(self) -> int:
        """How many the other replicas have not been told of, because Redis is away."""
        return len(self._waiting)

    async def tell(self, what: Purge, name: Callable[[str], str]) -> None:
        """Change the marks, and tell the others: at once, or once Redis is back."""
        self._name = name
        if self._reach is not None:
            try:
                await self._reach.call(lambda cache: self._write(cache, what))
            except Away:
                self._keep_waiting(what)

    def _keep_waiting(self, what: Purge) -> None:
        self.counts["waiting"] += 1
        self._waiting.append(what)
        if len(self._waiting) > WAITING:
            self._waiting = deque([Purge("all")])

    async def _write(self, cache: Any, what: Purge) -> None:
        mark = token_hex(8)
        said = orjson.dumps([what.by, what.value, what.within])
        event = {"from": self._self, "purge": self._sealing.pack("purge", said)}
        async with cache.client.pipeline(transaction=True) as together:
            if what.by == "prefix":
                together.rpush(self._list, self._sealing.pack("prefix", orjson.dumps([mark, what.value])))
                together.ltrim(self._list, -PREFIXES, -1)
                together.pexpire(self._list, self._keep)
            for each in changed_by(what):
                together.set(self._name(each), mark, px=self._keep)
            together.xadd(self._stream, event, maxlen=MOST, approximate=True)
            await together.execute()
        self.counts["told"] += 1

    async def prefixes(self) -> Prefixes:
        """Those that were purged last; Away where they cannot be read."""
        assert self._reach is not None
        items: list[bytes] = await self._reach.call(lambda cache: cache.client.lrange(self._list, 0, -1))
        try:
            read = [orjson.loads(self._sealing.unpack("prefix", each)) for each in items]
        except (Unusable, orjson.JSONDecodeError):
            return Prefixes()
        return Prefixes([(mark.encode(), value) for mark, value in read])

    # hearing

    async def listen(self) -> None:
        """Begin to keep in touch, and to do what others purge; returns once Redis was reached, or soon."""
        assert self._reach is not None
        reached = asyncio.Event()
        self._listening = asyncio.create_task(self._listen(self._reach, reached), name="cache: purges")
        with suppress(TimeoutError):
            async with asyncio.timeout(LISTENS):
                await reached.wait()

    async def close(self) -> None:
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait([self._listening])

    async def _listen(self, reach: Reach, reached: asyncio.Event) -> None:
        while True:
            await reach.recovered(self._catch_up)
            reached.set()
            while reach.trouble is None:
                try:
                    await self._hear(reach)
                except reach.failures as error:
                    reach.fail(str(error) or type(error).__name__)

    async def _hear(self, reach: Reach) -> None:
        async with asyncio.timeout(2 * LISTENS):
            client = reach.client
            came = await client.xread({self._stream: self._last}, count=100, block=int(LISTENS * 1000))
        for _, events in came:
            self._do(events)

    async def _catch_up(self) -> None:
        """What was purged while it was away, here and there; everything, where that cannot be known."""
        reach = self._reach
        assert reach is not None
        if not self._last:  # a stream that is empty later has lost what it held
            hello = {"from": self._self}
            self._last = await reach.urgent(lambda cache: cache.client.xadd(self._stream, hello, maxlen=MOST))
        else:
            await self._missed(reach)
        while self._waiting:
            what = self._waiting[0]
            await reach.urgent(partial(self._write, what=what))
            if self._waiting and self._waiting[0] is what:
                self._waiting.popleft()

    async def _missed(self, reach: Reach) -> None:
        oldest = await reach.urgent(lambda cache: cache.client.xrange(self._stream, count=1))
        if not oldest or _order(oldest[0][0]) > _order(self._last):
            log.warning("purges were missed: all of the cache's memory is let go")
            self.counts["missed"] += 1
            self._heard(Purge("all"))
            self._last = b"0-0"
        while events := await reach.urgent(
            lambda cache: cache.client.xrange(self._stream, min=b"(" + self._last, count=1000)
        ):
            self._do(events)

    def _do(self, events: list[tuple[bytes, dict[bytes, bytes]]]) -> None:
        for identifier, fields in events:
            self._last = identifier
            if b"purge" not in fields or fields.get(b"from", b"").decode() == self._self:
                continue
            try:
                by, value, within = orjson.loads(self._sealing.unpack("purge", fields[b"purge"]))
                what = Purge(by, value, within)
            except (Unusable, ValueError) as error:
                log.warning("a purge cannot be read: all of the cache's memory is let go", reason=str(error))
                what = Purge("all")
            self.counts["heard"] += 1
            self._heard(what)


def _order(identifier: bytes) -> tuple[int, int]:
    moment, _, number = identifier.partition(b"-")
    return int(moment), int(number or b"0")
