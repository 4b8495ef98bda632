"""The second tier: a Redis that the replicas share, by aiocache; it holds nothing that says whose or what it is."""

from __future__ import annotations

from collections import Counter
from secrets import token_hex
from typing import Any

import structlog

from gateway import Scope, redis_pool

from .entry import CorruptEntry, Entry
from .marks import Marks, Prefixes, Seen, marks_of, tag_mark
from .options import RedisConfig
from .purges import Purges
from .reach import Away, Reach
from .sealing import Sealing, Unusable
from .tiers import Purge

log = structlog.get_logger("payguard.cache")

PURPOSE = "cache.tier"
"""Under which names are hashed, and values sealed."""

SEEN = 20_000


class RedisTier:
    """Satisfies ``Tier``.  Names in Redis are keyed hashes; values are sealed where the gateway has a key.

    Nothing is looked for to be purged: an entry is kept with the marks that its kind had before it was asked for, and
    counts only while they are the same (``marks``).  ``purges`` are told to the other replicas, and theirs heard.
    """

    def __init__(self, config: RedisConfig, scope: Scope, purges: Purges) -> None:
        self.config = config
        self.counts: Counter[str] = Counter()
        self.bytes_read = self.bytes_written = 0
        self.prefix = f"payguard:cache:{scope.tenant}:"
        self._scope = scope
        self._sealing = Sealing(_cipher(config, scope), config.compress_over, 2 * config.largest)
        self._seen = Seen(SEEN)
        self._purges = purges
        self._prefixes = Prefixes()
        self._pool = redis_pool(scope.secret(config.url))
        self.reach: Reach | None = None

    async def open(self) -> None:
        from aiocache import RedisCache  # noqa: PLC0415 - the driver takes memory that nobody else needs
        from aiocache.serializers import NullSerializer  # noqa: PLC0415 - as above
        from redis.exceptions import RedisError  # noqa: PLC0415 - as above

        cache: Any = RedisCache(
            serializer=NullSerializer(encoding=None),  # bytes as they are; never pickle
            timeout=0,  # Reach has the bound
            connection_pool_class=lambda **_: self._pool,
        )
        self.reach = Reach(cache, self.config.timeout, (RedisError, OSError))  # a TimeoutError is one
        self._purges.begin(self.reach, self._sealing, self.prefix, self.config.longest)
        await self._purges.listen()

    async def close(self) -> None:
        await self._purges.close()
        if self.reach is not None:
            await self.reach.close()

    @property
    def trouble(self) -> str | None:
        return "it is not open" if self.reach is None else self.reach.trouble

    # what a tier does

    async def get(self, key: str) -> Entry | None:
        try:
            data, *now = await self._many(self._name("entry", key), *map(self._mark, marks_of(key)))
            marks = tuple(each or b"" for each in now)
            self._seen.note(key, self._scope.clock.now(), marks)
            entry = None if data is None else await self._read(key, data, marks)
        except Away:
            self.counts["away"] += 1
            return None
        self.counts["hit" if entry is not None else "miss"] += 1
        return entry

    async def put(self, entry: Entry, ttl: float) -> None:
        marks = self._seen.before(entry)
        if marks is None:  # it was away when this was asked for: what was purged since then is not known
            self.counts["unmarked"] += 1
            return
        try:
            await self._write(entry, marks, min(ttl, self.config.longest))
        except Away:
            self.counts["away"] += 1

    async def delete(self, key: str) -> None:
        try:
            await self._reached.call(lambda cache: cache.delete(self._name("entry", key)))
        except Away:
            self.counts["away"] += 1

    async def purge(self, what: Purge) -> int:
        """How many there were is not known."""
        await self._purges.tell(what, self._mark)
        return 0

    # leases: who asks the upstream, among the replicas

    async def lease(self, key: str, seconds: float) -> str | None:
        """The word by which it is given back; empty where it cannot be told who has it.  None: another has it."""
        word, name = token_hex(8), self._name("lease", key)
        try:
            taken = await self._reached.call(
                lambda cache: cache.client.set(name, word, nx=True, px=max(1, int(seconds * 1000)))
            )
        except Away:
            return ""
        return word if taken else None

    async def leased(self, key: str) -> bool:
        try:
            return (await self._many(self._name("lease", key)))[0] is not None
        except Away:
            return False

    async def give_back(self, key: str, word: str) -> None:
        try:
            name = self._name("lease", key)
            await self._reached.call(lambda cache: cache.client.eval(cache.RELEASE_SCRIPT, 1, name, word))
        except Away:
            self.counts["away"] += 1

    # inside

    @property
    def _reached(self) -> Reach:
        if self.reach is None:
            raise Away
        return self.reach

    def _name(self, kind: str, key: str) -> str:
        return f"{self.prefix}{kind}:{self._scope.hash(PURPOSE, key)}"

    def _mark(self, mark: str) -> str:
        return self._name("mark", mark)

    async def _many(self, *names: str) -> list[bytes | None]:
        found: list[bytes | None] = await self._reached.call(lambda cache: cache.multi_get(names))
        return found

    async def _read(self, key: str, data: bytes, marks: Marks) -> Entry | None:
        """The entry, where it can be read and nothing has purged it; whoever asked looks whether it is of its key."""
        self.bytes_read += len(data)
        try:
            said, tagged, entry = _unframed(self._sealing.unpack(key, data))
        except (Unusable, CorruptEntry) as error:
            self.counts["unusable"] += 1
            log.warning("an entry of the cache's Redis cannot be used", reason=str(error))
            return None
        if await self._is_purged(entry, said, tagged, marks):
            self.counts["purged"] += 1
            return None
        return entry

    async def _is_purged(self, entry: Entry, said: Marks, tagged: Marks, marks: Marks) -> bool:
        everything, prefixes, tags, *rest = marks
        if everything != said[0] or tuple(rest) != said[3:]:
            return True
        if prefixes != said[1]:
            if prefixes != self._prefixes.last:
                self._prefixes = await self._purges.prefixes()
            if self._prefixes.last != prefixes or self._prefixes.take(entry, said[1]):
                return True
        return tags != said[2] and entry.tags != () and await self._tag_marks(entry) != tagged

    async def _tag_marks(self, entry: Entry) -> Marks:
        found = await self._many(*(self._mark(tag_mark(tag)) for tag in entry.tags))
        return tuple(each or b"" for each in found)

    async def _write(self, entry: Entry, marks: Marks, ttl: float) -> None:
        tagged: Marks = ()
        if entry.tags:
            tagged = await self._tag_marks(entry)
            [tags] = await self._many(self._mark("tags"))
            if (tags or b"") != marks[2]:  # which of them was purged since it was asked for is not known
                self.counts["unmarked"] += 1
                return
        data = self._sealing.pack(entry.key, _framed(marks, tagged, entry))
        if len(data) > self.config.largest:
            self.counts["too_large"] += 1
            return
        name = self._name("entry", entry.key)
        await self._reached.call(lambda cache: cache.set(name, data, ttl=max(0.001, float(ttl))))
        self.counts["put"] += 1
        self.bytes_written += len(data)


def _cipher(config: RedisConfig, scope: Scope) -> Any:
    try:
        return scope.cipher(PURPOSE)
    except ValueError:
        if config.encrypt == "always":
            raise
        return None


def _framed(marks: Marks, tagged: Marks, entry: Entry) -> bytes:
    words = [*marks, *tagged]
    head = bytes([len(tagged)]) + b"".join(bytes([len(each)]) + each for each in words)
    return len(head).to_bytes(4, "big") + head + entry.encode()


def _unframed(data: bytes) -> tuple[Marks, Marks, Entry]:
    """CorruptEntry where it is cut short."""
    end = 4 + int.from_bytes(data[:4], "big")
    head, at, words = data[4:end], 1, list[bytes]()
    while at < len(head):
        words.append(head[at + 1 : at + 1 + head[at]])
        at += 1 + head[at]
    if not head or len(words) != 5 + head[0]:
        raise CorruptEntry("its marks are cut short")
    return tuple(words[:5]), tuple(words[5:]), Entry.decode(data[end:])
