"""The site of a run: the upstream, the database, the gateways and their machine, started for one run."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from chaos.client import WITHIN, Client
from chaos.gateways import Gateway, without_foreign
from chaos.ledgers import Ledger, PostgresLedger, SqliteLedger
from chaos.plan import Fault, Kind, Plan, Trouble
from chaos.policy import Policy
from chaos.proxy import Proxy
from chaos.shim import Control, NoShim, Shim
from chaos.supervisor import Supervised
from chaos.troubles import Place
from tests.servers import Postgres, postgres_server

DATABASE = "ledger.sqlite3"
PARTS = Path(__file__).parent / "parts"


@dataclass(frozen=True, slots=True)
class Options:
    """``troubles``, ``faults`` and ``kinds`` narrow what happens; empty means all that are possible.

    At least ``each`` payments pass during one trouble, ``pace`` a second and ``workers`` of them at once.  ``kills`` is
    how many gateways are killed at least, ``kills_each`` in one stretch.  ``arguments`` and ``settings`` are further
    ones of ``payguard serve``.
    """

    seed: int
    database: Literal["sqlite", "postgres"]
    payments: int = 1500
    clean: int = 200
    workers: int = 48
    each: int = 80
    pace: float = 40.0
    kills: int = 10
    kills_each: int = 5
    events: int | None = None
    """How often every trouble happens in its stretch; None draws it."""
    beyond: tuple[float, float] = (0.2, 2.5)
    """For how many seconds beyond its leases a gateway is stopped."""
    away: tuple[float, float] = (1.0, 3.0)
    """For how many seconds the upstream is away."""
    clicks: int | None = None
    """How often each payment is posted at the same moment; None draws it."""
    within: float = WITHIN
    """For how many seconds a client waits for an answer."""
    troubles: tuple[Trouble, ...] = ()
    faults: tuple[Fault, ...] = ()
    kinds: tuple[Kind, ...] = tuple(Kind)
    arguments: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    longest: float = 1500.0
    """Seconds after which no further stretch begins."""
    keep: bool = False
    """Whether the folder with books and logs is kept also where nothing was found."""
    settles_within: float = 180.0
    """Seconds after the last payment in which recovery must have come to an end with everything."""

    @property
    def plan(self) -> Plan:
        return Plan(self.seed, self.clean, self.faults, self.kinds, self.clicks)


@dataclass(slots=True)
class Site:
    """Everything that a run is made of, started.  ``skipped`` says what this machine cannot do."""

    folder: Path
    upstream: Supervised
    place: Place
    ledger: Ledger
    client: Client
    skipped: list[str] = field(default_factory=list)


@asynccontextmanager
async def site(options: Options) -> AsyncIterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix=f"payguard-chaos-{options.database}-"))
    without_foreign()
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(Supervised(folder, options.plan))
        policy = Policy(folder, upstream.port)
        shim, skipped = await _shim(folder)
        make = _on_sqlite if options.database == "sqlite" else _on_postgres
        gateways, ledger, proxies, server = await make(stack, options, policy)
        for gateway in gateways:
            if shim is not None:
                gateway.shimmed(shim, Control(gateway.folder.with_suffix(".control")))
            stack.push_async_callback(gateway.kill)
            await gateway.start()
        place = Place(gateways, policy, upstream, shim=shim, postgres=server, proxies=proxies)
        client = Client([gateway.port for gateway in gateways], options.seed, options.within)
        yield Site(folder, upstream, place, ledger, client, skipped)


async def _shim(folder: Path) -> tuple[Shim | None, list[str]]:
    try:
        return await asyncio.to_thread(Shim, folder, DATABASE), []
    except NoShim as missing:
        return None, [f"NO SHIM, so no power cuts, full disks or moved clocks: {missing}"]


_Made = tuple[list[Gateway], Ledger, list[Proxy], Postgres | None]


async def _on_sqlite(_: AsyncExitStack, options: Options, policy: Policy) -> _Made:
    folder = policy.path.with_name("one")
    gateway = _gateway(folder, f"sqlite:///{folder / DATABASE}", options, policy)
    return [gateway], SqliteLedger(folder / DATABASE), [], None


async def _on_postgres(stack: AsyncExitStack, options: Options, policy: Policy) -> _Made:
    """Two gateways, each with a proxy of its own before the one server."""
    server = stack.enter_context(postgres_server())
    name = await server.create()
    gateways, proxies = [], []
    for number, title in enumerate(("one", "two")):
        proxy = await stack.enter_async_context(Proxy(("127.0.0.1", server.port), options.seed + number))
        url = f"postgresql://payguard:{server.password}@127.0.0.1:{proxy.port}/{name}?sslmode=disable"
        gateways.append(_gateway(policy.path.with_name(title), url, options, policy))
        proxies.append(proxy)
    return gateways, PostgresLedger(server, name), proxies, server


def _gateway(folder: Path, url: str, options: Options, policy: Policy) -> Gateway:
    settings = {"DATABASE_URL": url, **dict(options.settings)}
    return Gateway(folder, policy.path, settings, arguments=("--plugin-dir", str(PARTS), *options.arguments))
