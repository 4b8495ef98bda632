"""The filter alone, with a book in the test's hand; then in a gateway with a ledger."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from gateway import (
    Exchange,
    GatewayError,
    Headers,
    Payment,
    Principal,
    Response,
    State,
    Unreadable,
    claim_of,
)
from gateway.control.compiler import Compiler
from gateway.control.plugins import load_plugins
from gateway.control.scope import Services
from gateway.control.settings import load_settings
from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.salts import Salts
from gateway.database.sqlite import SqliteDatabase
from gateway.ledger.records import Change, Entry
from gateway.ledger.sql import SqlLedger
from gateway.store.memory import MemoryStore
from gateway.testing import Client, backend, exchange, running_gateway, scope
from plugins.idempotency.decision import signed
from plugins.idempotency.filter import IdempotencyFilter
from plugins.idempotency.options import IdempotencyConfig

PAGE = (Path(__file__).parents[3] / "docs" / "idempotency.md").read_text()

BODY = {"amount": 1999, "currency": "eur"}
CLAIM = claim_of("ada", "test", "k1")


def paying(book=None, *, key: str | None = "k1", body: Any = BODY, owner: str = "ada", **headers: str) -> Exchange:
    keys = {} if key is None else {"idempotency-key": key}
    made = exchange(headers={**keys, **headers}, json=body, facts=[Principal(owner)])
    made.recorder = book
    return made


def step(book=None, lent=None, **options: Any) -> IdempotencyFilter:
    return IdempotencyFilter(IdempotencyConfig.model_validate(options), lent or scope(records=book))


def fingerprint(made: Exchange, salts: Salts | None = None) -> str:
    return (salts or scope().salts).hash("fingerprint", signed(made.received, [b"application/json"]))


async def refusal(filter_: IdempotencyFilter, made: Exchange) -> GatewayError:
    with pytest.raises(GatewayError) as refused:
        await filter_.on_request(made)
    return refused.value


# a first request


async def test_a_first_request_passes_with_what_stands_for_its_key_and_nothing_of_the_key_itself(book) -> None:
    made = paying(book)
    assert await step(book).on_request(made) is None

    assert made.request.headers.getlist("idempotency-key") == [CLAIM.hex()]
    assert list(book.records) == [CLAIM]
    assert book.windows == [86400.0]
    assert book.records[CLAIM].fingerprint == fingerprint(paying())


async def test_the_header_is_the_one_that_the_policy_names_on_both_sides(book) -> None:
    made = paying(book, key=None, **{"x-token": "k1"})
    assert await step(book, header="X-Token").on_request(made) is None

    assert made.request.headers["x-token"] == CLAIM.hex()
    assert "idempotency-key" not in made.request.headers


async def test_keys_of_two_owners_and_of_two_routes_are_two_keys(book) -> None:
    await step(book).on_request(paying(book))
    await step(book).on_request(paying(book, owner="bob"))
    await step(lent=scope(records=book, place="refunds")).on_request(paying(book))

    assert len(book.records) == 3


async def test_a_missing_key_is_refused_where_it_is_required(book) -> None:
    error = await refusal(step(book), paying(book, key=None))

    assert (error.status, error.code, book.records) == (400, "idempotency_key_missing", {})


async def test_a_missing_key_passes_where_it_is_optional_and_claims_nothing(book) -> None:
    made = paying(book, key=None)
    assert await step(book, key="optional").on_request(made) is None

    assert book.records == {}
    assert "idempotency-key" not in made.request.headers


@pytest.mark.parametrize("key", ["required", "optional", "generated"])
@pytest.mark.parametrize("headers", [{"idempotency-key": ""}, {"idempotency_key": "k1"}], ids=["empty", "underscored"])
async def test_a_key_that_is_none_is_refused_wherever_a_key_may_be_sent(book, key, headers) -> None:
    error = await refusal(step(book, key=key), paying(book, key=None, **headers))

    assert (error.status, error.code, book.records) == (400, "invalid_idempotency_key", {})


async def test_a_key_is_read_from_what_was_received_not_from_what_a_filter_made_of_it(book) -> None:
    made = paying(book)
    made.request.headers["idempotency-key"] = "k2"
    made.request.edit("/amount", 1)
    await step(book).on_request(made)

    assert list(book.records) == [CLAIM]
    assert book.records[CLAIM].fingerprint == fingerprint(paying())


# a repeat


@pytest.mark.parametrize("state", [State.SUCCEEDED, State.FAILED, State.PENDING])
async def test_a_repeat_of_what_is_known_gets_the_first_answer_again(book, state) -> None:
    book.has(CLAIM, state=state, fingerprint=fingerprint(paying()))
    book.answers["abc"] = Response(201, headers=Headers({"location": "/v1/payments/1"}), body=b'{"id": 1}')
    made = paying(book)
    answer = await step(book).on_request(made)

    assert (answer.status, answer.body.data) == (201, b'{"id": 1}')
    assert dict(answer.headers) == {"location": "/v1/payments/1", "idempotent-replayed": "true"}
    assert [(note.code, note.detail) for note in made.notes] == [("repeat", {"payment": "abc", "state": state})]


@pytest.mark.parametrize("state", State)
async def test_another_request_under_the_key_is_refused_in_every_state(book, state) -> None:
    book.has(CLAIM, state=state, lease_until=0.0, fingerprint=fingerprint(paying(body={"amount": 1})))
    error = await refusal(step(book), paying(book))

    assert (error.status, error.code, error.members) == (422, "idempotency_key_reused", {})


async def test_stripe_s_codes_are_given_where_the_policy_asks_for_them(book) -> None:
    book.has(CLAIM, state=State.SENT, fingerprint=fingerprint(paying()))
    in_use = await refusal(step(book, codes="stripe"), paying(book))
    reused = await refusal(step(book, codes="stripe"), paying(book, body={"amount": 1}))

    assert (in_use.status, in_use.code) == (409, "idempotency_key_in_use")
    assert (reused.status, reused.code) == (400, "idempotency_error")


@pytest.mark.parametrize("state", [State.RESERVED, State.SENT])
async def test_what_is_under_way_is_409_at_once(book, state) -> None:
    book.has(CLAIM, state=state, lease_until=1e12, fingerprint=fingerprint(paying()))
    error = await refusal(step(book), paying(book))

    assert (error.status, error.code, error.headers["retry-after"]) == (409, "in_progress", "1")
    assert book.looks == 0


@pytest.mark.parametrize("state", [State.IN_DOUBT, State.UNRESOLVED])
async def test_what_is_in_doubt_is_409_with_its_id_and_keep_this_key(book, state) -> None:
    book.has(CLAIM, state=state, fingerprint=fingerprint(paying()))
    error = await refusal(step(book), paying(book))

    assert (error.status, error.code, error.members["payment_id"]) == (409, "payment_in_doubt", "abc")
    assert "Keep this key" in error.detail


@pytest.mark.parametrize(("state", "said"), [(State.ACCEPTED, "accepted"), (State.HELD, "held")])
async def test_what_was_accepted_is_the_same_202_again(book, state, said) -> None:
    book.has(CLAIM, state=state, request_id="r1", fingerprint=fingerprint(paying()))
    answer = await step(book).on_request(paying(book))

    assert (answer.status, answer.headers["location"]) == (202, "/.payguard/payments/abc")
    assert orjson.loads(answer.body.data) == {
        "id": "abc",
        "state": said,
        "status": "/.payguard/payments/abc",
        "request_id": "r1",
    }


@pytest.mark.parametrize(
    ("known", "answer"),
    [
        ({"history": (Change(1.0, State.SUCCEEDED, "human:ada"),)}, Response(200)),
        ({}, None),
        ({"state": State.FAILED}, None),
    ],
    ids=["settled by a human", "not kept", "never sent"],
)
async def test_what_is_known_without_its_first_answer_is_409_with_its_state(book, known, answer) -> None:
    record = book.has(CLAIM, fingerprint=fingerprint(paying()), **known)
    book.answers["abc"] = answer
    error = await refusal(step(book), paying(book))

    assert (error.status, error.code) == (409, "answer_unavailable")
    assert error.members == {"payment_id": "abc", "state": record.state}
    assert error.headers["location"] == "/.payguard/payments/abc"


async def test_an_answer_that_cannot_be_opened_is_told_of_and_not_executed_again(book) -> None:
    book.has(CLAIM, fingerprint=fingerprint(paying()))
    book.answers["abc"] = Unreadable("it was sealed with the key old, which this gateway does not have")
    lent = scope(records=book)
    error = await refusal(step(lent=lent), paying(book))

    assert (error.status, error.code) == (409, "answer_unavailable")
    [(code, severity, detail)] = lent.events
    assert (code, severity, detail["payment"]) == ("answer_unreadable", "critical", "abc")
    assert "the key old" in detail["reason"]


async def test_a_fingerprint_whose_salt_is_gone_is_told_of_and_not_executed_again(book) -> None:
    gone = Salts([("2025", b"a salt that was thrown away")])
    book.has(CLAIM, state=State.RELEASED, fingerprint=fingerprint(paying(), gone))
    lent = scope(records=book)
    error = await refusal(step(lent=lent), paying(book))

    assert (error.status, error.code) == (409, "fingerprint_unavailable")
    assert lent.events == [("fingerprint_salt_missing", "critical", {"salt": "2025", "payment": "abc"})]


async def test_a_fingerprint_under_an_older_salt_is_recognised(book) -> None:
    old, new = ("old", b"a salt of last year"), ("new", b"a salt of this year")
    book.has(CLAIM, fingerprint=fingerprint(paying(), Salts([old])))
    book.answers["abc"] = Response(201)
    answer = await step(lent=scope(records=book, salts=Salts([new, old]))).on_request(paying(book))

    assert answer.status == 201


# a claim that is free again


@pytest.mark.parametrize(
    "known", [{"state": State.RELEASED}, {"state": State.RESERVED, "lease_until": 1.0}], ids=["released", "lost"]
)
async def test_what_was_certainly_not_executed_is_executed_afresh(book, known) -> None:
    book.has(CLAIM, fingerprint=fingerprint(paying()), **known)
    made = paying(book)
    assert await step(book).on_request(made) is None

    assert made.request.headers["idempotency-key"] == CLAIM.hex()


async def test_where_another_was_faster_it_is_looked_at_again(book) -> None:
    book.has(CLAIM, state=State.RELEASED, fingerprint=fingerprint(paying()))
    book.faster, book.answers["abc"] = 1, Response(201)
    book.then.append({"state": State.SUCCEEDED})
    answer = await step(book).on_request(paying(book))

    assert (answer.status, book.looks) == (201, 1)


async def test_where_others_are_always_faster_it_is_under_way(book) -> None:
    book.has(CLAIM, state=State.RELEASED, fingerprint=fingerprint(paying()))
    book.faster = 1000
    error = await refusal(step(book), paying(book))

    assert error.code == "in_progress"
    assert book.looks < 10


# waiting


async def test_a_repeat_waits_for_the_first_answer_where_the_policy_lets_it(book) -> None:
    book.has(CLAIM, state=State.SENT, fingerprint=fingerprint(paying()))
    book.then.extend([{}, {"state": State.SUCCEEDED}])
    book.answers["abc"] = Response(201)
    answer = await step(book, wait="30s").on_request(paying(book))

    assert (answer.status, book.looks) == (201, 2)


async def test_a_repeat_that_waits_executes_what_was_released_meanwhile(book) -> None:
    book.has(CLAIM, state=State.SENT, fingerprint=fingerprint(paying()))
    book.then.append({"state": State.RELEASED})
    made = paying(book)

    assert await step(book, wait="30s").on_request(made) is None
    assert made.request.headers["idempotency-key"] == CLAIM.hex()


async def test_a_repeat_waits_no_longer_than_the_policy_says(book) -> None:
    book.has(CLAIM, state=State.SENT, fingerprint=fingerprint(paying()))
    lent = scope(records=book)
    find = book.find

    async def find_as_time_goes_by(id: str) -> Any:  # noqa: A002
        lent.clock.advance(1.1)
        return await find(id)

    book.find = find_as_time_goes_by
    error = await refusal(step(lent=lent, wait="2s"), paying(book))

    assert (error.code, book.looks) == ("in_progress", 2)


async def test_no_more_wait_at_once_than_the_policy_says(book) -> None:
    book.has(CLAIM, state=State.SENT, fingerprint=fingerprint(paying()))
    lent = scope(records=book)
    waits = step(lent=lent, wait="30s", waiting=1)
    find, answers = book.find, []

    async def find_while_another_comes(id: str) -> Any:  # noqa: A002
        answers.append(await refusal(step(lent=lent, wait="30s", waiting=1), paying(book)))
        book.then.append({"state": State.IN_DOUBT})
        return await find(id)

    book.find = find_while_another_comes
    answers.append(await refusal(waits, paying(book)))

    assert [error.code for error in answers] == ["in_progress", "payment_in_doubt"]


async def test_a_repeat_that_waited_leaves_its_place_to_the_next_also_where_its_client_went_away(book) -> None:
    book.has(CLAIM, state=State.SENT, fingerprint=fingerprint(paying()))
    waits = step(book, wait="30s", waiting=1)
    gone = asyncio.create_task(waits.on_request(paying(book)))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    book.then.append({"state": State.IN_DOUBT})

    assert (await refusal(waits, paying(book))).code == "payment_in_doubt"


# a request without a key


async def test_a_generated_key_is_claimed_and_goes_upstream_as_one(book) -> None:
    made = paying(book, key=None)
    assert await step(book, key="generated").on_request(made) is None

    [claim] = book.records
    assert made.request.headers["idempotency-key"] == claim.hex()
    assert book.windows == [1200.0]


@pytest.mark.parametrize("seconds", [0, 590])
async def test_the_same_request_within_the_time_is_a_possible_duplicate_and_no_replay(book, seconds) -> None:
    lent = scope(records=book)
    await step(lent=lent, key="generated").on_request(paying(book, key=None))
    [claim] = book.records
    book.has(claim, fingerprint=fingerprint(paying(key=None)), created_at=lent.clock.now())
    book.answers["abc"] = Response(201)
    lent.clock.advance(seconds)
    error = await refusal(step(lent=lent, key="generated"), paying(book, key=None))

    assert (error.status, error.code) == (409, "possible_duplicate")
    assert error.members == {"payment_id": "abc", "state": "succeeded"}


async def test_the_same_request_later_is_another_payment(book) -> None:
    lent = scope(records=book)
    await step(lent=lent, key="generated").on_request(paying(book, key=None))
    [claim] = book.records
    book.has(claim, fingerprint=fingerprint(paying(key=None)), created_at=lent.clock.now())
    lent.clock.advance(601)

    assert await step(lent=lent, key="generated").on_request(paying(book, key=None)) is None
    assert len(book.records) == 2


async def test_another_request_or_another_caller_is_no_duplicate(book) -> None:
    generating = step(book, key="generated")
    for made in (
        paying(book, key=None),
        paying(book, key=None, body={"amount": 1}),
        paying(book, key=None, owner="bob"),
    ):
        assert await generating.on_request(made) is None


async def test_a_possible_duplicate_that_was_released_is_executed(book) -> None:
    generating = step(book, key="generated")
    await generating.on_request(paying(book, key=None))
    [claim] = book.records
    book.has(claim, state=State.RELEASED, fingerprint=fingerprint(paying(key=None)), created_at=0.0)

    assert await generating.on_request(paying(book, key=None)) is None


async def test_a_client_that_sends_a_key_where_they_are_generated_is_served_by_it(book) -> None:
    await step(book, key="generated").on_request(paying(book))

    assert list(book.records) == [CLAIM]


# in a policy


def problems_of(filters: str, operation: str = "payment.create") -> list[str]:
    policy = f"""
