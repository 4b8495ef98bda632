"""Key files: keys and salts that are kept in files, as a mounted Secret is, are read again when those hold others."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.control.key_watch import KeyWatch
from gateway.control.start import why
from gateway.crypto.key_checks import WrongKey
from gateway.crypto.salts import Salts
from gateway.crypto.written import digits
from gateway.database.protocol import DatabaseDown

if TYPE_CHECKING:
    from gateway.crypto.keyring import LocalKeyring

REFERENCE = "file:"


def file_of(setting: str | None) -> Path | None:
    """Where the value of a setting is ``file:/path``, that file."""
    return Path(setting.removeprefix(REFERENCE)) if setting is not None and setting.startswith(REFERENCE) else None


@dataclass(frozen=True, slots=True)
class KeyFile:
    """``kind`` is the setting whose keys or salts it holds; ``read`` makes them, ValueError where they are none.

    ``taken`` is told what it holds, once that is in force.
    """

    kind: str
    path: Path
    read: Callable[[str], LocalKeyring | Salts]
    taken: Callable[[str], None] = lambda _: None


class KeyFiles:
    """Looks at what the files hold, not at their times: a Secret's update swaps a link.

    A content is taken when two looks agree on it, so that none is taken half written.  Whatever is wrong with it, those
    before stay; where only the database is away, it is tried again.
    """

    def __init__(self, files: Sequence[KeyFile], watch: KeyWatch, on_secret: Callable[[str], None]) -> None:
        self.files = files
        self._watch = watch
        self._on_secret = on_secret
        self._seen: dict[str, str] = {}
        self._taken: dict[str, str] = {}

    async def run(self, every: float) -> None:
        while self.files:
            await asyncio.sleep(every)
            await self.look()

    async def look(self) -> None:
        for file in self.files:
            found = await asyncio.to_thread(_digest, file.path)
            before, self._seen[file.kind] = self._seen.get(file.kind), found
            if found == before and found != self._taken.get(file.kind):
                await self._take(file, found)
            elif found == self._taken.get(file.kind):
                self._watch.rejected.pop(file.kind, None)  # the edit that was rejected has been taken back

    async def _take(self, file: KeyFile, digest: str) -> None:
        try:
            text = await asyncio.to_thread(file.path.read_text, encoding="ascii")
            for secret in digits(text):
                self._on_secret(secret)
            await self._watch.take(file.kind, file.read(text))
        except DatabaseDown:
            return
        except OSError as error:
            self._watch.reject(file.kind, f"{file.path} cannot be read: {why(error)}")
        except ValueError as error:
            self._watch.reject(file.kind, f"{file.path}: {error}")
        except WrongKey as wrong:
            self._watch.reject(file.kind, "; ".join(wrong.lines))
        else:
            self._taken[file.kind] = digest
            file.taken(text)


def _digest(path: Path) -> str:
    """What cannot be read is something else than what could."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return why(error)
