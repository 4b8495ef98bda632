"""The store that many gateways share: a Redis, or what speaks as one."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

import orjson
from redis.exceptions import NoPermissionError, NoScriptError, OutOfMemoryError, ResponseError

from gateway.store.address import parse
from gateway.store.link import Command, Link, down
from gateway.store.nodes import Nodes
from gateway.store.protocol import Procedure
from gateway.store.wire import Wire

PREFIX = "payguard:"
"""Of every key, so that a Redis can serve others as well."""

FRAME = """\
local keys, arguments = KEYS, cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local function decide()
%s
end
local told = decide()
if told == nil then return false end
return cjson.encode(told)
"""

SCANNED = 1000


def _never(*_: Any) -> Any:
    raise NotImplementedError  # a store in memory counts by itself


COUNT = Procedure(
    "count",
    _never,
    """\
local count = redis.call('INCRBY', keys[1], arguments[1])
if count == arguments[1] then redis.call('PEXPIRE', keys[1], arguments[2]) end
return count""",
)


class RedisStore:
    """Times to live, and the clock of procedures, are Redis's own: no gateway's clock matters.

    A script is sent whole once on each connection, then by its hash.
    """

    frame = FRAME

    def __init__(self, url: str, timeout: float = 0.010) -> None:
        address = parse(url)
        self.together = address.kind != "cluster"
        self._link: Link = (Wire if self.together else Nodes)(address, timeout)
        self._scripts: dict[str, tuple[str, bytes]] = {}
        self._loaded: set[str] = set()
        self._loaded_at = 0
        self.where = str(address)

    async def get(self, key: str) -> bytes | None:
        value: bytes | None = await self._call("GET", PREFIX + key)
        return value

    async def put(self, key: str, value: bytes, ttl: float, *, hold: bool = False) -> None:  # noqa: ARG002 - Redis evicts by its own policy
        if (milliseconds := ceil(ttl * 1000)) > 0:
            await self._call("SET", PREFIX + key, value, "PX", milliseconds)
        else:
            await self._call("DEL", PREFIX + key)

    async def add(self, key: str, value: bytes, ttl: float, *, hold: bool = False) -> bool:  # noqa: ARG002 - as above
        milliseconds = max(1, ceil(ttl * 1000))
        return await self._call("SET", PREFIX + key, value, "PX", milliseconds, "NX") is not None

    async def remove(self, key: str) -> bool:
        return bool(await self._call("DEL", PREFIX + key))

    async def count(self, key: str, by: int, ttl: float) -> int:
        return int(await self.run(COUNT, (key,), (by, max(1, ceil(ttl * 1000)))))

    async def run(self, procedure: Procedure, keys: Sequence[str], arguments: Any) -> Any:
        if not self.together and len({key.partition("{")[2].partition("}")[0] for key in keys}) > 1:
            raise ValueError(f"{procedure.name}: on a cluster its keys must have the same {{…}} in them")
        script, digest = self._script(procedure)
        rest: Command = (len(keys), *[PREFIX + key for key in keys], orjson.dumps(arguments, default=tuple))
        if self._is_loaded(script):
            try:
                return _read(await self._call("EVALSHA", digest, *rest))
            except NoScriptError:  # the server has begun anew, or was told to forget
                self._loaded.discard(script)
        reply = _read(await self._call("EVAL", script, *rest))
        self._loaded.add(script)
        return reply

    async def scan(self, prefix: str, most: int = 10_000) -> list[tuple[str, bytes, float]]:
        keys, found = await self._keys(prefix, most), list[tuple[str, bytes, float]]()
        for start in range(0, len(keys), SCANNED):
            part = keys[start : start + SCANNED]
            values = await asyncio.gather(*(self._call("GET", key) for key in part))
            lefts = await asyncio.gather(*(self._call("PTTL", key) for key in part))
            for key, value, left in zip(part, values, lefts, strict=True):
                if value is not None and left > 0:
                    found.append((key.decode().removeprefix(PREFIX), value, left / 1000))
        return found

    async def open(self) -> None:
        await self._link.open()

    async def close(self) -> None:
        await self._link.close()

    @property
    def trouble(self) -> str | None:
        return self._link.trouble

    def stats(self) -> Mapping[str, float]:
        link = self._link
        return {
            "entries": 0,
            "calls_total": link.calls,
            "pipelines_total": link.pipelines,
            "errors_total": link.errors,
            "seconds_total": link.seconds,
            "connects_total": link.connects,
        }

    async def _keys(self, prefix: str, most: int) -> list[bytes]:
        """By the cursor of one node, or of each."""
        pattern = "".join(f"[{each}]" if each in "*?[]\\^" else each for each in PREFIX + prefix) + "*"
        found: dict[bytes, None] = {}
        for node in await self._link.nodes():
            cursor: Any = b"0"
            while True:
                cursor, keys = await self._link.ask(node, ("SCAN", cursor, "MATCH", pattern, "COUNT", SCANNED))
                found.update(dict.fromkeys(keys))
                if cursor in (b"0", 0) or len(found) >= most:
                    break
        return list(found)[:most]

    async def _call(self, *command: str | bytes | int) -> Any:
        try:
            return await self._link.call(command)
        except NoScriptError:
            raise
        except (OutOfMemoryError, NoPermissionError) as error:
            raise down(str(error)) from error
        except ResponseError as error:
            raise RuntimeError(f"Redis refuses {command[0]!r}: {error}") from error

    def _script(self, procedure: Procedure) -> tuple[str, bytes]:
        known = self._scripts.get(procedure.name)
        if known is None:
            script = self.frame % procedure.lua
            digest = hashlib.sha1(script.encode(), usedforsecurity=False).hexdigest()
            known = self._scripts[procedure.name] = script, digest.encode()
        return known

    def _is_loaded(self, script: str) -> bool:
        """On this connection.  In a cluster's pipelines scripts cannot be named by their hash."""
        if self._loaded_at != self._link.connects:
            self._loaded_at = self._link.connects
            self._loaded.clear()
        return self.together and script in self._loaded


def _read(reply: bytes | None) -> Any:
    return None if reply is None else orjson.loads(reply)