version: 1
upstreams: {{backend: {{url: "http://127.0.0.1:9"}}}}
routes:
  - name: pay
    match: {{path: /}}
    upstream: backend
    payment: {{operation: {operation}}}
    filters: {filters}
"""
    return [problem.message for problem in compiler().check(policy, "policy.yaml")]


def compiler() -> Compiler:
    services = Services(store=MemoryStore(), salts=Salts.parse("00" * 16), environ={})
    return Compiler(load_plugins(load_settings({})).registry, services)


def test_a_key_is_never_generated_for_refunds() -> None:
    filters = "[{principal: {header: x-user-id}}, {idempotency: {key: generated}}]"

    assert problems_of(filters) == []
    [problem] = problems_of(filters, "refund.create")
    assert problem == "key: generated is not for refunds: two equal ones may both be meant; say required"


def test_it_needs_an_owner_above_it_and_cannot_be_shadowed() -> None:
    assert problems_of("[idempotency]") == ["needs Principal, which no filter above it provides"]
    [problem] = problems_of("[{principal: {header: x-user-id}}, {idempotency: {mode: shadow}}]")
    assert problem.startswith("cannot run in shadow")


def test_the_facts_of_a_payment_are_read_before_it_is_claimed() -> None:
    made = step(lent=scope(operation="payment.create"))

    assert made.requires == (Principal, Payment)


def test_the_policy_of_the_page_compiles() -> None:
    [policy] = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

    assert compiler().check(policy, "idempotency.md") == []


# through the gateway


POLICY = """
version: 1
upstreams:
  backend: {{url: "{url}", timeouts: {timeouts}, retry: {{attempts: 1}}}}
