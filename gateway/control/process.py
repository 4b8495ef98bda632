"""The process: started in order, drained and stopped in order, by signals."""

from __future__ import annotations

import asyncio
import gc
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog
import uvloop

from gateway.control.background import ComponentTasks
from gateway.control.certificates import Certificates
from gateway.control.compiler import PolicyError, digest_of
from gateway.control.draining import Draining
from gateway.control.foundation import Foundation, lay
from gateway.control.reloader import Reloader, open_soon, reasons_of
from gateway.control.servers import Listener, admin_listener, bind, data_listener
from gateway.control.settings import Settings
from gateway.control.start import BadStart, why
from gateway.control.upkeep import Upkeep, read_gauges
from gateway.control.watcher import SETTLING, PolicyFile, Watcher
from gateway.database.protocol import Unfit
from gateway.dataplane.app import DataPlane
from gateway.dataplane.clients import ClientLimits, Clients
from gateway.dataplane.snapshot import Active, Snapshot
from gateway.telemetry.log import catch_uncaught

log = structlog.get_logger("payguard.process")

CreateAdmin = Callable[["Process"], Any]

CLOSES_WITHIN = 10.0
"""Seconds that each thing which has to be closed may take: what hangs must not keep the process from ending."""

ADMIN_STOPS_WITHIN = 2.0


def serve(settings: Settings, policy: Path, environ: Mapping[str, str], create_admin: CreateAdmin) -> int:
    """Run a gateway until a signal ends it; the exit code.  BadStart where it cannot start."""
    foundation = lay(settings, environ)
    catch_uncaught()
    tls = Certificates(settings.tls_certificate, settings.tls_key) if settings.tls_certificate else None
    data = bind(settings.host, settings.port, "PAYGUARD_PORT, --port")
    admin = bind(settings.admin_host, settings.admin_port, "PAYGUARD_ADMIN_PORT, --admin-port")
    with data, admin:
        process = Process(foundation, policy, Ports(data, admin, tls), create_admin, serving=settle_heap)
        return uvloop.run(process.run())


def settle_heap() -> None:
    """Take what the start made, which stays, out of the collector's sight.

    Measured: a full collection then takes 0.4 ms instead of a pause of 36.  Requests leave no cycles behind, so
    looking for them every 700 objects would cost 1.5 % of the CPU for nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5000, 10, 10)


@dataclass(frozen=True, slots=True)
class Ports:
    """Sockets that are bound and do not listen yet; ``tls`` is the data port's."""

    data: socket.socket
    admin: socket.socket
    tls: Certificates | None = None


