"""The upstream: takes payments, keeps a book of what arrived and what it executed, and fails as the plan says.

``python -m chaos.upstream --port 9000 --book FILE --seed 1``.  ``POST /KIND/v1/payments`` takes a payment as an
upstream of that kind does; ``GET /KIND/v1/payments?key=…`` looks one up.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import socket
import struct
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from chaos.acts import ACTS, Act, Answers, Executes
from chaos.book import Arrival, Book, Execution, Pages, read
from chaos.plan import CURRENCY, NEVER_EXECUTES_AFTER, WINDOW, Fault, Kind, Payment, Plan
from chaos.wire import Request, encode_answer, glimpse, take_request

LAG = 2.0
"""Seconds after an execution in which a look-up at the kind that promises nothing does not find it yet."""

_RESET = struct.pack("ii", 1, 0)


class Wire(asyncio.Protocol):
    """One connection: the tap is here, and each request is in the book before anything is done about it."""

    def __init__(self, upstream: Upstream) -> None:
        self._upstream = upstream
        self._seen = bytearray()
        self._transport: asyncio.Transport | None = None
        self._works: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._seen += data
        while request := take_request(self._seen):
            del self._seen[: request.size]
            arrival = self._upstream.tap(request) if request.method == "POST" else None
            work = asyncio.create_task(self._upstream.serve(self, request, arrival))
            self._works.add(work)
            work.add_done_callback(self._works.discard)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._seen:
            self._upstream.tap_half(self._seen)

    def send(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()

    def reset(self) -> None:
        """With a RST, after what was written."""
        if self._transport is not None:
            bound = self._transport.get_extra_info("socket")
            if bound is not None and not self._transport.is_closing():
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()


class Upstream:
    """Three kinds behind one port, by the path.  What it knows, it knows from its book, also after it was killed."""

    def __init__(self, plan: Plan, path: Path) -> None:
        self._plan = plan
        pages = read(path)
        self._book = Book(path)
        self._book.begins(time.time())
        self._arrived = Counter(arrival.reference for arrival in pages.arrivals)
        self._numbers = max((arrival.number for arrival in pages.arrivals), default=0)
        self._began: dict[str, float] = {}
        self._at_work: set[str] = set()
        self._executed: dict[str, Execution] = {each.key: each for each in pages.executions}
        self._declined = dict(pages.declined)
        self._taken = {entry["key"]: arrival for arrival, entry in pages.taken.items()}
        self._looked_up = pages.looked_up
        self._later: set[asyncio.Task[None]] = set()
        for arrival in pages.arrivals:
            self._began.setdefault(arrival.key, arrival.at)
        self._resume(pages)

    def _resume(self, pages: Pages) -> None:
        """What was taken before it was killed is done all the same."""
        for number, entry in pages.taken.items():
            key, reference = entry["key"], entry["reference"]
            if key not in self._executed and key not in self._declined:
                arrival = Arrival(number, 0.0, key, reference, whole=True)
                self._soon(self._finish(arrival, self._plan.of(reference), entry["due"] - time.time()))

    def _soon(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    # the tap

    def tap(self, request: Request) -> Arrival:
        key, reference = request.headers.get("idempotency-key", ""), glimpse(request.body)[1]
        return self._note(key, reference, whole=True)

    def tap_half(self, seen: bytearray) -> None:
        if not seen.startswith(b"GET "):
            self._note(*glimpse(seen), whole=False)

    def _note(self, key: str, reference: str, *, whole: bool) -> Arrival:
        self._numbers += 1
        arrival = Arrival(self._numbers, time.time(), key, reference, whole)
        self._book.arrived(arrival)
        self._arrived[reference] += 1
        self._began.setdefault(key, arrival.at)
        return arrival

    # what is asked

    async def serve(self, wire: Wire, request: Request, arrival: Arrival | None) -> None:
        if arrival is None:
            self._look_up(wire, request)
            return
        payment = self._plan.of(arrival.reference)
        if payment.kind is Kind.DEDUPLICATING and (known := self._known(arrival, payment)):
            wire.send(known)
            return
        first = self._arrived[arrival.reference] == 1
        self._at_work.add(arrival.key)
        try:
            await self._perform(wire, arrival, payment, ACTS[payment.fault if first else Fault.NONE])
        finally:
            self._at_work.discard(arrival.key)

    def _known(self, arrival: Arrival, payment: Payment) -> bytes | None:
        """What a repeat within the window is answered; None for what has to be executed."""
        key = arrival.key
        if arrival.at - self._began[key] > WINDOW:
            return None
        if key in self._executed:
            return encode_answer(201, self._document(self._executed[key].arrival, payment, "paid"))
        if key in self._declined:
            return encode_answer(402, self._document(self._declined[key], payment, "declined"))
        if key in self._taken:
            return encode_answer(202, self._document(self._taken[key], payment, "processing"))
        if key in self._at_work:
            return encode_answer(409, {"code": "in_progress"})
        return None

    async def _perform(self, wire: Wire, arrival: Arrival, payment: Payment, act: Act) -> None:
        if act.waits:
            await asyncio.sleep(payment.delay)
        status = "paid"
        match act.executes:
            case Executes.NOW:
                self._execute(arrival, payment, act.short)
            case Executes.LATER:
                await asyncio.sleep(payment.delay)
                if payment.kind is Kind.LATE or time.time() - arrival.at < NEVER_EXECUTES_AFTER - 0.2:
                    self._execute(arrival, payment, 0)
            case Executes.PENDING:
                self._book.taken(arrival.number, arrival.key, payment.reference, time.time() + payment.delay)
                self._taken[arrival.key] = arrival.number
                self._soon(self._finish(arrival, payment, payment.delay))
                status = "processing"
            case Executes.DECLINES:
                self._decline(arrival)
                status = "declined"
            case Executes.NEVER:
                status = "not executed"
                if act.status == 429:
                    self._book.declared(arrival.number)
        self._answer(wire, act, self._document(arrival.number, payment, status))

    def _execute(self, arrival: Arrival, payment: Payment, short: int) -> None:
        amount = payment.amount - short
        execution = Execution(arrival.number, time.time(), arrival.key, payment.reference, amount, CURRENCY)
        self._book.executed(execution)
        self._executed[arrival.key] = execution

    def _decline(self, arrival: Arrival) -> None:
        self._book.declined(arrival.number, arrival.key)
        self._declined[arrival.key] = arrival.number

    async def _finish(self, arrival: Arrival, payment: Payment, delay: float) -> None:
        await asyncio.sleep(max(0.0, delay))
        if payment.declines:
            self._decline(arrival)
        else:
            self._execute(arrival, payment, 0)

    def _answer(self, wire: Wire, act: Act, document: Mapping[str, Any]) -> None:
        match act.answers:
            case Answers.WHOLE:
                wire.send(encode_answer(act.status, document))
            case Answers.WHOLE_THEN_RESET:
                wire.send(encode_answer(act.status, document))
                wire.reset()
            case Answers.HALF_THEN_RESET:
                wire.send(b"HTTP/1.1 201 Created\r\nContent-Ty")
                wire.reset()
            case Answers.TRUNCATED:
                wire.send(encode_answer(act.status, document, longer=40))
                wire.close()
            case Answers.CLOSE:
                wire.close()
            case Answers.RESET:
                wire.reset()
            case Answers.HANG:
                pass
            case Answers.DIES:
                os.kill(os.getpid(), signal.SIGKILL)

    def _document(self, arrival: int, payment: Payment, status: str) -> dict[str, Any]:
        return {
            "id": f"pay_{arrival}",
            "reference": payment.reference,
            "status": status,
            "amount": payment.amount,
            "currency": CURRENCY,
        }

    # looking up

    def _look_up(self, wire: Wire, request: Request) -> None:
        key, kind = request.query("key"), Kind(request.path.split("/")[1])
        self._looked_up[key] += 1
        if self._plan.look_up_fails(key, self._looked_up[key]):
            self._book.looked_up(key, "failed")
            wire.close()
            return
        status, document = self._found(key, kind)
        self._book.looked_up(key, document["status"])
        wire.send(encode_answer(status, document))

    def _found(self, key: str, kind: Kind) -> tuple[int, dict[str, Any]]:
        if kind is Kind.DEDUPLICATING:
            return 501, {"status": "cannot be looked up"}
        execution = self._executed.get(key)
        if execution is not None and not (kind is Kind.LATE and time.time() - execution.at < LAG):
            document = self._document(execution.arrival, self._plan.of(execution.reference), "paid")
            return 200, document | {"key": key, "amount": execution.amount}
        if key in self._declined:
            return 200, {"key": key, "status": "declined"}
        if key in self._taken:
            return 200, {"key": key, "status": "processing"}
        return 404, {"status": "not found"}


async def serve(plan: Plan, book: Path, port: int) -> None:
    upstream = Upstream(plan, book)
    server = await asyncio.get_running_loop().create_server(lambda: Wire(upstream), "127.0.0.1", port, backlog=512)
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(prog="chaos.upstream", description=__doc__)
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--book", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--clean", type=int, default=0)
    parser.add_argument("--faults", default="")
    parser.add_argument("--kinds", default=",".join(Kind))
    given = parser.parse_args()
    faults = tuple(Fault(each) for each in given.faults.split(";") if each)
    kinds = tuple(Kind(each) for each in given.kinds.split(","))
    asyncio.run(serve(Plan(given.seed, given.clean, faults, kinds), given.book, given.port))


if __name__ == "__main__":
    main()
