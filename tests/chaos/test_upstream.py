"""The upstream as a process, asked by the client without a gateway between them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bench.process import Process
from bench.site import free_port
from chaos.acts import ACTS
from chaos.book import Pages, read
from chaos.client import Client
from chaos.plan import Fault, Kind, Payment, Plan
from chaos.wire import Answer, Broken, ask, encode_request


class Running:
    def __init__(self, folder: Path, *arguments: str) -> None:
        self.port = free_port()
        self.path = folder / "book"
        command = [sys.executable, "-m", "chaos.upstream", "--port", str(self.port), "--book", str(self.path)]
        self.command = [*command, "--seed", "1", *arguments]
        self.log = folder / "log"
        self.client = Client([self.port])

    @asynccontextmanager
    async def alive(self) -> AsyncIterator[None]:
        with Process(self.command, self.log):
            while True:
                try:
                    await ask("127.0.0.1", self.port, "GET", "/naked/v1/payments?key=")
                    break
                except Broken:
                    await asyncio.sleep(0.02)
            yield

    async def pay(self, payment: Payment) -> Answer:
        return await self.client.post(payment, 0)

    async def look_up(self, payment: Payment) -> Answer:
        """As often as it takes to get an answer."""
        while True:
            try:
                return await ask("127.0.0.1", self.port, "GET", f"/{payment.kind}/v1/payments?key={payment.key}")
            except Broken:
                continue

    @property
    def book(self) -> Pages:
        return read(self.path)

    async def until(self, condition: Callable[[Pages], object]) -> None:
        while not condition(self.book):  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.02)


def first(fault: Fault, kind: Kind, **wanted: object) -> Payment:
    plan = Plan(1, faults=(fault,), kinds=(kind,))
    return next(
        each
        for each in map(plan.payment, range(1000))
        if all(getattr(each, name) == value for name, value in wanted.items())
    )


def arguments(fault: Fault, kind: Kind) -> tuple[str, ...]:
    return "--faults", fault, "--kinds", kind


BROKEN = sorted(set(Fault) - {Fault.HANG, Fault.HANG_AFTER_COMMIT, Fault.DELAYED, Fault.RESET_AFTER})
"""Those that a client need not wait for."""


def test_there_is_an_act_for_every_fault() -> None:
    assert set(ACTS) == set(Fault)


@pytest.mark.parametrize("fault", BROKEN)
async def test_each_fault_executes_and_answers_as_its_name_says(fault: Fault, tmp_path: Path) -> None:
    running = Running(tmp_path, *arguments(fault, Kind.NAKED))
    payment = first(fault, Kind.NAKED)
    async with running.alive():
        try:
            status = (await running.pay(payment)).status
        except Broken:
            status = 0

    answered = {Fault.NONE: 201, Fault.SLOW: 201, Fault.ERROR_BEFORE: 500, Fault.ERROR_AFTER: 500, Fault.BUSY: 429}
    answered |= {Fault.BAD_GATEWAY_AFTER: 502, Fault.PENDING: 202, Fault.DECLINED: 402}
    silent = {Fault.RESET_BEFORE, Fault.ERROR_BEFORE, Fault.PENDING, Fault.DECLINED, Fault.BUSY, Fault.KILLED_BEFORE}
    assert status == answered.get(fault, 0)
    assert [each.reference for each in running.book.arrivals] == [payment.reference]
    assert len(running.book.executions) == (fault not in silent)


async def test_a_naked_upstream_executes_whatever_arrives(tmp_path: Path) -> None:
    running = Running(tmp_path, *arguments(Fault.NONE, Kind.NAKED))
    payment = first(Fault.NONE, Kind.NAKED)
    async with running.alive():
        for _ in range(3):
            await running.pay(payment)

    assert len(running.book.arrivals) == len(running.book.executions) == 3


async def test_one_that_deduplicates_executes_a_key_once_also_after_it_was_killed(tmp_path: Path) -> None:
    running = Running(tmp_path, *arguments(Fault.KILLED_AFTER, Kind.DEDUPLICATING))
    payment = first(Fault.KILLED_AFTER, Kind.DEDUPLICATING)
    async with running.alive():
        with pytest.raises(Broken):
            await running.pay(payment)
    async with running.alive():
        assert (await running.pay(payment)).status == 201

    assert (len(running.book.arrivals), len(running.book.executions), running.book.lives) == (2, 1, 2)


async def test_what_was_taken_is_done_also_after_it_was_killed(tmp_path: Path) -> None:
    running = Running(tmp_path, *arguments(Fault.PENDING, Kind.NAKED))
    payment = first(Fault.PENDING, Kind.NAKED, declines=False)
    async with running.alive():
        assert (await running.pay(payment)).status == 202
        assert (await running.look_up(payment)).json()["status"] == "processing"
    async with running.alive():
        await running.until(lambda pages: pages.executions)
        assert (await running.look_up(payment)).json()["status"] == "paid"


async def test_half_a_request_is_seen_on_the_wire(tmp_path: Path) -> None:
    running = Running(tmp_path)
    async with running.alive():
        _, writer = await asyncio.open_connection("127.0.0.1", running.port)
        writer.write(encode_request("POST", "/naked/v1/payments", {"Idempotency-Key": "k"}, b"{}" * 50)[:-20])
        writer.close()
        await running.until(lambda pages: pages.arrivals)

    assert [(each.key, each.whole) for each in running.book.arrivals] == [("k", False)]


async def test_a_look_up_tells_what_was_executed_and_that_nothing_is_known(tmp_path: Path) -> None:
    running = Running(tmp_path, *arguments(Fault.OTHER_AMOUNT, Kind.NAKED))
    payment = first(Fault.OTHER_AMOUNT, Kind.NAKED)
    async with running.alive():
        assert (await running.look_up(payment)).status == 404
        with pytest.raises(Broken):
            await running.pay(payment)
        found = (await running.look_up(payment)).json()

    assert (found["status"], found["amount"]) == ("paid", payment.amount - 1)


async def test_the_kind_that_promises_nothing_is_behind_and_one_that_deduplicates_cannot_be_asked(
    tmp_path: Path,
) -> None:
    late, dedup = first(Fault.NONE, Kind.LATE), first(Fault.NONE, Kind.DEDUPLICATING)
    running = Running(tmp_path, "--faults", Fault.NONE)
    async with running.alive():
        await ask("127.0.0.1", running.port, "POST", "/late/v1/payments", headers={"Idempotency-Key": late.key},
                  body=b'{"reference":"%b"}' % late.reference.encode())  # fmt: skip
        assert (await running.look_up(late)).status == 404
        assert (await running.look_up(dedup)).status == 501
