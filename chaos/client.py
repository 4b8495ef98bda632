"""The client: it pays as our documents tell clients to, and writes down what it was told.

One key for one payment, however often it is sent.  Where nobody listens it goes to the other gateway; where no answer
came, or one that says "later", it waits, longer each time, and sends the same again; ``payment_in_doubt`` and 202 are
followed at the status resource, and nothing is sent meanwhile.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from time import monotonic
from typing import NamedTuple

import orjson

from chaos.plan import CURRENCY, Payment
from chaos.wire import Answer, Broken, Refused, ask

PATIENCE = 40.0
"""Seconds for which it sends again."""

FOLLOWING = 40.0
"""Seconds for which it asks what became of a payment."""

WITHIN = 2.0
"""Seconds that it waits for an answer, unless it is told otherwise: longer than a gateway waits for its upstream."""


class Told(StrEnum):
    """The last word that the client has had."""

    NOTHING = "nothing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    RELEASED = "released"
    PENDING = "pending"
    IN_DOUBT = "in_doubt"
    UNRESOLVED = "unresolved"
    ACCEPTED = "accepted"


FINAL = frozenset({Told.SUCCEEDED, Told.FAILED, Told.UNRESOLVED})


class Next(NamedTuple):
    """What an answer tells the client to do: ``told`` is what it says of the payment, if anything."""

    told: Told | None
    again: bool = False
    follow: bool = False
    wrong: bool = False


_STATES = frozenset(Told)
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})


def understand(answer: Answer) -> Next:
    match answer.status:
        case 202:
            return Next(Told.PENDING, follow=True)
        case status if 200 <= status < 300:
            return Next(Told.SUCCEEDED)
        case 402:
            return Next(Told.FAILED)
        case 409:
            return _conflict(answer)
        case status if status in _LATER:
            return Next(None, again=True)
    return Next(None, wrong=True)


def _conflict(answer: Answer) -> Next:
    document = answer.json()
    code, state = str(document.get("code", "")), str(document.get("state", ""))
    if state in _STATES:
        told = Told(state)
        return Next(told, again=told is Told.RELEASED, follow=told not in (*FINAL, Told.RELEASED))
    under_way = code.endswith("in_progress")
    return Next(None, again=under_way, wrong=not under_way)


@dataclass(slots=True)
class View:
    """What one client knows of its payment.

    ``final`` are the last words it had, all of them: two that differ are a lie.  ``wrong`` is what it should never
    have been told.
    """

    payment: Payment
    began: float = 0.0
    told: Told = Told.NOTHING
    final: set[Told] = field(default_factory=set)
    ids: set[str] = field(default_factory=set)
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    ended: float = 0.0

    def note(self, answer: Answer, step: Next) -> None:
        document = answer.json()
        word = str(document.get("code") or document.get("status") or "")
        self.answers[f"{answer.status} {word}".strip()] += 1
        if id := answer.headers.get("payguard-payment-id") or document.get("payment_id"):  # noqa: A001
            self.ids.add(str(id))
        reference = document.get("reference")
        if reference not in (None, self.payment.reference):
            self.wrong.append(f"the answer of another payment, {reference}")
        if step.wrong:
            self.wrong.append(f"an answer without a cause: {answer.status} {word}")
        if step.told is not None:
            self.hear(step.told)

    def hear(self, told: Told) -> None:
        """A word of the gateway; one that is not its last does not unsay one that was."""
        if told in FINAL:
            self.final.add(told)
            self.ended = self.ended or monotonic()
        elif self.told in FINAL:
            return
        self.told = told


class Client:
    """Pays through ``gateways``, ports on loopback; a payment begins at one of them, by its number."""

    def __init__(self, gateways: Sequence[int], seed: int = 0, within: float = WITHIN) -> None:
        self._gateways = gateways
        self._within = within
        self._draw = random.Random(f"{seed}:client")

    async def pay(self, payment: Payment) -> View:
        """Until there is a last word, or a word that it has to wait for, or patience is over."""
        view = View(payment, began=monotonic())
        clicks = [self._send(view, start) for start in range(payment.clicks)]
        await asyncio.gather(*clicks)
        return view

    async def _send(self, view: View, start: int) -> None:
        gateway, pause = view.payment.number + start, 0.1
        until = monotonic() + PATIENCE
        while monotonic() < until:
            try:
                answer = await self.post(view.payment, gateway)
            except Refused:
                view.answers["refused"] += 1
                gateway += 1
            except Broken:
                view.answers["broken"] += 1
                gateway += 1
            else:
                step = understand(answer)
                view.note(answer, step)
                if not step.again:
                    return
            await asyncio.sleep(pause * self._draw.uniform(0.5, 1.0))
            pause = min(2 * pause, 2.0)

    async def post(self, payment: Payment, gateway: int) -> Answer:
        headers = {"Content-Type": "application/json", "X-User-Id": payment.owner, "Idempotency-Key": payment.key}
        body = {"amount": payment.amount, "currency": CURRENCY, "reference": payment.reference}
        port = self._gateways[gateway % len(self._gateways)]
        target = f"/{payment.kind}/v1/payments"
        return await ask(
            "127.0.0.1", port, "POST", target, headers=headers, body=orjson.dumps(body), within=self._within
        )

    async def once_more(self, view: View) -> None:
        """The same again, long after."""
        await self._send(view, view.payment.number)

    async def follow(self, view: View) -> None:
        """Ask for what became of a payment, until there is a last word; one that was released is sent once more."""
        pause, gateway = 0.5, view.payment.number
        until = monotonic() + FOLLOWING
        while view.told not in FINAL and view.ids and monotonic() < until:
            await asyncio.sleep(pause * self._draw.uniform(0.7, 1.0))
            pause = min(1.6 * pause, 5.0)
            gateway += 1
            try:
                state = await self._status(view, gateway)
            except Broken:
                continue
            if state is Told.RELEASED:
                await self._send(view, gateway)
            elif state is not None:
                view.hear(state)

    async def _status(self, view: View, gateway: int) -> Told | None:
        """None where the gateway could not say."""
        port = self._gateways[gateway % len(self._gateways)]
        target = f"/.payguard/payments/{max(view.ids)}"
        answer = await ask("127.0.0.1", port, "GET", target, headers={"X-User-Id": view.payment.owner}, within=WITHIN)
        view.answers[f"status {answer.status}"] += 1
        if answer.status == 404:
            view.wrong.append(f"the payment {max(view.ids)} is not known any more")
        state = answer.json().get("state")
        return Told(state) if state in _STATES else None
