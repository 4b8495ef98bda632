"""The block list: whom no ``rate_limit`` lets through, who said so, why, and until when."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import orjson
from pydantic import Field
from starlette.routing import BaseRoute, Route

from gateway import Component, Config, DatabaseDown, DependencyDown, Duration, Job, Scope

from .api import Answers
from .records import Kept, Records
from .subjects import block_key

_PREFIX = block_key("").removesuffix("}")


class BlocksConfig(Config):
    keep: Literal["store", "database"] = "store"
    """Where blocks are kept: in the store alone, or in the ledger's database as well, which outlives a restart and
    which all replicas read."""

    refresh: Annotated[Duration, Field(ge=1)] = 10.0
    """How often those of the database are looked at."""


@dataclass(frozen=True, slots=True)
class Block:
    """``id`` is its kind and the hash of its value; ``left`` the seconds until it ends."""

    id: str
    author: str
    reason: str
    left: float
    created_at: float | None = None

    @property
    def item(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "id": self.id,
            "kind": self.id.rsplit(":", 2)[0],
            "by": self.author,
            "reason": self.reason,
            "ends_in_seconds": round(self.left, 3),
            "ends_at": time.time() + self.left,
            "created_at": self.created_at,
        }


class Blocks(Component[BlocksConfig]):
    """Where blocks are put and taken away, by decisions and by people; shown at ``/api/v1/blocks``.

    The store is what decisions see.  With ``keep: database`` a job brings it what the database has, also what other
    gateways put there, and takes from it what is no longer there.  While the database is away, the store's stays.
    """

    name = "blocks"
    Config = BlocksConfig

    def __init__(self, config: BlocksConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self._records: Records | None = None
        self._brought: set[str] = set()
        """What is in the store because the database has it."""
        self._answers = Answers(self, scope)

    async def open(self) -> None:
        if self.config.keep == "database":
            self._records = Records(self.scope.database)
            try:
                await self.refresh()
            except DependencyDown as error:
                self.scope.event("blocks_not_read", reason=str(error))

    def jobs(self) -> Sequence[Job]:
        if self.config.keep == "store":
            return ()
        return [Job("refresh", self.refresh, self.config.refresh), Job("purge", self._purge, 3600.0)]

    def admin_routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/", self._answers.show, methods=["GET"]),
            Route("/", self._answers.add, methods=["POST"]),
            Route("/remove", self._answers.remove, methods=["POST"]),
        ]

    async def placed(self, id: str, said: bytes, seconds: float) -> None:  # noqa: A002
        """By a decision, which has put it into the store."""
        author, reason = _told(said)
        self.scope.event("key_blocked", kind=id.partition(":")[0], id=id, reason=reason, seconds=seconds)
        self.scope.audit("block.add", subject=id, principal=author, reason=reason, seconds=round(seconds))
        await self.seen(id, said, seconds)
        if self._records is not None:
            self.scope.tasks.start(self._keep(id, author, reason, seconds), name="blocks: keep")

    async def seen(self, id: str, said: bytes, seconds: float) -> None:  # noqa: A002
        """One that the shared store has: it holds here too while that is away."""
        await self.scope.local.add(block_key(id), said, seconds, hold=True)

    async def add(self, id: str, author: str, reason: str, seconds: float) -> None:  # noqa: A002
        """By a person.  DependencyDown where it is not kept where it should be."""
        said = orjson.dumps({"by": author, "reason": reason})
        if self._records is not None:
            await self._records.put(id, author, reason, seconds)
            self._brought.add(id)
        await self.scope.local.put(block_key(id), said, seconds, hold=True)
        await self.scope.store.put(block_key(id), said, seconds, hold=True)

    async def remove(self, id: str) -> bool:  # noqa: A002
        """Whether there was one.  DependencyDown where it may still be."""
        if self._records is not None:
            await self._records.remove(id)
            self._brought.discard(id)
        here = await self.scope.local.remove(block_key(id))
        return await self.scope.store.remove(block_key(id)) or here

    async def all(self) -> list[Block]:
        """Those of the store, with what the database knows more of."""
        kept = await self._kept()
        found = []
        for key, said, left in await self.scope.store_or_local.scan(_PREFIX):
            id = key.removeprefix(_PREFIX).removesuffix("}")  # noqa: A001
            author, reason = _told(said)
            found.append(Block(id, author, reason, left, kept[id].created_at if id in kept else None))
        return sorted(found, key=lambda block: block.id)

    async def refresh(self) -> None:
        """What the database has, into the store; and out of it, what it no longer has."""
        assert self._records is not None
        kept = await self._records.live()
        await asyncio.gather(*self._bring(kept))
        gone = self._brought - {each.id for each in kept}
        for each in sorted(gone):
            await self.scope.local.remove(block_key(each))
            await self.scope.store_or_local.remove(block_key(each))
        self._brought = {each.id for each in kept}

    def _bring(self, kept: Sequence[Kept]) -> Iterator[Any]:
        for each in kept:
            said = orjson.dumps({"by": each.author, "reason": each.reason})
            yield self.scope.local.add(block_key(each.id), said, each.left, hold=True)
            yield self.scope.store_or_local.add(block_key(each.id), said, each.left, hold=True)

    async def _keep(self, id: str, author: str, reason: str, seconds: float) -> None:  # noqa: A002
        assert self._records is not None
        try:
            await self._records.put(id, author, reason, seconds)
            self._brought.add(id)
        except DatabaseDown as error:
            self.scope.event("block_not_kept", id=id, reason=str(error))

    async def _kept(self) -> dict[str, Kept]:
        try:
            return {} if self._records is None else {each.id: each for each in await self._records.live()}
        except DependencyDown:
            return {}

    async def _purge(self) -> None:
        assert self._records is not None
        await self._records.purge()


def _told(said: bytes) -> tuple[str, str]:
    document = orjson.loads(said)
    return document["by"], document["reason"]
