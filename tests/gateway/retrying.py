"""A route whose declined payments are tried again, in front of a backend that also says what is still due."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

from starlette.types import Receive, Scope, Send

from gateway.control.retries import Retries
from gateway.crypto.keyring import LocalKeyring
from gateway.ledger.protocol import Ledger
from gateway.ledger.records import Query, Record
from gateway.ledger.schedules import Schedule
from gateway.testing import Backend, Client, running_gateway
from gateway.testing.running import serve

KEYRING = LocalKeyring.parse("1:" + "11" * 32)

POLICY = """\
version: 1
components:
  retries: {{every: 50ms, rate: 1000, follow: 10ms, backoff: {{first: 1ms, most: 1ms}}}}
  {components}
upstreams:
  backend:
    url: "{url}"
    timeouts: {{first_byte: 5s, total: 5s}}
    idempotent: {{window: 23h}}
routes:
  - name: renew
    match: {{path: /v1/renewals}}
    upstream: backend
    payment: {{operation: payment.create, amount: /amount, currency: /currency, customer: /customer}}
    {more}
    scheduled_retry:
      stored_method: /method
      merchant_initiated: {{/off_session: "true"}}
      reference: /invoice
      still_due:
        url: "{url}/v1/invoices/{{reference}}"
        value: /status
        due: [open]
        not_due: [paid, void]
      soft: [insufficient_funds, {{value: {{/error/decline_code: try_again_later}}}}]
      never: [account_frozen]
      {options}
    filters:
      - principal: {{header: x-user-id, from: any}}
      - idempotency
"""
OPTIONS = "{after: [1ms, 1ms, 1ms, 1ms], jitter: 0}"


class Shop(Backend):
    """A backend that has invoices, of which each is open until it is told otherwise."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_of: list[str] = []
        self.says: deque[Any] = deque()
        """What the next questions are answered: a status of the invoice, or of HTTP; ``open`` after that."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await super().__call__(scope, receive, send)
            return
        self.asked_of.append(scope["path"])
        said = self.says.popleft() if self.says else "open"
        status, body = (said, b"") if isinstance(said, int) else (200, b'{"status": "%b"}' % said.encode())
        await receive()
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def declines(self, code: str = "insufficient_funds", times: int = 1, **members: Any) -> None:
        for _ in range(times):
            self.will_answer(402, json={"code": "card_declined", "decline_code": code, **members})

    @property
    def keys(self) -> list[str | None]:
        return [each.headers.get("idempotency-key") for each in self.seen]


def written(url: str, options: str = OPTIONS, more: str = "", components: str = "") -> str:
    """As a policy file has it."""
    text = POLICY.format(url=url, options="{options}", more=more, components=components)
    lines = [f"      {each.strip()}" for each in _members(options)]
    return text.replace("      {options}", "\n".join(lines))


def _members(options: str) -> list[str]:
    """A flow mapping's members, each a line; what stands within another pair of brackets is one with it."""
    members, depth = [""], 0
    for letter in options[1:-1]:
        depth += (letter in "[{") - (letter in "]}")
        if letter == "," and not depth:
            members.append("")
        else:
            members[-1] += letter
    return [each for each in members if each.strip()]


@asynccontextmanager
async def retrying(
    ledger: Ledger,
    options: str = OPTIONS,
    *,
    shop: Shop | None = None,
    keyring: LocalKeyring | None = KEYRING,
    **policy: str,
) -> AsyncIterator[tuple[Client, Shop]]:
    """A gateway that tries again, and the backend behind it, or behind it as well."""
    async with AsyncExitStack() as stack:
        if shop is None:
            shop = Shop()
            shop.url = await stack.enter_async_context(serve(shop))
        text = written(shop.url, options, **policy)
        client = await stack.enter_async_context(running_gateway(policy=text, ledger=ledger, keyring=keyring))
        yield client, shop


async def renew(client: Client, key: str, invoice: Any = "inv_1", user: str = "ada", **members: Any) -> Any:
    body = {
        "amount": 1999,
        "currency": "eur",
        "customer": "cus_1",
        "method": "pm_1",
        "off_session": True,
        "invoice": invoice,
        **members,
    }
    headers = {"x-user-id": user, "idempotency-key": key}
    return await client.post("/v1/renewals", json={k: v for k, v in body.items() if v is not None}, headers=headers)


async def run(client: Client) -> None:
    """What is due now is tried."""
    await client.component(Retries).run()


async def ended(client: Client, ledger: Ledger, payment: str) -> Schedule:
    """The schedule of this payment, once it has come to its end."""
    while (schedule := await ledger.schedules.find(payment)) is None or schedule.due_at is not None:
        await run(client)
    return schedule


async def records(ledger: Ledger) -> list[Record]:
    """The oldest first, whole."""
    found = [await ledger.find(each.id) for each in await ledger.list(Query(limit=500))]
    return [each for each in found if each is not None][::-1]