class Process:
    """A gateway on its way up, in service, and on its way down.

    ``run`` returns the exit code: 0 after a drain, 1 where a second signal cut it short.  A first signal drains; a
    prior ``POST /drain`` has begun that already.
    """

    def __init__(
        self,
        foundation: Foundation,
        policy: Path,
        ports: Ports,
        create_admin: CreateAdmin,
        *,
        serving: Callable[[], None] = lambda: None,
    ) -> None:
        self.foundation = foundation
        self.settings = foundation.settings
        self.clients = Clients(_limits(foundation.settings))
        self.draining = Draining(self.settings.drain_delay, self._drain_begins)
        self.tasks = ComponentTasks(foundation.services.background)
        self._file = PolicyFile(policy, min(SETTLING, self.settings.reload_interval))
        self._ports = ports
        self._create_admin = create_admin
        self._serving = serving
        self._listeners: list[Listener] = []
        self._watcher: Watcher | None = None
        self._stopping = asyncio.Event()
        self._forced = False

    async def run(self) -> int:
        starting = asyncio.current_task()
        assert starting is not None
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._asked_to_stop, starting)
        loop.add_signal_handler(signal.SIGHUP, self._asked_to_reload)
        try:
            async with AsyncExitStack() as last, AsyncExitStack() as first:
                await self._start(first, last)
                await self._stopping.wait()
                await self.draining.over()
                log.info("stopping")
        except asyncio.CancelledError:  # while it started
            log.info("stopped before it served")
        return int(self._forced)

    # up

    async def _start(self, first: AsyncExitStack, last: AsyncExitStack) -> None:
        """``first`` holds what stops first; ``last`` what outlives it: the admin port and the log."""
        foundation, settings = self.foundation, self.settings
        last.push_async_callback(foundation.lines.close)
        if foundation.spans is not None:
            first.push_async_callback(_close, "spans", foundation.spans.close)
        first.push_async_callback(_close, "services", foundation.services.close)
        self.active = Active(await self._first_snapshot())
        foundation.services.active = lambda: self.active.snapshot
        first.push_async_callback(_close, "policy", self._close_policy)
        self.reloader = Reloader(
            self.active,
            foundation.compiler.build,
            self._file,
            hooks=foundation.plugins.hooks,
            clock=foundation.services.clock,
            digest_of=digest_of,
            mask=foundation.masking.text,
            then=self._took_over,
            audit=foundation.services.audit,
        )
        first.push_async_callback(_close, "reloader", self.reloader.close)
        self.upkeep = Upkeep(foundation, self.active, self.reloader.status)
        first.push_async_callback(_close, "jobs and checks", self.upkeep.close)
        await self.reloader.begin()
        self._watcher = Watcher(self._file, self.reloader, settings.reload_interval)
        self.tasks.start(self._watcher.run(), name="policy watcher")
        self.tasks.start(foundation.key_files.run(settings.reload_interval), name="key files")
        self.tasks.start(foundation.reencryption.run(), name="reencryption")
        first.push_async_callback(_close, "watcher", self.tasks.close)
        await self._listen(first, last)

    async def _first_snapshot(self) -> Snapshot:
        name = self._file.name
        try:
            snapshot = await self.foundation.compiler.build(await self._file.read(), name)
        except OSError as error:
            raise BadStart(f"cannot read the policy {name}: {why(error)}") from error
        except UnicodeDecodeError as error:
            raise BadStart(f"the policy {name} is not text in UTF-8: {error.reason}") from error
        except PolicyError as error:
            raise BadStart(*reasons_of(error)) from error
        await self._open_database()
        try:
            await open_soon(snapshot)
        except Exception as error:  # whatever a plugin raises
            reason = self.foundation.masking.text("; ".join(reasons_of(error)))
            raise BadStart(f"cannot open the policy {name}: {reason}") from error
        return snapshot

    async def _open_database(self) -> None:
        """Before a policy, whose parts use it.  One that cannot be reached is tried on; one that is unfit is not."""
        try:
            await self.foundation.database.open()
        except Unfit as error:
            raise BadStart(str(error)) from error
        self.foundation.services.audit.open()
        await self.foundation.key_watch.at_start()
        await self.foundation.services.store.open()

    async def _listen(self, first: AsyncExitStack, last: AsyncExitStack) -> None:
        settings = self.settings
        app = DataPlane(
            self.active,
            trusted=settings.trusted_proxies,
            sample=lambda: settings.trace_sample,
            mask=self.foundation.masking.line,
        )
        read_gauges(self.foundation, app, self.active, self.reloader.status, clients=self.clients, upkeep=self.upkeep)
        tls = self._ports.tls
        data = data_listener(app, self._ports.data, self.clients, None if tls is None else tls.context)
        admin = admin_listener(self._create_admin(self), self._ports.admin)
        self._listeners += (data, admin)
        last.push_async_callback(admin.stop, ADMIN_STOPS_WITHIN)
        await admin.start()
        first.push_async_callback(self._stop_data, data)
        await data.start()
        if tls is not None:
            self.tasks.start(
                tls.watch(settings.reload_interval, self.foundation.services.events.tell), name="certificates"
            )
        self.data_url, self.admin_url = data.url, admin.url
        self.upkeep.health.serving()
        self._serving()
        log.info("listening", data=data.url, admin=admin.url, policy=self.active.snapshot.digest)

    async def _took_over(self, snapshot: Snapshot) -> None:
        await self.upkeep.follow(snapshot)

    # down

    def _asked_to_stop(self, starting: asyncio.Task[Any]) -> None:
        if not self._listeners:
            starting.cancel()
        elif not self._stopping.is_set():
            log.info("draining, then stopping", serving_on_for=self.draining.remaining)
            self._stopping.set()
        else:
            log.warning("stopping at once: asked again")
            self._forced = True
            self.draining.cut_short()
            for listener in self._listeners:
                listener.force()

    def _asked_to_reload(self) -> None:
        if self._watcher is not None:
            self._watcher.insist()

    def _drain_begins(self) -> None:
        self.clients.leaving = True
        self.upkeep.health.drain()
        log.info("draining: not ready, and serving on", delay=self.draining.delay)

    async def _stop_data(self, data: Listener) -> None:
        await data.stop(self.settings.drain_deadline)
        if data.cut:
            log.warning("requests were cut off at the drain deadline", requests=data.cut)

    async def _close_policy(self) -> None:
        await self.active.snapshot.close()


async def _close(what: str, close: Callable[[], Awaitable[None]]) -> None:
    """On the way down: what fails or hangs is said, and the rest is closed all the same."""
    try:
        async with asyncio.timeout(CLOSES_WITHIN):
            await close()
    except Exception:
        log.exception("closing failed", what=what)


def _limits(settings: Settings) -> ClientLimits:
    return ClientLimits(
        header_timeout=settings.client_header_timeout,
        body_timeout=settings.client_body_timeout,
        write_timeout=settings.client_write_timeout,
        keep_alive=settings.client_keep_alive,
        header_bytes=settings.client_header_bytes,
        target_bytes=settings.client_target_bytes,
        header_count=settings.client_header_count,
        connections=settings.client_connections,
    )
