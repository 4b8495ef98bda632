"""A run: gateways are set up, payments pass while faults happen, everything comes to rest, and the judge judges."""

from __future__ import annotations

import asyncio
import random
import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Literal

from chaos.book import Pages, read
from chaos.client import FINAL, Client, Told, View
from chaos.gateways import Gateway, without_foreign
from chaos.judge import Case, Check, Finding, Recorded, cases, judge
from chaos.ledgers import Ledger, PostgresLedger, SqliteLedger, differences, listed, recorded, still_open
from chaos.plan import DEADLY, Fault, Kind, Plan, Stretch, Trouble, stretches
from chaos.policy import Policy
from chaos.proxy import Proxy
from chaos.shim import Control, NoShim, Shim
from chaos.supervisor import Supervised
from chaos.troubles import Place, Troubles
from tests.servers import postgres_server

DATABASE = "ledger.sqlite3"
Say = Callable[[str], None]


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
    troubles: tuple[Trouble, ...] = ()
    faults: tuple[Fault, ...] = ()
    kinds: tuple[Kind, ...] = tuple(Kind)
    arguments: tuple[str, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()
    settles_within: float = 120.0
    """Seconds after the last payment in which recovery must have come to an end with everything."""

    @property
    def plan(self) -> Plan:
        return Plan(self.seed, self.clean, self.faults, self.kinds)


@dataclass(slots=True)
class Result:
    """What a run showed.  ``during`` is the trouble that each payment began in, by its number."""

    options: Options
    cases: list[Case]
    findings: list[Finding]
    pages: Pages
    happened: Counter[Trouble]
    during: dict[int, Trouble]
    lives: dict[str, int]
    skipped: list[str]
    lost: int
    took: float
    rested: float
    """Seconds from the last payment to nothing being open any more."""
    folder: Path


@dataclass(slots=True)
class Site:
    """Everything that a run is made of, started."""

    folder: Path
    upstream: Supervised
    place: Place
    ledger: Ledger
    client: Client
    skipped: list[str] = field(default_factory=list)


@asynccontextmanager
async def site(options: Options) -> AsyncIterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix=f"payguard-chaos-{options.database}-"))
    skipped: list[str] = []
    without_foreign()
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(Supervised(folder, options.plan))
        policy = Policy(folder, upstream.port)
        try:
            shim = await asyncio.to_thread(Shim, folder, DATABASE)
        except NoShim as missing:
            shim = None
            skipped.append(f"NO SHIM, so no power cuts, full disks or moved clocks: {missing}")
        make = _on_sqlite if options.database == "sqlite" else _on_postgres
        place, ledger = await make(stack, options, folder, policy, shim)
        for gateway in place.gateways:
            if shim is not None:
                gateway.shimmed(shim, Control(gateway.folder.with_suffix(".control")))
            stack.push_async_callback(gateway.kill)
            await gateway.start()
        client = Client([gateway.port for gateway in place.gateways], options.seed)
        yield Site(folder, upstream, place, ledger, client, skipped)


Made = tuple[Place, Ledger]


async def _on_sqlite(_: AsyncExitStack, options: Options, folder: Path, policy: Policy, shim: Shim | None) -> Made:
    file = folder / "one" / DATABASE
    settings = {"DATABASE_URL": f"sqlite:///{file}", **dict(options.settings)}
    gateway = Gateway(folder / "one", policy.path, settings, arguments=options.arguments)
    return Place([gateway], policy, shim=shim), SqliteLedger(file)


async def _on_postgres(
    stack: AsyncExitStack, options: Options, folder: Path, policy: Policy, shim: Shim | None
) -> Made:
    server = stack.enter_context(postgres_server())
    name = await server.create()
    proxies, gateways = [], []
    for number, title in enumerate(("one", "two")):
        proxy = await stack.enter_async_context(Proxy(("127.0.0.1", server.port), options.seed + number))
        url = f"postgresql://payguard:{server.password}@127.0.0.1:{proxy.port}/{name}?sslmode=disable"
        settings = {"DATABASE_URL": url, **dict(options.settings)}
        gateways.append(Gateway(folder / title, policy.path, settings, arguments=options.arguments))
        proxies.append(proxy)
    place = Place(gateways, policy, shim=shim, postgres=server, proxies=proxies)
    return place, PostgresLedger(server, name)


