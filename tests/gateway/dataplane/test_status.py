"""The status of a payment on the data port: for its owner, and for nobody else even that there is one."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.dataplane.status import Callers, Status, status_route
from gateway.errors import DependencyDown, GatewayError, Rejected
from gateway.exchange import Exchange
from gateway.facts import Principal
from gateway.ids import payment_id
from gateway.ledger.owners import Owners
from gateway.ledger.records import Entry, Settlement, State
from gateway.ledger.sql import SqlLedger
from gateway.messages import Response
from gateway.parts import Config, Filter
from gateway.telemetry.masking import Masking
from gateway.testing import exchange

OWNERS = Owners(Masking(), lambda _, caller: [f"now:{caller[-4:]}", f"before:{caller[-4:]}"])


class Names(Filter[Config]):
    """Whoever says so in a header; without it nobody."""

    name = "names"
    provides = (Principal,)

    def __init__(self) -> None: ...

    async def on_request(self, exchange: Exchange) -> None:
        name = exchange.request.headers.get("x-user-id")
        if name is None:
            raise Rejected("Nobody says who asks")
        if name == "unknowable":
            raise DependencyDown("The issuer cannot be asked")
        exchange.put(Principal(name))


async def payment(ledger: SqlLedger, owner: str | None = "ada", became: State | None = State.SUCCEEDED) -> str:
    entry = Entry(payment_id(), "pay", "payment.create", "b", "r", "t", "p", 9.0, owner, amount=4200, currency="eur")
    assert await ledger.begin(entry, 60.0)
    if became is not None:
        due = 30.0 if became is State.IN_DOUBT else None
        await ledger.settle(entry.id, 1, Settlement(became, "upstream_timeout", "answered", 1, due_in=due))
    return entry.id


async def ask(
    ledger: SqlLedger | None, name: str, *, user: str | None = "ada", method: str = "GET", routes: Any = ("pay",)
) -> Response:
    made = exchange(method, f"/.payguard/payments/{name}", headers={} if user is None else {"x-user-id": user})
    made.params = {"id": name}
    return await Status(ledger, {route: Callers([Names()]) for route in routes}, OWNERS).dispatch(made)


@pytest.mark.parametrize("known_as", ["4111111111111111", "now:1111", "before:1111"])
async def test_an_owner_whose_name_may_be_a_card_is_known_by_its_hash_with_any_salt(
    ledger: SqlLedger, known_as
) -> None:
    name = await payment(ledger, known_as)
    assert (await ask(ledger, name, user="4111111111111111")).status == 200
    with pytest.raises(Rejected):
        await ask(ledger, name, user="4012888888881881")


async def test_the_owner_learns_what_became_of_it(ledger: SqlLedger) -> None:
    name = await payment(ledger)
    answer = await ask(ledger, name)
    said = orjson.loads(answer.body.data or b"")
    assert answer.status == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "retry-after" not in answer.headers
    assert (said["id"], said["state"], said["amount"], said["currency"]) == (name, "succeeded", 4200, "eur")


async def test_while_it_is_open_the_answer_says_when_to_ask_again(ledger: SqlLedger) -> None:
    answer = await ask(ledger, await payment(ledger, became=State.IN_DOUBT))
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert orjson.loads(answer.body.data or b"")["reason"] == "upstream_timeout"


@pytest.mark.parametrize("user", ["bob", None])
async def test_anybody_else_is_answered_as_if_there_were_none(ledger: SqlLedger, user: str | None) -> None:
    refusals = []
    for name in (await payment(ledger), "aipnywamgwaaaaucygfwfkokip", "../etc"):
        with pytest.raises(GatewayError) as refused:
            await ask(ledger, name, user=user)
        refusals.append((refused.value.status, refused.value.code, refused.value.detail))
    assert set(refusals) == {(404, "payment_not_found", "There is no such payment, or it is not the caller's")}


@pytest.mark.parametrize("routes", [("other",), ()])
async def test_a_payment_whose_route_names_no_callers_has_no_owner(ledger: SqlLedger, routes: tuple[str, ...]) -> None:
    with pytest.raises(GatewayError, match="no such payment"):
        await ask(ledger, await payment(ledger), routes=routes)


async def test_a_payment_of_nobody_is_nobodys(ledger: SqlLedger) -> None:
    with pytest.raises(GatewayError, match="no such payment"):
        await ask(ledger, await payment(ledger, owner=None))


async def test_who_cannot_be_verified_now_is_no_stranger(ledger: SqlLedger) -> None:
    for name in (await payment(ledger), "aipnywamgwaaaaucygfwfkokip"):  # else this told which of them there is
        with pytest.raises(DependencyDown):
            await ask(ledger, name, user="unknowable")


async def test_it_can_only_be_read(ledger: SqlLedger) -> None:
    name = await payment(ledger)
    with pytest.raises(GatewayError) as refused:
        await ask(ledger, name, method="DELETE")
    assert (refused.value.status, refused.value.headers) == (405, {"allow": "GET, HEAD"})
    assert (await ask(ledger, name, method="HEAD")).status == 200


async def test_what_a_human_wrote_is_not_shown(ledger: SqlLedger) -> None:
    name = await payment(ledger, became=State.IN_DOUBT)
    record = await ledger.find(name)
    assert record is not None
    await ledger.resolve(name, record.revision, State.FAILED, by="human:ada", reason="known")
    assert orjson.loads((await ask(ledger, name)).body.data or b"")["reason"] is None


async def test_without_a_ledger_nobody_can_tell() -> None:
    with pytest.raises(DependencyDown):
        await ask(None, "abc")


def test_the_route_has_a_name_of_the_gateways_own() -> None:
    route = status_route(None, {}, OWNERS)
    assert (route.name, route.match.path) == ("payguard.status", "/.payguard/payments/{id}")
