"""``python -m bench.steps``: what the steps of the request path cost, each by itself and all without their sockets."""

from __future__ import annotations

import asyncio
import gc
import os
import statistics
from collections.abc import Awaitable, Callable, Sequence
from time import process_time

import click
import uvloop
from rich.table import Table

from bench.path import Path, data_plane, upstream
from bench.running import console
from bench.workload import ANSWER, POST
from gateway import Headers
from gateway.body import Body
from gateway.dataplane.chain import Chain
from gateway.dataplane.headers import ANSWERED, REQUESTED, forwarding
from gateway.dataplane.router import Match, Router
from gateway.dataplane.snapshot import Route
from gateway.dataplane.strictness import judge
from gateway.exchange import Exchange
from gateway.fields import Names, Pieces, RawHeader
from gateway.ids import request_id
from gateway.messages import Received, Request, Response
from gateway.parts import Config, Filter
from gateway.telemetry.lines import Lines
from gateway.telemetry.log import ExchangeLog
from gateway.telemetry.masking import Masking
from gateway.telemetry.metrics import Metrics
from gateway.trace import continue_or_begin

Run = Callable[[int], Awaitable[None]]
"""Does its step so often."""

_RAW = [(name.lower().encode(), value.encode()) for name, value in POST.headers]
_RAW += [(b"host", b"payments.example"), (b"content-length", b"600")]
_ANSWERED = [(b"server", b"nginx"), (b"content-type", b"application/json"), (b"connection", b"keep-alive")]


class Noop(Filter[Config]):
    """Looks at every exchange and does nothing."""

    name = "noop"

    def __init__(self) -> None: ...  # neither options nor a scope

    async def on_request(self, exchange: Exchange) -> None: ...

    async def on_response(self, exchange: Exchange) -> None: ...


class Instant:
    """An upstream that answers without being asked."""

    async def dispatch(self, exchange: Exchange) -> Response:
        return Response(200, body=ANSWER)


def exchange() -> Exchange:
    """An exchange as the data plane makes it."""
    body = Body(POST.body)
    received = Received("POST", b"/v1/payments", tuple(_RAW), body, "127.0.0.1", "127.0.0.1", "http")
    trace = continue_or_begin(None, 0.01)
    pieces = read(REQUESTED, _RAW)
    pieces += forwarding(_RAW, peer="127.0.0.1", scheme="http", host=b"payments.example", trusted=False)
    request = Request("POST", "/v1/payments", body=body, pieces=pieces)
    return Exchange(request_id(), received, request, trace)


def read(names: Names, fields: Sequence[RawHeader]) -> Pieces:
    """What may pass on, as the parsers' callbacks find it."""
    pieces: Pieces = []
    for name, value in fields:
        _, beginning, _ = names[name]
        if beginning is not None:
            pieces += (beginning, value)
    return pieces


def router(routes: int) -> Router:
    """The last of its routes takes the payment."""
    paths = [f"/v1/other{number}/{{id}}" for number in range(routes - 1)] + ["/v1/payments"]
    chain = Chain([], Instant())
    return Router([Route(path, Match(frozenset({"POST"}), path), chain) for path in paths])


async def ended() -> Exchange:
    """An exchange that has been answered, through two filters."""
    made = exchange()
    await Chain([(Noop(), "enforce"), (Noop(), "enforce")], upstream())(made)
    made.route = "create-payment"
    return made


async def steps(null: int) -> dict[str, Run]:
    """All of them; ``null`` is where log lines go."""
    headers = Headers(raw=_RAW)
    one, many = router(1), router(20)
    log = ExchangeLog(Masking(), Lines(null)).ended
    metrics = Metrics().ended
    done = await ended()
    return {
        "request id": _calls(request_id),
        "trace begun": _calls(lambda: continue_or_begin(None, 0.01)),
        "head judged": _calls(lambda: judge(b"POST", "1.1", b"/v1/payments", _RAW)),
        "headers to the upstream": _calls(lambda: read(REQUESTED, _RAW)),
        "headers to the client": _calls(lambda: read(ANSWERED, _ANSWERED)),
        "route found, of 1": _calls(lambda: one.find("POST", "/v1/payments", "payments.example", headers)),
        "route found, the last of 20": _calls(lambda: many.find("POST", "/v1/payments", "payments.example", headers)),
        "exchange made": _calls(exchange),
        "… and run through no filters": _chain(0),
        "… and run through 8 no-op filters": _chain(8),
        "… and sent by pool and parser": _dispatch,
        "whole path without sockets": Path(data_plane()).serve,
        "whole path, 8 no-op filters": Path(data_plane([Noop() for _ in range(8)])).serve,
        "log line": _calls(lambda: log(done)),
        "metrics": _calls(lambda: metrics(done)),
        "whole path, log line and metrics": Path(data_plane(observers=[log, metrics])).serve,
    }


def _calls(call: Callable[[], object]) -> Run:
    async def run(count: int) -> None:
        for _ in range(count):
            call()

    return run


def _chain(filters: int) -> Run:
    chain = Chain([(Noop(), "enforce") for _ in range(filters)], Instant())

    async def run(count: int) -> None:
        for _ in range(count):
            await chain(exchange())

    return run


async def _dispatch(count: int) -> None:
    """By 32 tasks, as under load: a turn of the loop, which one alone would pay for, is shared."""
    origin = upstream()

    async def client() -> None:
        for _ in range(count // 32):
            await origin.dispatch(exchange())

    async with asyncio.TaskGroup() as group:
        for _ in range(32):
            group.create_task(client())


async def measure(run: Run, count: int, repeats: int) -> list[float]:
    """CPU microseconds of one, per repeat.  The collector runs between repeats, so it is in nobody's figure."""
    await run(count // 10 + 40)
    found = []
    for _ in range(repeats):
        gc.collect()
        began = process_time()
        await run(count)
        found.append((process_time() - began) / count * 1e6)
    return found


@click.command()
@click.option("--count", default=4000, show_default=True, type=click.IntRange(100))
@click.option("--repeats", default=9, show_default=True, type=click.IntRange(1))
@click.option("--collect/--no-collect", default=True, show_default=True, help="With the garbage collector on.")
def main(*, count: int, repeats: int, collect: bool) -> None:
    """Measure the steps: the least of the repeats is the step, the rest is what else the machine did."""
    table = Table(title=f"CPU µs per step, {repeats} repeats of {count:,}", title_justify="left")
    table.add_column("step")
    table.add_column("least", justify="right")
    table.add_column("median", justify="right")

    async def run(null: int) -> None:
        for name, step in (await steps(null)).items():
            found = await measure(step, count, repeats)
            table.add_row(name, f"{min(found):.1f}", f"{statistics.median(found):.1f}")

    if not collect:
        gc.disable()
    with open(os.devnull, "wb") as null, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:  # noqa: PTH123
        runner.run(run(null.fileno()))
    console().print(table)


if __name__ == "__main__":
    main()
