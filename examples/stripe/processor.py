"""localstripe behind the double: the requests that it can take, and its answers made Stripe's."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Any

import httpx

from examples.stripe import cards, forms
from examples.stripe.idempotency import Answer

UNKNOWN_TO_LOCALSTRIPE = ("description", "receipt_email", "automatic_payment_methods", "statement_descriptor_suffix")


@dataclass(frozen=True, slots=True)
class Call:
    """One request to Stripe's API."""

    method: str
    path: str
    query: str
    authorization: str
    body: bytes = b""


class Processor:
    """Executes calls at localstripe, and remembers beside it what it cannot."""

    def __init__(self, localstripe: httpx.AsyncClient) -> None:
        self._localstripe = localstripe
        self._declines: dict[str, cards.Decline] = {}
        self._extras: dict[str, dict[str, Any]] = {}
        self.cards: deque[str] = deque(maxlen=100)
        """Card numbers as they came, the newest last."""

    async def execute(self, call: Call) -> Answer:
        match call.method, call.path:
            case "POST", "/v1/payment_methods":
                answer = await self._create_method(call)
            case "POST", "/v1/payment_intents":
                answer = await self._create_intent(call)
            case "GET", "/v1/payment_intents":
                answer = await self._list_intents(call)
            case _:
                answer = await self._forward(call)
        return await self._declined(answer, call) if answer.status == 402 else self._complete(answer)

    async def _forward(self, call: Call) -> Answer:
        response = await self._localstripe.request(
            call.method,
            f"{call.path}?{call.query}",
            content=call.body,
            headers={"Authorization": call.authorization, "Content-Type": "application/x-www-form-urlencoded"},
        )
        document = response.json() if "json" in response.headers.get("content-type", "") else {}
        return Answer(response.status_code, document)

    async def _create_method(self, call: Call) -> Answer:
        answer = await self._forward(call)
        number = dict(forms.parse(call.body)).get("card[number]", "")
        self.cards.append(number)
        decline = cards.BY_NUMBER.get(number)
        if answer.status == 200 and decline is not None:
            self._declines[answer.document["id"]] = decline
        return answer

    async def _create_intent(self, call: Call) -> Answer:
        """Made of up to two requests: localstripe takes a payment method by its id only."""
        pairs = forms.parse(call.body)
        method, pairs = forms.split(pairs, "payment_method_data")
        extras, pairs = _extras(pairs)
        if method:
            body = forms.encode(forms.unwrap(method, "payment_method_data"))
            created = await self._create_method(replace(call, path="/v1/payment_methods", body=body))
            if created.status != 200:
                return created
            pairs.append(("payment_method", created.document["id"]))
        answer = await self._forward(replace(call, body=forms.encode(pairs)))
        intent = answer.document.get("id") or await self._intent_of(answer, call)
        if intent is not None:
            self._extras[intent] = extras
        return answer

    async def _list_intents(self, call: Call) -> Answer:
        """Newest first, by customer and time: localstripe lists everything, oldest first."""
        answer = await self._forward(replace(call, query="limit=1000000"))
        if answer.status != 200:
            return answer
        asked = dict(forms.parse(call.query.encode()))
        found = [intent for intent in reversed(answer.document["data"]) if _matches(intent, asked)]
        if after := asked.get("starting_after"):
            found = found[[intent["id"] for intent in found].index(after) + 1 :]
        limit = int(asked.get("limit", 10))
        return Answer(200, {"object": "list", "url": call.path, "data": found[:limit], "has_more": len(found) > limit})

    async def _intent_of(self, answer: Answer, call: Call) -> str | None:
        """The payment intent of a declined charge."""
        charge = answer.document.get("error", {}).get("charge")
        if charge is None:
            return None
        intent: str | None = (await self._get(f"/v1/charges/{charge}", call)).document["payment_intent"]
        return intent

    async def _declined(self, answer: Answer, call: Call) -> Answer:
        """Stripe's card error: with its decline code, and the payment intent that it leaves behind."""
        intent_id = await self._intent_of(answer, call)
        if intent_id is None:
            return Answer(402, {"error": answer.document["error"] | cards.GENERIC.error()})
        intent = self._complete(await self._get(f"/v1/payment_intents/{intent_id}", call)).document
        return Answer(402, {"error": intent["last_payment_error"] | {"payment_intent": intent}})

    async def _get(self, path: str, call: Call) -> Answer:
        """With the credentials of ``call``."""
        return await self._forward(Call("GET", path, "", call.authorization))

    def _complete(self, answer: Answer) -> Answer:
        if answer.document.get("object") == "list":
            for item in answer.document["data"]:
                self._complete_intent(item)
        self._complete_intent(answer.document)
        return answer

    def _complete_intent(self, document: dict[str, Any]) -> None:
        if document.get("object") != "payment_intent":
            return
        document.update(self._extras.get(document["id"], {}))
        if document["last_payment_error"] is not None:
            decline = self._declines.get(document["payment_method"], cards.GENERIC)
            document["last_payment_error"] |= decline.error()


def _extras(pairs: forms.Pairs) -> tuple[dict[str, Any], forms.Pairs]:
    """The fields that localstripe refuses, and those that it takes."""
    extras: dict[str, Any] = {}
    for name in UNKNOWN_TO_LOCALSTRIPE:
        found, pairs = forms.split(pairs, name)
        if found:
            extras[name] = found[0][1] if found[0][0] == name else dict(forms.unwrap(found, name))
    return extras, pairs


def _matches(intent: dict[str, Any], asked: dict[str, str]) -> bool:
    created = intent["created"]
    return (
        asked.get("customer") in (None, intent["customer"])
        and created >= int(asked.get("created[gte]", 0))
        and created > int(asked.get("created[gt]", -1))
        and created <= int(asked.get("created[lte]", created))
        and created < int(asked.get("created[lt]", created + 1))
    )
