"""What the ledger has of a payment, whatever its upstream does; on a real ledger, over real sockets."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from gateway.audit.protocol import UNKEPT, Auditor, Unkept
from gateway.crypto.keyring import LocalKeyring
from gateway.database.protocol import DatabaseDown
from gateway.database.sqlite import SqliteDatabase
from gateway.dataplane.acceptance import Limits
from gateway.dataplane.chain import Chain
from gateway.dataplane.outcomes import Outcomes, Rule
from gateway.dataplane.payment import PaymentReader
from gateway.dataplane.recorder import Recorder
from gateway.dataplane.router import Match
from gateway.dataplane.snapshot import Route
from gateway.dataplane.terms import Means, Terms
from gateway.dataplane.upstream import Timeouts, Upstream
from gateway.errors import DependencyDown, Rejected
from gateway.exchange import Exchange
from gateway.holding import Hold
from gateway.ledger.bodies import Bodies
from gateway.ledger.late import LateOutcomes
from gateway.ledger.owners import Owners
from gateway.ledger.records import Query, Record, Settlement, State
from gateway.ledger.sql import SqlLedger
from gateway.messages import Response
from gateway.outcomes import Outcome
from gateway.parts import Config, Filter
from gateway.telemetry.masking import Masking
from tests.gateway.dataplane.harness import (
    OK,
    PATIENT,
    Gateway,
    RawUpstream,
    answering,
    gateway,
    raw_upstream,
    reads_and_closes,
    reads_and_resets,
    until,
)

BODY = b'{"amount": 4200, "currency": "eur", "customer": "cus_1"}'
PAYMENT = b"POST /v1/payments HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (
    len(BODY),
    BODY,
)
DECLINED = b"HTTP/1.1 402 Payment Required\r\ncontent-length: 0\r\n\r\n"
REFUSED = b"HTTP/1.1 429 Too Many Requests\r\ncontent-length: 0\r\n\r\n"
FAILED = b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\n\r\n"
TAKEN = b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n"


class Claims(Filter[Config]):
    """Claims each request by its header ``key``; a repeat is answered with the state that it found."""

    name = "claims"
    reserves = True

    def __init__(self) -> None: ...

    async def on_request(self, exchange: Exchange) -> Response | None:
        claim = hashlib.sha256(exchange.request.headers["key"].encode()).digest()
        found = await exchange.reserve(claim, "salt:fingerprint", 3600.0)
        if isinstance(found, Record):
            again = found.state is State.RELEASED and await exchange.reserve_again(found)
            return None if again else Response(409, body=found.state.encode())
        return None


CLAIMS = (Claims(),)


class Refuses(Filter[Config]):
    name = "refuses"

    def __init__(self, error: Exception | None = None, answer: Response | None = None) -> None:
        self._error, self._answer = error, answer

    async def on_request(self, exchange: Exchange) -> Response | None:
        if self._error is not None:
            raise self._error
        return self._answer


class Holds(Filter[Config]):
    name = "holds"

    def __init__(self) -> None: ...

    async def on_request(self, exchange: Exchange) -> Response | None:
        return await exchange.hold("looks odd")


class Rewrites(Filter[Config]):
    """Changes what passes it up."""

    name = "rewrites"

    def __init__(self, error: Exception | None = None) -> None:
        self._error = error

    async def on_response(self, exchange: Exchange) -> None:
        if self._error is not None:
            raise self._error
        exchange.answer.body = b"rewritten"


class Troubled(SqlLedger):
    """A ledger whose connection breaks where a test says so; ``after`` that the change was committed."""

    def __init__(self, database: SqliteDatabase) -> None:
        super().__init__(database)
        self.database = database
        self.before: set[str] = set()
        self.after: set[str] = set()

    def _troubled(self, name: str, change: Callable[[], Awaitable[bool]]) -> Awaitable[bool]:
        async def troubled() -> bool:
            if name in self.before:
                raise DatabaseDown
            done = await change()
            if name in self.after:
                raise DatabaseDown
            return done

        return troubled()

    def send(self, *given: Any) -> Awaitable[bool]:
        return self._troubled("send", lambda: super(Troubled, self).send(*given))

    def begin(self, *given: Any) -> Awaitable[bool]:
        return self._troubled("begin", lambda: super(Troubled, self).begin(*given))

    def settle(self, *given: Any) -> Awaitable[bool]:
        return self._troubled("settle", lambda: super(Troubled, self).settle(*given))


@dataclass
class Site:
    """A gateway that records, its upstream and its ledger."""

    gateway: Gateway
    upstream: RawUpstream
    ledger: Troubled
    told: list[str] = field(default_factory=list)
    late: LateOutcomes | None = None
    keys: int = 0

    async def pay(self, key: str = "a") -> Any:
        return await self.gateway.ask(PAYMENT.replace(b"\r\n\r\n", b"\r\nkey: %b\r\n\r\n" % key.encode(), 1))

    async def records(self) -> list[Record]:
        return [found for each in await self.ledger.list(Query()) if (found := await self.ledger.find(each.id))]

    async def sent(self) -> Record:
        """The one record, once it is sent."""
        async with asyncio.timeout(PATIENT):
            while not (found := await self.records()) or found[0].state is not State.SENT:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return found[0]

    async def record(self) -> Record:
        [record] = await self.records()
        return record


@pytest.fixture
def bodies() -> Bodies:
    return Bodies(LocalKeyring.parse("1:" + "11" * 32), "shop")


@pytest.fixture
async def ledger(sqlite_path: Path) -> AsyncGenerator[Troubled]:
    database = SqliteDatabase(sqlite_path)
    await database.open()
    yield Troubled(database)
    await database.close()


@asynccontextmanager
async def site(
    ledger: Troubled,
    bodies: Bodies,
    *talks: Any,
    filters: Any = CLAIMS,
    terms: dict[str, Any] | None = None,
    rules: Any = (),
    to: Any = None,
    audit: Auditor = UNKEPT,
    **options: Any,
) -> AsyncGenerator[Site]:
    told: list[str] = []
    tasks: set[asyncio.Task[None]] = set()

    def start(work: Any) -> bool:
        tasks.add(asyncio.create_task(work))
        return True

    late = LateOutcomes(ledger, start)
    masking = Masking()
    owners = Owners(masking, lambda _, caller: [f"hash of {caller}"])
    means = Means(
        ledger,
        late,
        bodies,
        masking,
        lambda _, value: f"hash of {value}",
        owners,
        lambda code, **_: told.append(code),
        audit,
    )

    def routes(upstream: Upstream) -> list[Route]:
        given = {"route": "create-payment", "operation": "payment.create", "policy": "digest", **(terms or {})}
        stand = Terms(**given)
        recorder = Recorder(stand, means, upstream, Outcomes(rules), buffer=options.get("buffer", 1 << 20))
        reader = PaymentReader(
            "payment.create", amount="/amount", currency="/currency", customer="/customer", hash_card=str
        )
        chain = Chain([(step, "enforce") for step in filters], upstream, payment=reader, recorder=recorder)
        return [Route("create-payment", Match(prefix="/"), chain, "payment.create")]

    async with raw_upstream(*talks) as upstream, gateway(to or upstream, routes=routes, **options) as serving:
        yield Site(serving, upstream, ledger, told, late)
    for task in tasks:
        task.cancel()


def states(record: Record) -> list[str]:
    return [change.state.value for change in record.history]


@dataclass(frozen=True)
class Case:
    talk: Any
    status: int
    state: str
    delivery: str = "answered"


CASES = [
    Case(OK, 200, "succeeded"),
    Case(TAKEN, 202, "pending"),
    Case(DECLINED, 402, "failed"),
    Case(REFUSED, 429, "released"),
    Case(FAILED, 500, "in_doubt"),
    Case(reads_and_closes, 502, "in_doubt", "unknown"),
    Case(reads_and_resets, 502, "in_doubt", "unknown"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.status} {case.state}")
@pytest.mark.parametrize("filters", [CLAIMS, ()], ids=["claimed", "unclaimed"])
async def test_what_became_of_a_payment_is_in_the_ledger(
    ledger: Troubled, bodies: Bodies, case: Case, filters: Any
) -> None:
    async with site(ledger, bodies, case.talk, filters=filters) as its:
        answer = await its.pay()
        record = await its.record()
    assert answer.status == case.status
    assert (record.state, record.delivery, record.attempts) == (case.state, case.delivery, 1)
    assert states(record) == (["reserved"] if filters else []) + ["sent", case.state]
    assert (record.amount, record.currency, record.customer) == (4200, "eur", "hash of cus_1")
    assert (record.due_at is not None) == (case.state in ("pending", "in_doubt"))


async def test_sent_is_committed_before_the_first_byte(ledger: Troubled, bodies: Bodies) -> None:
    seen: list[list[str]] = []

    async def looks(peer: Any) -> object:
        seen.append([record.state.value for record in await ledger.list(Query())])
        return await answering(OK)(peer)

    async with site(ledger, bodies, looks) as its:
        assert (await its.pay()).status == 200
    assert seen == [["sent"]]


async def test_the_outcome_is_committed_before_a_byte_of_the_answer(ledger: Troubled, bodies: Bodies) -> None:
    async with site(ledger, bodies) as its:
        for number in range(20):
            answer = await its.pay(str(number))
            record = await its.ledger.find(answer.get("payguard-payment-id") or "")
            assert record is not None
            assert record.state is State.SUCCEEDED


async def test_a_payment_that_did_not_reach_its_upstream_is_released(ledger: Troubled, bodies: Bodies) -> None:
    async with site(ledger, bodies) as its:
        its.gateway.upstream.pool.address = replace(its.gateway.pool.address, port=1)
        answer = await its.pay()
        record = await its.record()
    assert answer.status == 503
    assert answer.get("retry-after") == "1"
    assert states(record) == ["reserved", "released"]


async def test_what_a_filter_below_refuses_or_answers_is_released(ledger: Troubled, bodies: Bodies) -> None:
    for number, below in enumerate((Refuses(Rejected("no")), Refuses(answer=Response(200)), Refuses(ValueError()))):
        async with site(ledger, bodies, filters=(Claims(), below)) as its:
            await its.pay(str(number))
    assert [record.state.value for record in await ledger.list(Query())] == ["released"] * 3


async def test_what_is_refused_above_the_claim_is_not_recorded(ledger: Troubled, bodies: Bodies) -> None:
    async with site(ledger, bodies, filters=(Refuses(Rejected("no")), Claims())) as its:
        assert (await its.pay()).status == 403
        assert await its.records() == []


async def test_a_released_claim_executes_afresh_in_the_same_record(ledger: Troubled, bodies: Bodies) -> None:
    async with site(ledger, bodies, REFUSED, OK) as its:
        assert (await its.pay()).status == 429
        assert (await its.pay()).status == 200
        record = await its.record()
    assert record.epoch == 2
    assert states(record) == ["reserved", "sent", "released", "reserved", "sent", "succeeded"]
    assert [each["status"] for each in record.trail["attempts"]] == [200]
    assert [each["status"] for each in record.trail["earlier"][0]["attempts"]] == [429]


@pytest.mark.parametrize("lost", ["client", "reply"])
async def test_a_claim_that_another_won_is_not_released_by_who_never_heard_that_it_lost(
    ledger: Troubled, bodies: Bodies, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    claimed, asked = ledger.reserve_again, asyncio.Event()

    async def another_is_faster(*given: Any) -> bool:
        assert await claimed(*given)
        asked.set()
        if lost == "reply":
            raise DatabaseDown
        await asyncio.Event().wait()
        return False

    async with site(ledger, bodies, REFUSED) as its:
        assert (await its.pay()).status == 429
        await its.gateway.exchange()
        monkeypatch.setattr(ledger, "reserve_again", another_is_faster)
        client = await its.gateway.connect()
        await client.send(PAYMENT.replace(b"\r\n\r\n", b"\r\nkey: a\r\n\r\n", 1))
        await asked.wait()
        client.reset()
        await its.gateway.exchange()
        record = await its.record()
    assert (record.state, record.epoch) == (State.RESERVED, 2)


async def test_a_repeat_has_an_outcome_of_its_own_and_changes_nothing(ledger: Troubled, bodies: Bodies) -> None:
    async with site(ledger, bodies) as its:
        assert (await its.pay()).status == 200
        assert (await its.pay()).status == 409
        outcomes = [(await its.gateway.exchange()).outcome for _ in range(2)]
        assert outcomes == [Outcome.SUCCEEDED, Outcome.REPEATED]
        assert len(its.upstream.requests) == 1
        assert states(await its.record()) == ["reserved", "sent", "succeeded"]


async def test_a_repeat_whose_client_leaves_before_its_answer_is_nobody_s_trouble(
    ledger: Troubled, bodies: Bodies, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked, goes_on = asyncio.Event(), asyncio.Event()

    async def find_claim(_: bytes) -> None:
        looked.set()
        await goes_on.wait()

    async with site(ledger, bodies, terms={"at_once": True}) as its:
        assert (await its.pay()).status == 200
        await its.gateway.exchange()
        monkeypatch.setattr(ledger, "find_claim", find_claim)
        client = await its.gateway.connect()
        await client.send(PAYMENT.replace(b"\r\n\r\n", b"\r\nkey: a\r\n\r\n", 1))
        await looked.wait()
        client.reset()
        await its.gateway.exchange()
        assert (await its.record()).state is State.SUCCEEDED
        assert its.told == []


async def test_nothing_is_sent_where_sent_cannot_be_committed(ledger: Troubled, bodies: Bodies) -> None:
    ledger.before = {"send"}
    async with site(ledger, bodies) as its:
        answer = await its.pay()
        assert (answer.status, answer.get("retry-after")) == (503, "1")
        assert its.upstream.requests == []
        assert (await its.record()).state is State.RELEASED


@pytest.mark.parametrize("filters", [(Claims(),), ()])
async def test_nothing_is_sent_where_the_reply_to_that_commit_is_lost(
    ledger: Troubled, bodies: Bodies, filters: Any
) -> None:
    ledger.after = {"send", "begin"}
    async with site(ledger, bodies, filters=filters) as its:
        assert (await its.pay()).status == 503
        assert its.upstream.requests == []
        record = await its.record()
    assert states(record)[-2:] == ["sent", "released"]


async def test_nothing_is_sent_once_somebody_else_has_the_claim(ledger: Troubled, bodies: Bodies) -> None:
    class Robs(Filter[Config]):
        name = "robs"

        def __init__(self) -> None: ...

        async def on_request(self, exchange: Exchange) -> None:
            assert exchange.reservation is not None
            stolen = Settlement(State.RELEASED, "", "unsent", 0)
            assert await ledger.settle(exchange.reservation.id, exchange.reservation.epoch, stolen)

    async with site(ledger, bodies, filters=(Claims(), Robs())) as its:
        answer = await its.pay()
        assert (answer.status, orjson.loads(answer.body)["code"]) == (503, "claim_lost")
        assert its.upstream.requests == []


async def test_nothing_is_sent_after_the_claim_has_run_out(ledger: Troubled, bodies: Bodies) -> None:
    async with site(ledger, bodies, terms={"claim": 0.0}) as its:
        answer = await its.pay()
        assert (answer.status, orjson.loads(answer.body)["code"]) == (503, "claim_lost")
        assert its.upstream.requests == []


async def test_an_outcome_that_cannot_be_written_does_not_change_the_answer(ledger: Troubled, bodies: Bodies) -> None:
    ledger.before = {"settle"}
    async with site(ledger, bodies) as its:
        answer = await its.pay()
        assert (answer.status, answer.body) == (200, b"ok")
        assert (await its.record()).state is State.SENT
        assert its.told == ["outcome_not_recorded"]
        ledger.before = set()
        assert its.late is not None
        await until(lambda: not its.late)  # type: ignore[truthy-bool]
        assert (await its.record()).state is State.SUCCEEDED


@pytest.mark.parametrize("answer", [OK, REFUSED], ids=["succeeded", "released"])
async def test_an_answer_that_comes_after_another_was_believed_changes_nothing_and_is_told(
    ledger: Troubled, bodies: Bodies, answer: bytes
) -> None:
    answers = asyncio.Event()
    async with site(ledger, bodies, answering(answers, answer)) as its:
        paying = asyncio.create_task(its.pay())
        await its.sent()
        await ledger.database.write("UPDATE payments SET lease_until = 0, due_at = 0")
        [taken] = await ledger.take_due(1, 60.0)
        assert await ledger.resolve(taken.id, taken.revision, State.FAILED, by="status_url", reason="confirmed")
        answers.set()
        assert (await paying).status == (200 if answer == OK else 429)
        assert (await its.record()).state is State.FAILED
        assert its.told == ["outcome_refused"]


async def test_a_client_that_leaves_cancels_nothing_that_was_sent(ledger: Troubled, bodies: Bodies) -> None:
    goes_on = asyncio.Event()
    async with site(ledger, bodies, answering(goes_on, OK)) as its:
        client = await its.gateway.connect()
        await client.send(PAYMENT.replace(b"\r\n\r\n", b"\r\nkey: a\r\n\r\n", 1))
        await its.sent()
        client.reset()
        goes_on.set()
        await its.gateway.exchange()
        assert (await its.record()).state is State.SUCCEEDED


async def test_a_route_says_what_answers_mean(ledger: Troubled, bodies: Bodies) -> None:
    body = b'{"code": "not_processed"}'
    answer = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    rules = [Rule(Outcome.RELEASED, frozenset({503}), code="not_processed")]
    async with site(ledger, bodies, answer, rules=rules) as its:
        await its.pay()
        assert (await its.record()).state is State.RELEASED


async def test_the_answer_is_kept_as_it_passed_up_to_the_claim(ledger: Troubled, bodies: Bodies) -> None:
    async with site(ledger, bodies, filters=(Claims(), Rewrites())) as its:
        assert (await its.pay()).body == b"rewritten"
        kept = bodies.open_answer(await its.record())
    assert kept is not None
    assert kept.body.data == b"rewritten"


async def test_no_answer_is_kept_where_a_filter_below_the_claim_failed(ledger: Troubled, bodies: Bodies) -> None:
    async with site(ledger, bodies, filters=(Claims(), Rewrites(ValueError()))) as its:
        assert (await its.pay()).status == 500
        record = await its.record()
    assert (record.state, record.answer) == (State.SUCCEEDED, None)


async def test_an_answer_too_large_to_keep_streams_and_is_recorded_at_its_end(ledger: Troubled, bodies: Bodies) -> None:
    begun = asyncio.Event()
    large = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\naaa", begun, b"bbb")
    async with site(ledger, bodies, large, buffer=4) as its:
        client = await its.gateway.connect()
        await client.send(PAYMENT.replace(b"\r\n\r\n", b"\r\nkey: a\r\n\r\n", 1))
        await client.head()
        begun.set()
        rest = await client.exactly(6)
        exchange = await its.gateway.exchange()
        record = await its.record()
    assert rest == b"aaabbb"
    assert "answer_not_kept" in [note.code for note in exchange.notes]
    assert (record.state, record.answer) == (State.SUCCEEDED, None)


async def test_a_large_answer_that_breaks_off_is_in_doubt(ledger: Troubled, bodies: Bodies) -> None:
    async def breaks_off(peer: Any) -> object:
        request = await peer.request()
        await peer.send(b"HTTP/1.1 200 OK\r\ncontent-length: 90\r\n\r\naaabbb")
        await peer.close()
        return request

    async with site(ledger, bodies, breaks_off, buffer=4) as its:
        client = await its.gateway.connect()
        await client.send(PAYMENT.replace(b"\r\n\r\n", b"\r\nkey: a\r\n\r\n", 1))
        await client.rest()
        await its.gateway.exchange()
        assert (await its.record()).state is State.IN_DOUBT


async def test_the_request_is_kept_where_somebody_may_need_it(ledger: Troubled, bodies: Bodies) -> None:
    goes_on = asyncio.Event()
    async with site(ledger, bodies, answering(goes_on, OK), terms={"keep_request": True}) as its:
        paying = asyncio.create_task(its.pay())
        stored = bodies.open_request(await its.sent())
        goes_on.set()
        await paying
        assert (await its.record()).request is None
    assert stored is not None
    assert (stored.method, stored.target, stored.body) == ("POST", "/v1/payments", BODY)


LIMITS = Limits(1, 600.0, {"eur": 5000}, {})


async def test_an_unreachable_upstream_has_payments_accepted_durably_and_within_bounds(
    ledger: Troubled, bodies: Bodies
) -> None:
    async with site(ledger, bodies, terms={"limits": LIMITS}) as its:
        its.gateway.upstream.pool.address = replace(its.gateway.pool.address, port=1)
        first, second = await its.pay("a"), await its.pay("b")
        records = {record.state: record for record in await its.records()}
    assert first.status == 202
    assert first.get("location") == f"/.payguard/payments/{records[State.ACCEPTED].id}"
    assert second.status == 503
    stored = bodies.open_request(records[State.ACCEPTED])
    assert stored is not None
    assert stored.body == BODY
    assert State.RELEASED in records


async def test_a_ceiling_bounds_what_waits(ledger: Troubled, bodies: Bodies) -> None:
    async with site(ledger, bodies, terms={"limits": replace(LIMITS, most=10)}) as its:
        its.gateway.upstream.pool.address = replace(its.gateway.pool.address, port=1)
        assert [(await its.pay(key)).status for key in "ab"] == [202, 503]


async def test_the_ledger_away_is_a_refusal_that_says_when_to_come_again(ledger: Troubled, bodies: Bodies) -> None:
    class Away(Filter[Config]):
        name = "away"

        def __init__(self) -> None: ...

        async def on_request(self, exchange: Exchange) -> None:
            await ledger._database.close()

    async with site(ledger, bodies, filters=(Away(), Claims())) as its:
        answer = await its.pay()
    assert (answer.status, orjson.loads(answer.body)["code"]) == (503, "ledger_unavailable")
    assert issubclass(DatabaseDown, DependencyDown)


async def test_nothing_is_sent_after_the_time_in_which_it_may_be(ledger: Troubled, bodies: Bodies) -> None:
    """Also where the commit of ``sent`` itself took longer."""
    async with site(ledger, bodies, timeouts=Timeouts(total=0.05)) as its:
        slow = ledger.send

        def late(*given: Any) -> Awaitable[bool]:
            async def send() -> bool:
                done = await slow(*given)
                await asyncio.sleep(0.1)
                return done

            return send()

        ledger.send = late  # type: ignore[method-assign]
        answer = await its.pay()
        assert answer.status in (503, 504)
        assert its.upstream.requests == []
        assert (await its.record()).state is State.RELEASED


CODED = b'{"amount": 1999, "currency": "eur", "card": {"number": "tok_1", "cvc": "123"}}'


def coded() -> bytes:
    head = PAYMENT.partition(b"\r\n\r\n")[0].replace(b": %d" % len(BODY), b": %d" % len(CODED))
    return b"%b\r\nkey: a\r\n\r\n%b" % (head, CODED)


async def test_a_request_with_a_security_code_is_sent_and_never_kept(ledger: Troubled, bodies: Bodies) -> None:
    goes_on = asyncio.Event()
    async with site(ledger, bodies, answering(goes_on, OK), terms={"keep_request": True}) as its:
        paying = asyncio.create_task(its.gateway.ask(coded()))
        assert (await its.sent()).request is None
        goes_on.set()
        assert (await paying).status == 200
        record = await its.record()
    assert "request_not_kept" in its.told
    notes = {(note["code"], note["detail"]["reason"]) for note in record.trail["notes"]}
    assert ("request_not_kept", "security_code") in notes
    assert record.answer is not None


async def test_an_answer_with_a_security_code_is_never_kept(ledger: Troubled, bodies: Bodies) -> None:
    told = b'{"card": {"cvc": "123"}}'
    answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(told), told)
    async with site(ledger, bodies, answering(None, answer)) as its:
        assert (await its.pay()).body == told
        record = await its.record()
    assert (record.state, record.answer) == (State.SUCCEEDED, None)
    assert "answer_not_kept" in its.told


async def test_a_payment_with_a_security_code_is_not_accepted_and_the_client_is_told_why(
    ledger: Troubled, bodies: Bodies
) -> None:
    async with site(ledger, bodies, terms={"limits": LIMITS}) as its:
        its.gateway.upstream.pool.address = replace(its.gateway.pool.address, port=1)
        answer = await its.gateway.ask(coded())
        assert (await its.record()).state is State.RELEASED
    assert answer.status == 503
    assert orjson.loads(answer.body)["not_accepted"] == "security_code"
    assert "payment_not_accepted" in its.told


class Book(Unkept):
    """What was recorded, and whether a test may go on."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def record(self, action: str, /, **entry: Any) -> Awaitable[None]:
        self.entries.append({"action": action, **entry})
        return super().record(action, **entry)


