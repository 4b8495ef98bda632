"""The watcher: notices that the policy file holds something else, and asks for a reload."""

from __future__ import annotations

import asyncio
import hashlib
import math
from pathlib import Path

from gateway.control.reloader import Outcome, Reloader

SETTLING = 0.1
"""Seconds for which a text must stay the same.  Half of a policy can be a valid policy, with fewer filters."""

LOOKS = 50

RETRY = 30.0
"""Seconds until a policy that compiled, but could not be opened, is tried again."""


class PolicyFile:
    """The file that holds the policy, read anew each time, through whatever links lead to it."""

    def __init__(self, path: Path, settling: float = SETTLING) -> None:
        self.path = path
        self.digest: str | None = None
        """Of what was read last."""
        self._settling = settling

    @property
    def name(self) -> str:
        return str(self.path)

    async def read(self) -> str:
        """Its text, once two looks at it agree: an editor may be writing it."""
        text = await self._text()
        for _ in range(LOOKS):
            await asyncio.sleep(self._settling)
            if (again := await self._text()) == text:
                return text
            text = again
        raise OSError(f"{self.path} is still being written")

    async def look(self) -> str:
        """A digest of what it holds at this moment."""
        return _digest(await asyncio.to_thread(self.path.read_bytes))

    async def _text(self) -> str:
        data = await asyncio.to_thread(self.path.read_bytes)
        self.digest = _digest(data)
        return data.decode()


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Watcher:
    """Looks at the content, not at times or inodes: a ConfigMap's update swaps a link, and tells nobody.

    A file that is away is a pause, not an edit: it is reported, and looked for again.  A policy that was rejected is
    tried again when the file changes, when someone insists, or after ``retry`` seconds where only opening it failed.
    """

    def __init__(self, file: PolicyFile, reloader: Reloader, interval: float, *, retry: float = RETRY) -> None:
        self._file = file
        self._reloader = reloader
        self._interval = interval
        self._retry = retry
        self._retry_at = math.inf
        self._insisted = asyncio.Event()
        self._seen: str | None = None

    def insist(self) -> None:
        """Reload at once, changed or not: SIGHUP."""
        self._insisted.set()

    async def run(self) -> None:
        while True:
            insisted = await self._wait()
            found = await self._look()
            if insisted or (found is not None and (found != self._seen or self._due())):
                await self._reload(force=insisted)

    async def _wait(self) -> bool:
        """Whether someone insisted before the interval was over."""
        try:
            async with asyncio.timeout(self._interval):
                await self._insisted.wait()
        except TimeoutError:
            return False
        self._insisted.clear()
        return True

    def _due(self) -> bool:
        return asyncio.get_running_loop().time() >= self._retry_at

    async def _reload(self, *, force: bool) -> None:
        outcome = await self._reloader.reload(force=force)
        self._seen = None if outcome is Outcome.UNREADABLE else self._file.digest  # which may be newer than the look
        rejection = self._reloader.status.rejection
        again = rejection is not None and rejection.transient
        self._retry_at = asyncio.get_running_loop().time() + self._retry if again else math.inf

    async def _look(self) -> str | None:
        try:
            digest = await self._file.look()
        except OSError as error:
            self._reloader.status.away(str(error))
            return None
        self._reloader.status.back()
        return digest
