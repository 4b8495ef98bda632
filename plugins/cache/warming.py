"""Warming: targets that the policy names are asked for before anybody does, at a bounded rate."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice, product
from pathlib import Path
from typing import Any
from urllib.parse import quote

import structlog

from gateway import GatewayError, Headers, Principal, Request, Scope

from .options import WarmConfig

log = structlog.get_logger("payguard.cache")

LONGEST_LIST = 8 << 20
"""Bytes of a file of values that are read."""


class Warming:
    """One entry of a route's ``warm``: what it asks for, and how far it has come.

    Times are seconds since the epoch.
    """

    def __init__(self, route: str, config: WarmConfig, scope: Scope) -> None:
        self.route = route
        self.config = config
        self.running = False
        self.total = self.done = self.failed = 0
        self.runs = 0
        self.started_at: float | None = None
        self.ended_at: float | None = None
        self.error: str | None = None
        self._scope = scope
        self._next = 0.0

    @property
    def due(self) -> bool:
        return not self.running and self._scope.clock.monotonic() >= self._next

    @property
    def progress(self) -> dict[str, Any]:
        """As the API shows it."""
        return {
            "route": self.route,
            "path": self.config.path,
            "running": self.running,
            "runs": self.runs,
            **{name: getattr(self, name) for name in ("total", "done", "failed", "started_at", "ended_at", "error")},
        }

    async def run(self) -> None:
        """Ask for all of it once.  What fails is counted, and tried again in its time."""
        clock = self._scope.clock
        self.running, self.started_at, self.done, self.failed, self.error = True, clock.now(), 0, 0, None
        try:
            targets = await self._listed()
            self.total = len(targets)
            for path, principal in targets:
                pause = asyncio.create_task(asyncio.sleep(1 / self.config.rate))
                try:
                    await self._ask(path, principal)
                    await pause
                finally:
                    pause.cancel()
        finally:
            self.running, self.ended_at = False, clock.now()
            self.runs += 1
            self._next = clock.monotonic() + self.config.every

    async def _ask(self, path: str, principal: str | None) -> None:
        """Fresh until the next run, at least, where the answer may be kept for so long (RFC 9111 §5.2.1.3)."""
        fresh = {"cache-control": f"min-fresh={int(self.config.every)}"}
        said = {name: value.replace("{principal}", principal or "") for name, value in self.config.headers.items()}
        given = {**said, **fresh, "host": self.config.host}
        target, _, query = path.partition("?")
        request = Request("GET", target, query=query, headers=Headers(given))
        try:
            answer = await self._scope.fetch(request, facts=() if principal is None else (Principal(principal),))
        except (GatewayError, ValueError, TimeoutError) as error:
            self._fail(str(error) or type(error).__name__)
            return
        if answer.status >= 400:
            self._fail(f"it was answered {answer.status}")
        else:
            self.done += 1

    def _fail(self, reason: str) -> None:
        self.failed += 1
        self._tell(reason)

    def _tell(self, reason: str) -> None:
        if self.error is None:
            log.warning("what is to be warmed is not to be had", route=self.route, reason=reason)
        self.error = reason

    async def _listed(self) -> list[tuple[str, str | None]]:
        """None where a file cannot be read: it may be there the next time, and other entries go on."""
        try:
            return await self._targets()
        except OSError as error:
            self._tell(str(error))
            return []

    async def _targets(self) -> list[tuple[str, str | None]]:
        """Paths, each for each principal: as many as there may be."""
        columns = [await _lines(given) for given in self.config.values.values()]
        principals: Sequence[str | None] = await _lines(self.config.principals) or [None]
        found = list(islice(self._crossed(columns, principals), self.config.most + 1))
        if len(found) > self.config.most:
            log.warning("there is more to be warmed than may be: the rest is left out", most=self.config.most)
        return found[: self.config.most]

    def _crossed(
        self, columns: Sequence[Sequence[str]], principals: Sequence[str | None]
    ) -> Iterator[tuple[str, str | None]]:
        for row in product(*columns):
            values = {name: quote(value, safe="") for name, value in zip(self.config.values, row, strict=True)}
            path = self.config.path.format_map(values)
            for principal in principals:
                yield path, principal


async def _lines(given: list[str] | str) -> list[str]:
    """What a list says, or a file with one in each line."""
    if isinstance(given, list):
        return given
    text = await asyncio.to_thread(_content, Path(given.removeprefix("file:")))
    return [line.strip() for line in text.splitlines() if line.strip()]


def _content(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(LONGEST_LIST).decode("utf-8", "replace")