@pytest.mark.parametrize(("most", "outcomes"), [(1, ["accepted"]), (0, ["accepted", "not_recorded", "released"])])
async def test_a_payment_that_was_accepted_has_an_entry_in_the_same_commit_and_one_that_was_not_says_so(
    ledger: Troubled, bodies: Bodies, most: int, outcomes: list[str]
) -> None:
    book = Book()
    async with site(ledger, bodies, terms={"limits": replace(LIMITS, most=most)}, audit=book) as its:
        its.gateway.upstream.pool.address = replace(its.gateway.pool.address, port=1)
        await its.pay()

    assert [entry["outcome"] for entry in book.entries] == outcomes


@pytest.mark.parametrize(("most", "outcomes"), [(1, ["held"]), (0, ["held", "not_recorded", "succeeded"])])
async def test_a_payment_that_is_held_has_an_entry_that_says_why_and_one_that_could_not_be_says_so(
    ledger: Troubled, bodies: Bodies, most: int, outcomes: list[str]
) -> None:
    book = Book()
    async with site(
        ledger,
        bodies,
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        filters=(*CLAIMS, Holds()),
        terms={"hold": Hold(most, 60.0)},
        audit=book,
    ) as its:
        await its.pay()

    assert [entry["outcome"] for entry in book.entries] == outcomes
    assert book.entries[0]["detail"]["reason"] == "looks odd"