routes:
  - name: pay
    match: {{path: /v1/payments}}
    upstream: backend
    payment: {{operation: payment.create, amount: /amount, currency: /currency}}
    filters: [{{principal: {{header: x-user-id, from: any}}}}, {{idempotency: {options}}}]
    when_unreachable: {unreachable}
"""
SOON = "{connect: 200ms, first_byte: 500ms, total: 1s}"
PATIENT = "{connect: 20s, first_byte: 20s, total: 30s}"
KEYRING = LocalKeyring.parse("00" * 32)
CLAIM_OF_PAY = claim_of("ada", "pay", "k1")


@pytest.fixture
async def ledger(sqlite_path) -> AsyncIterator[SqlLedger]:
    database = SqliteDatabase(sqlite_path)
    await database.open()
    yield SqlLedger(database)
    await database.close()


@asynccontextmanager
async def gateway(
    ledger, url: str, options: str = "{}", keyring=KEYRING, unreachable: str = "refuse", *, timeouts: str = SOON
) -> AsyncIterator[Client]:
    policy = POLICY.format(url=url, options=options, unreachable=unreachable, timeouts=timeouts)
    async with running_gateway(policy=policy, ledger=ledger, keyring=keyring) as client:
        yield client


async def pay(client: Client, key: str | None = "k1", user: str = "ada", **changes: Any) -> httpx.Response:
    keys = {} if key is None else {"idempotency-key": key}
    return await client.post("/v1/payments", json=BODY | changes, headers={"x-user-id": user, **keys})


OF_ONE_EXCHANGE = {"x-request-id", "date", "set-cookie", "idempotent-replayed"}


def lasting(answer: httpx.Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in OF_ONE_EXCHANGE}


async def test_a_repeat_is_the_first_answer_byte_for_byte_and_reaches_nobody(ledger) -> None:
    async with backend() as shop, gateway(ledger, shop.url) as client:
        body = b'{ "id": "pi_1",\t"amount": 1999.0 }\n'
        headers = [("Content-Type", "application/json"), ("Location", "/v1/payments/pi_1"), ("Set-Cookie", "a=1")]
        shop.will_answer(201, body=body, headers=headers)
        first, again, once_more = await pay(client), await pay(client), await pay(client, key='"k1"')

    assert len(shop.seen) == 1
    for repeat in (again, once_more):
        assert (repeat.status_code, repeat.content) == (first.status_code, first.content) == (201, body)
        assert lasting(repeat) == lasting(first)
        assert repeat.headers["idempotent-replayed"] == "true"
        assert "set-cookie" not in repeat.headers
        assert repeat.headers["x-request-id"] != first.headers["x-request-id"]
    assert first.headers["set-cookie"] == "a=1"
    assert "idempotent-replayed" not in first.headers


async def test_the_upstream_never_sees_the_client_s_own_key(ledger) -> None:
    async with backend() as shop, gateway(ledger, shop.url) as client:
        for user in ("ada", "bob"):
            await pay(client, user=user)

    keys = [seen.headers.getlist("idempotency-key") for seen in shop.seen]
    assert keys == [[claim_of(user, "pay", "k1").hex()] for user in ("ada", "bob")]


async def test_a_declined_payment_is_declined_again_and_not_tried_again(ledger) -> None:
    async with backend() as shop, gateway(ledger, shop.url) as client:
        shop.will_answer(402, json={"code": "card_declined"})
        answers = [await pay(client) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [402, 402]
    assert len(shop.seen) == 1


async def test_another_request_under_the_key_is_refused_and_the_first_is_left_as_it_is(ledger) -> None:
    async with backend() as shop, gateway(ledger, shop.url) as client:
        await pay(client)
        other, again = await pay(client, amount=1), await pay(client)

    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert again.headers["idempotent-replayed"] == "true"
    assert len(shop.seen) == 1


async def test_while_the_first_is_under_way_a_repeat_is_told_to_come_again(ledger) -> None:
    held = asyncio.Event()
    async with backend() as shop, gateway(ledger, shop.url) as client:
        shop.will_answer(201, after=held)
        first = asyncio.create_task(pay(client))
        await shop.asked()
        early = await pay(client)
        held.set()
        await first
        late = await pay(client)

    assert (early.status_code, early.json()["code"], early.headers["retry-after"]) == (409, "in_progress", "1")
    assert early.headers["location"] == f"/.payguard/payments/{early.json()['payment_id']}"
    assert late.status_code == 201
    assert len(shop.seen) == 1


async def test_a_repeat_that_may_wait_gets_the_first_answer_as_soon_as_it_is_there(ledger) -> None:
    held = asyncio.Event()
    async with backend() as shop, gateway(ledger, shop.url, "{wait: 20s}") as client:
        shop.will_answer(201, json={"id": "pi_1"}, after=held)
        first = asyncio.create_task(pay(client))
        await shop.asked()
        waiting = asyncio.create_task(pay(client))
        await asyncio.wait([waiting], timeout=0.1)
        assert not waiting.done()
        held.set()
        answers = await asyncio.gather(first, waiting)

    assert [answer.json() for answer in answers] == [{"id": "pi_1"}] * 2
    assert len(shop.seen) == 1


@pytest.fixture
def nowhere() -> str:
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        return f"http://127.0.0.1:{reserved.getsockname()[1]}"


async def test_what_was_accepted_is_accepted_again_in_the_same_words(ledger, nowhere) -> None:
    accepting = "{accept: {most: 10, for: 10m, ceiling: {eur: 50000}}}"
    async with gateway(ledger, nowhere, unreachable=accepting) as client:
        first, again = await pay(client), await pay(client)

    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert first.status_code == 202
    assert lasting(again) == lasting(first)
    assert again.headers["location"] == first.headers["location"] == f"/.payguard/payments/{first.json()['id']}"


async def test_what_never_reached_the_upstream_is_executed_by_the_repeat(ledger, nowhere) -> None:
    async with gateway(ledger, nowhere) as client:
        away = await pay(client)
    async with backend() as shop, gateway(ledger, shop.url) as client:
        answer = await pay(client)

    assert away.status_code == 503
    assert (answer.status_code, len(shop.seen)) == (200, 1)
    assert "idempotent-replayed" not in answer.headers


async def lost(ledger, shop, *, sent: bool) -> None:
    """The record of a first request whose gateway was lost, after or before it was sent."""
    async with gateway(ledger, shop.url) as client:
        shop.will_answer(429)
        await pay(client, key="another")
    other = await ledger.find_claim(claim_of("ada", "pay", "another"))
    entry = Entry("lost", "pay", "payment.create", "backend", "r0", "t0", "p0", 60.0, claim=CLAIM_OF_PAY)
    entry = entry._replace(owner="ada", fingerprint=other.fingerprint)
    await (ledger.begin(entry, lease=0.0) if sent else ledger.reserve(entry, lease=0.0))


async def test_what_a_lost_gateway_had_claimed_and_not_sent_is_executed_by_the_repeat_in_its_record(ledger) -> None:
    async with backend() as shop:
        await lost(ledger, shop, sent=False)
        async with gateway(ledger, shop.url) as client:
            answer = await pay(client)

    assert (answer.status_code, answer.headers["payguard-payment-id"]) == (200, "lost")
    record = await ledger.find("lost")
    assert (record.state, record.epoch) == (State.SUCCEEDED, 2)


async def test_what_a_lost_gateway_had_sent_is_never_executed_by_a_repeat(ledger) -> None:
    async with backend() as shop:
        await lost(ledger, shop, sent=True)
        async with gateway(ledger, shop.url) as client:
            early = await pay(client)
            await ledger.take_due(10, lease=60.0)
            late = await pay(client)

    assert (early.status_code, early.json()["code"]) == (409, "in_progress")
    assert (late.status_code, late.json()["code"]) == (409, "payment_in_doubt")
    assert [seen.headers["idempotency-key"] for seen in shop.seen] == [claim_of("ada", "pay", "another").hex()]


async def test_what_the_upstream_certainly_did_not_execute_is_executed_by_the_repeat(ledger) -> None:
    async with backend() as shop, gateway(ledger, shop.url) as client:
        shop.will_answer(429)
        answers = [await pay(client) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [429, 200, 200]
    assert len(shop.seen) == 2


async def test_what_may_have_been_executed_is_in_doubt_and_never_sent_again(ledger) -> None:
    never = asyncio.Event()
    async with backend() as shop, gateway(ledger, shop.url) as client:
        shop.will_answer(201, after=never)
        first, *repeats = [await pay(client) for _ in range(4)]
        never.set()

    assert first.status_code == 504
    assert {(answer.status_code, answer.json()["code"]) for answer in repeats} == {(409, "payment_in_doubt")}
    assert "keep this key" in repeats[0].json()["detail"].lower()
    assert len(shop.seen) == 1


@pytest.mark.parametrize("keys", [None, "ff" * 32], ids=["no key", "another key"])
async def test_an_answer_that_cannot_be_read_is_unavailable_and_its_payment_is_not_executed_again(ledger, keys) -> None:
    async with backend() as shop:
        async with gateway(ledger, shop.url) as client:
            await pay(client)
        async with gateway(ledger, shop.url, keyring=keys and LocalKeyring.parse(keys)) as client:
            answer = await pay(client)

    assert (answer.status_code, answer.json()["code"], answer.json()["state"]) == (
        409,
        "answer_unavailable",
        "succeeded",
    )
    assert len(shop.seen) == 1


async def test_an_answer_that_is_too_large_to_keep_is_unavailable_and_its_payment_is_not_executed_again(ledger) -> None:
    async with backend() as shop, gateway(ledger, shop.url) as client:
        shop.will_answer(201, body=b"x" * (1 << 17))
        first, again = await pay(client), await pay(client)

    assert len(first.content) == 1 << 17
    assert (again.status_code, again.json()["code"]) == (409, "answer_unavailable")
    assert len(shop.seen) == 1


async def test_what_a_human_settled_is_told_by_its_state_and_not_by_the_first_answer(ledger) -> None:
    async with backend() as shop, gateway(ledger, shop.url) as client:
        shop.will_answer(202, json={"status": "processing"})
        pending = [await pay(client) for _ in range(2)]
        record = await ledger.find_claim(claim_of("ada", "pay", "k1"))
        await ledger.resolve(record.id, record.revision, State.SUCCEEDED, by="human:bob", reason="seen at the bank")
        settled = await pay(client)

    assert [answer.json() for answer in pending] == [{"status": "processing"}] * 2
    assert (settled.status_code, settled.json()["code"], settled.json()["state"]) == (
        409,
        "answer_unavailable",
        "succeeded",
    )


async def test_while_the_ledger_is_away_nothing_is_sent(ledger) -> None:
    async with backend() as shop, gateway(ledger, shop.url) as client:
        await ledger._database.close()
        answer = await pay(client)

    assert (answer.status_code, answer.json()["code"], answer.headers["retry-after"]) == (
        503,
        "ledger_unavailable",
        "1",
    )
    assert shop.seen == []


async def test_of_200_at_once_with_one_key_one_is_executed(ledger) -> None:
    async with backend() as shop, gateway(ledger, shop.url, "{wait: 30s, waiting: 50}", timeouts=PATIENT) as client:
        shop.will_answer(201, json={"id": "pi_1"})
        answers = await asyncio.gather(*(pay(client) for _ in range(200)))

    assert len(shop.seen) == 1
    assert {answer.status_code for answer in answers} <= {201, 409}
    assert [answer.headers.get("idempotent-replayed") for answer in answers if answer.status_code == 201].count(
        None
    ) == 1


async def test_a_possible_duplicate_gives_its_own_claim_back(ledger) -> None:
    async with backend() as shop, gateway(ledger, shop.url, "{key: generated}") as client:
        first, again = await pay(client, key=None), await pay(client, key=None)
        meant = await pay(client, key="k2")

    assert [first.status_code, again.status_code, meant.status_code] == [200, 409, 200]
    assert again.json()["code"] == "possible_duplicate"
    assert again.json()["payment_id"] == first.headers["payguard-payment-id"]
    assert len(shop.seen) == 2
