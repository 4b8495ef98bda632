"""An admin port over a real ledger, on a port of its own, for commands that block while they ask it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import uvicorn

from gateway import Component
from gateway.admin.app import admin
from gateway.admin.state import Keys
from gateway.database.sqlite import SqliteDatabase
from gateway.ids import payment_id
from gateway.ledger.records import Entry, Record, Settlement, State
from gateway.ledger.sql import SqlLedger
from tests.gateway.admin.admins import keys, state


class Serving:
    """``do`` runs what it is given on the server's own loop, with its ledger."""

    def __init__(self, path: Path, components: Sequence[Component[Any]] = (), key_file: Path | None = None) -> None:
        self._path = path
        self._key_file = key_file
        self._components = components
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self.told: list[str] = []
        self.url = ""

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        database = self.database = SqliteDatabase(self._path)
        await database.open()
        self.database = database
        self._ledger = SqlLedger(database)
        own = state(
            ledger=lambda: self._ledger,
            routes=lambda: ["create-payment"],
            tell=lambda code, **_: self.told.append(code),
            components=lambda: self._components,
        )
        working = None if self._key_file is None else await self._with_keys(database, self._key_file)
        own = own if working is None else replace(own, keys=working[0])
        self._server = uvicorn.Server(uvicorn.Config(admin(own), port=0, log_config=None, lifespan="off"))
        self._server.install_signal_handlers = lambda: None  # type: ignore[method-assign]
        serving = asyncio.create_task(self._server.serve())
        while not self._server.started:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.005)
        self.url = f"http://127.0.0.1:{self._server.servers[0].sockets[0].getsockname()[1]}"
        self._ready.set()
        await serving
        for task in () if working is None else working[1]:
            task.cancel()
        await database.close()

    async def _with_keys(self, database: SqliteDatabase, file: Path) -> tuple[Keys, list[asyncio.Task[None]]]:
        """Those of the file, looked at and used all the time."""
        made = keys(database, await asyncio.to_thread(file.read_text), file)
        await made.watch.at_start()
        return made, [asyncio.create_task(made.files.run(0.01)), asyncio.create_task(made.reencryption.run(0.01))]

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(20)

    def do(self, work: Callable[[SqlLedger], Coroutine[Any, Any, Any]]) -> Any:
        return asyncio.run_coroutine_threadsafe(work(self._ledger), self._loop).result(20)

    def payment(self, became: State | None = State.SUCCEEDED, **given: Any) -> Record:
        """One that was sent, and what became of it."""
        fields = {
            "route": "create-payment",
            "amount": 4200,
            "currency": "eur",
            "owner": "ada",
            "request_id": "r1",
        } | given

        async def make(ledger: SqlLedger) -> Record:
            entry = Entry(
                payment_id(),
                operation="payment.create",
                upstream="backend",
                trace_id="t",
                policy="p",
                keep=9.0,
                **fields,
            )
            assert await ledger.begin(entry, 60.0)
            if became is not None:
                trail = b'{"filters": [{"name": "principal", "mode": "enforce", "decision": "passed", "ms": 0.1}]}'
                due = None if became in (State.SUCCEEDED, State.FAILED) else 600.0
                await ledger.settle(entry.id, 1, Settlement(became, "", "answered", 1, 200, trail=trail, due_in=due))
            record = await ledger.find(entry.id)
            assert record is not None
            return record

        record: Record = self.do(make)
        return record


@contextmanager
def serving(path: Path, components: Sequence[Component[Any]] = (), key_file: Path | None = None) -> Iterator[Serving]:
    with Serving(path, components, key_file) as server:
        yield server