async def test_what_was_decided_of_a_payment_is_on_the_audit_trail(ledger: Troubled, bodies: Bodies) -> None:
    book = Book()
    async with site(ledger, bodies, DECLINED, audit=book) as its:
        await its.pay()
        record = await its.record()

    [entry] = book.entries
    assert (entry["action"], entry["subject"], entry["outcome"]) == ("payment.decide", record.id, "failed")
    assert (entry["policy"], entry["ip"], entry["principal"]) == ("digest", "127.0.0.1", None)
    assert entry["detail"] == {
        "operation": "payment.create",
        "route": "create-payment",
        "upstream": record.upstream,
        "request": record.request_id,
        "amount": 4200,
        "currency": "eur",
    }


@pytest.mark.parametrize(
    ("error", "operation", "told"),
    [
        (Rejected("no"), "payment.create", [("refused", "rejected")]),
        (Rejected("no"), "request", []),
        (DependencyDown("away"), "payment.create", []),
    ],
)
async def test_a_payment_that_a_filter_refused_before_it_had_a_record_is_on_it(
    ledger: Troubled, bodies: Bodies, error: Exception, operation: str, told: list[Any]
) -> None:
    book, filters = Book(), (Refuses(error), *CLAIMS)
    async with site(ledger, bodies, filters=filters, terms={"operation": operation}, audit=book) as its:
        await its.pay()

    assert [(entry["outcome"], entry["detail"]["reason"]) for entry in book.entries] == told


async def test_who_comes_too_often_decided_nothing(ledger: Troubled, bodies: Bodies) -> None:
    class TooMany(Rejected):
        status = 429

    book = Book()
    async with site(ledger, bodies, filters=(Refuses(TooMany("wait")), *CLAIMS), audit=book) as its:
        await its.pay()

    assert book.entries == []


async def test_one_that_was_released_says_why(ledger: Troubled, bodies: Bodies) -> None:
    book = Book()
    async with site(ledger, bodies, filters=(*CLAIMS, Refuses(Rejected("no"))), audit=book) as its:
        await its.pay()

    assert [(entry["outcome"], entry["detail"]["reason"]) for entry in book.entries] == [("released", "rejected")]
