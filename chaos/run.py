"""A run: gateways are set up, payments pass while faults happen, everything comes to rest, and the judge judges."""

from __future__ import annotations

import asyncio
import random
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from chaos.book import Pages, read
from chaos.client import FINAL, Client, Told, View
from chaos.judge import Case, Check, Finding, Recorded, cases, judge
from chaos.ledgers import differences, listed, recorded, still_open
from chaos.plan import DEADLY, Stretch, Trouble, stretches
from chaos.site import Options, Site, site
from chaos.troubles import Troubles

Say = Callable[[str], None]


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


async def run(options: Options, say: Say) -> Result:
    """The folder of a run is kept where something was found, and removed otherwise."""
    began = monotonic()
    async with site(options) as made:
        for skipped in made.skipped:
            say(skipped)
        passing = Passing(made, options, say)
        await passing.all()
        rested, left = await _rest(made, options, say)
        views = await passing.views()
        await repeat(made.client, views, options.seed)
        await _rest(made, options, say)
        records = await recorded(made.ledger)
        findings, all_cases, pages = _judged(views, records, made, options)
        findings += late(left, options.settles_within)
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
    if not (findings or options.keep):
        shutil.rmtree(made.folder)
    return result


def _judged(
    views: Sequence[View], records: Sequence[Recorded], made: Site, options: Options
) -> tuple[list[Finding], list[Case], Pages]:
    pages = read(made.upstream.book)
    all_cases = cases(views, records, pages)
    unrecorded = set().union(*(gateway.told("outcome_not_recorded") for gateway in made.place.gateways))
    return judge(all_cases, records, pages, options.clean, unrecorded), all_cases, pages


async def _api_differs(made: Site, records: Iterable[Recorded]) -> list[str]:
    return differences(records, await listed(made.place.gateways[0].admin))


class Passing:
    """Payments pass: first the clean ones, then stretch by stretch."""

    def __init__(self, made: Site, options: Options, say: Say) -> None:
        self.troubles = Troubles(made.place, options.seed, beyond=options.beyond, away=options.away)
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
        options, began = self._options, monotonic()
        if options.clean:
            await self._pass(Stretch(Trouble.NONE, options.clean, 0))
        possible = [each for each in self._made.place.possible() if each in (options.troubles or tuple(Trouble))]
        kills = options.kills if DEADLY.intersection(possible) else 0
        for stretch in stretches(options.seed, possible, each=options.each, kills=options.kills_each):
            if self._number >= options.payments and self.kills >= kills:
                break
            if monotonic() - began > options.longest:
                self._say(f"CUT SHORT after {options.longest:.0f} s: {self._number} payments, {self.kills} kills")
                break
            await self._pass(stretch)

    @property
    def kills(self) -> int:
        return sum(self.troubles.happened[trouble] for trouble in DEADLY)

    async def _pass(self, stretch: Stretch) -> None:
        """Payments come at random moments, ``pace`` a second, while the trouble lasts; else as fast as they can."""
        began, first = monotonic(), self._number
        happens = stretch.events and (self._options.events or stretch.events)
        events = asyncio.create_task(self.troubles.befall(stretch.trouble, happens))
        while self._number < first + stretch.count or not events.done():
            await self._slots.acquire()
            self.during[self._number] = stretch.trouble
            self._passing.add(asyncio.create_task(self._work(self._number)))
            self._number += 1
            if happens and not events.done():
                await asyncio.sleep(self._draw.expovariate(self._options.pace))
        await events
        count, took = self._number - first, monotonic() - began
        events_said = f" ×{happens}" if happens else ""
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


def late(left: int, within: float) -> list[Finding]:
    """That recovery did not come to its end in time, though it may have since."""
    return [Finding(Check.LEFT_OPEN, "-", f"{left} payments, {within:.0f} s after the last came")] if left else []


async def _rest(made: Site, options: Options, say: Say) -> tuple[float, int]:
    """Until nothing is open in the ledger any more; for how long that took, and what is open all the same."""
    began = monotonic()
    while (count := await still_open(made.ledger)) and monotonic() - began < options.settles_within:  # noqa: ASYNC110 - others write it
        await asyncio.sleep(0.5)
    took = monotonic() - began
    say(f"came to rest after {took:.0f} s, {count} still open")
    return took, count


async def repeat(client: Client, views: Sequence[View], seed: int) -> None:
    """A sample of what was settled is sent once more: nobody may execute it again, or be told otherwise."""
    settled = [view for view in views if view.told in (Told.SUCCEEDED, Told.FAILED)]
    sample = random.Random(f"{seed}:repeat").sample(settled, min(200, len(settled)))
    await asyncio.gather(*(client.once_more(view) for view in sample))