async def run(options: Options, say: Say) -> Result:
    """The folder of a run is kept where something was found, and removed otherwise."""
    began = monotonic()
    async with site(options) as made:
        for skipped in made.skipped:
            say(skipped)
        passing = Passing(made, options, say)
        await passing.all()
        rested = await _rest(made, options, say)
        views = await passing.views()
        await repeat(made.client, views, options.seed)
        await _rest(made, options, say)
        records = await recorded(made.ledger)
        findings, all_cases, pages = _judged(views, records, made, options)
        findings += [Finding(Check.DISAGREES, "API", each) for each in await _api_differs(made, records)]
        troubles = passing.troubles
        result = Result(
            options=options,
            cases=all_cases,
            findings=findings,
            pages=pages,
            happened=troubles.happened,
            during=passing.during,
            lives={gateway.name: gateway.lives for gateway in made.place.gateways},
            skipped=made.skipped,
            lost=troubles.files_lost + sum(proxy.lost for proxy in made.place.proxies),
            took=monotonic() - began,
            rested=rested,
            folder=made.folder,
        )
    if not findings:
        shutil.rmtree(made.folder)
    return result


def _judged(
    views: Sequence[View], records: Sequence[Recorded], made: Site, options: Options
) -> tuple[list[Finding], list[Case], Pages]:
    pages = read(made.upstream.book)
    all_cases = cases(views, records, pages)
    return judge(all_cases, records, pages, options.clean), all_cases, pages


async def _api_differs(made: Site, records: Iterable[Recorded]) -> list[str]:
    return differences(records, await listed(made.place.gateways[0].admin))


class Passing:
    """Payments pass: first the clean ones, then stretch by stretch."""

    def __init__(self, made: Site, options: Options, say: Say) -> None:
        self.troubles = Troubles(made.place, options.seed)
        self.during: dict[int, Trouble] = {}
        self._made = made
        self._options = options
        self._say = say
        self._views: list[View] = []
        self._passing: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(options.workers)
        self._draw = random.Random(f"{options.seed}:arrivals")
        self._number = 0

    async def all(self) -> None:
        """Until as many payments have passed, and as many gateways were killed, as the options say."""
        options = self._options
        await self._pass(Stretch(Trouble.NONE, options.clean, 0))
        possible = [each for each in self._made.place.possible() if each in (options.troubles or tuple(Trouble))]
        kills = options.kills if DEADLY.intersection(possible) else 0
        for stretch in stretches(options.seed, possible, each=options.each, kills=options.kills_each):
            if self._number >= options.payments and self.kills >= kills:
                break
            await self._pass(stretch)

    @property
    def kills(self) -> int:
        return sum(self.troubles.happened[trouble] for trouble in DEADLY)

    async def _pass(self, stretch: Stretch) -> None:
        """Payments come at random moments, ``pace`` a second, while the trouble lasts; else as fast as they can."""
        began, first = monotonic(), self._number
        events = asyncio.create_task(self.troubles.befall(stretch.trouble, stretch.events))
        while self._number < first + stretch.count or not events.done():
            await self._slots.acquire()
            self.during[self._number] = stretch.trouble
            self._passing.add(asyncio.create_task(self._work(self._number)))
            self._number += 1
            if stretch.events and not events.done():
                await asyncio.sleep(self._draw.expovariate(self._options.pace))
        await events
        count, took = self._number - first, monotonic() - began
        events_said = f" ×{stretch.events}" if stretch.events else ""
        self._say(f"{first:>6}  {stretch.trouble}{events_said}: {count} payments in {took:.0f} s")

    async def _work(self, number: int) -> None:
        try:
            view = await self._made.client.pay(self._options.plan.payment(number))
        finally:
            self._slots.release()
        self._views.append(view)
        if view.told not in FINAL and view.ids:
            await self._made.client.follow(view)

    async def views(self) -> list[View]:
        """Once every client has had its last word, or has lost its patience."""
        await asyncio.gather(*self._passing)
        return self._views


async def _rest(made: Site, options: Options, say: Say) -> float:
    """Until nothing is open in the ledger any more; for how long that took."""
    began = monotonic()
    while (count := await still_open(made.ledger)) and monotonic() - began < options.settles_within:  # noqa: ASYNC110 - others write it
        await asyncio.sleep(0.5)
    took = monotonic() - began
    say(f"came to rest after {took:.0f} s, {count} still open")
    return took


async def repeat(client: Client, views: Sequence[View], seed: int) -> None:
    """A sample of what was settled is sent once more: nobody may execute it again, or be told otherwise."""
    settled = [view for view in views if view.told in (Told.SUCCEEDED, Told.FAILED)]
    sample = random.Random(f"{seed}:repeat").sample(settled, min(200, len(settled)))
    await asyncio.gather(*(client.once_more(view) for view in sample))
