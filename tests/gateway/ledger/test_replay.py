"""When what was sent is sent once more: only where nobody can be harmed by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.credentials import Credentials
from gateway.crypto.protocol import Unreadable
from gateway.ledger.bodies import StoredRequest
from gateway.ledger.protocol import Ledger
from gateway.ledger.records import Evidence, Record, State
from gateway.ledger.replay import GRACE, Answered, Promise, Replay, within
from gateway.testing import HandScope
from gateway.testing import record as made
from tests.gateway.ledger.conftest import brought, found

STORED = StoredRequest("POST", "/v1/payments", [(b"idempotency-key", b"a")], b"{}")

HOUR = Promise(3600.0, 10.0)
PAID = Answered("succeeded", "answered 200")


@dataclass
class Sender:
    """What sends, and what it was told to."""

    kept: Promise | None = HOUR
    request: StoredRequest | Exception | None = STORED
    answers: Answered = PAID
    sent: list[tuple[Record, Mapping[str, str], int, float]] = field(default_factory=list)

    def promise(self, _record: Record) -> Promise | None:
        return self.kept

    def stored(self, _record: Record) -> StoredRequest | None:
        if isinstance(self.request, Exception):
            raise self.request
        return self.request

    async def send(
        self, record: Record, stored: StoredRequest, headers: Mapping[str, str], epoch: int, send_by: float
    ) -> Answered:
        assert stored is STORED
        self.sent.append((record, headers, epoch, send_by))
        return self.answers


@dataclass
class ReplayHandScope(HandScope):
    resending: Sender = field(default_factory=Sender)


async def replay(ledger: Ledger | None, sender: Sender, **options: Any) -> Replay:
    scope = ReplayHandScope(records=ledger, secrets={"env:TOKEN": "tok-1"}, resending=sender)
    resolver = Replay(Credentials.model_validate(options), scope)
    await resolver.open()
    return resolver


async def test_it_sends_what_is_kept_once_the_ledger_has_given_it_the_right_to(ledger) -> None:
    sender, record = Sender(), await brought(ledger, State.IN_DOUBT)
    began = monotonic()
    evidence = await (await replay(ledger, sender, bearer="env:TOKEN")).ask(record)

    assert evidence == Evidence("replay", "succeeded", True, 1999, "eur", "answered 200")
    [(sent, headers, epoch, send_by)] = sender.sent
    assert (sent, headers) == (record, {"authorization": "Bearer tok-1"})
    assert began + 10 <= send_by <= monotonic() + 10
    now = await found(ledger, record.id)
    assert (now.state, now.epoch, epoch) == (State.IN_DOUBT, record.epoch + 1, record.epoch + 1)
    assert now.lease_until == pytest.approx(await ledger.now() + 10 + GRACE, abs=5)


async def test_whoever_had_the_right_before_has_it_no_more(ledger) -> None:
    record = await brought(ledger, State.IN_DOUBT)
    await (await replay(ledger, Sender())).ask(record)

    assert not await ledger.send(record.id, record.epoch, 10.0)


async def test_nothing_is_sent_where_somebody_else_was_faster(ledger) -> None:
    sender, record = Sender(), await brought(ledger, State.IN_DOUBT)
    assert await ledger.resend(record.id, record.revision, 10.0)
    evidence = await (await replay(ledger, sender)).ask(record)

    assert evidence is not None
    assert (evidence.verdict, evidence.detail) == ("unknown", "somebody else changed the record")
    assert sender.sent == []


@pytest.mark.parametrize(
    "sender",
    [Sender(kept=None), Sender(request=None), Sender(kept=Promise(0.0, 0.0))],
    ids=["no promise", "nothing kept", "the window is over"],
)
async def test_it_has_nothing_to_say_where_it_may_not_send(ledger, sender) -> None:
    record = await brought(ledger, State.IN_DOUBT)

    assert await (await replay(ledger, sender)).ask(record) is None
    assert (await found(ledger, record.id)).epoch == record.epoch
    assert sender.sent == []


@pytest.mark.parametrize("lacks", ["claim", "sent_at"])
async def test_what_has_no_key_or_was_never_sent_is_not_sent_now(ledger, lacks) -> None:
    assert await (await replay(ledger, Sender())).ask(made(**{lacks: None})) is None


async def test_what_cannot_be_opened_is_told_and_not_sent(ledger) -> None:
    sender = Sender(request=Unreadable("the key 1 is not here"))
    with pytest.raises(Unreadable):
        await (await replay(ledger, sender)).ask(await brought(ledger, State.IN_DOUBT))
    assert sender.sent == []


async def test_a_secret_that_is_missing_keeps_the_policy_from_opening() -> None:
    with pytest.raises(ValueError, match="env:NONE"):
        await replay(None, Sender(), headers={"x-api-key": "env:NONE"})


SECONDS = st.floats(0, 1e6)


@given(SECONDS, SECONDS, SECONDS, st.floats(-1e6, 1e6))
def test_whatever_is_sent_arrives_within_the_window_of_the_first_time(window, total, sent_at, later) -> None:
    now = sent_at + later
    if within(Promise(window, total), sent_at, now):
        assert now >= sent_at, "a clock that was put back proves nothing"
        assert now + total < sent_at + window


@given(st.floats(1, 1e6))
def test_most_of_a_window_can_be_used(window) -> None:
    assert within(Promise(window, 0.0), 1e9, 1e9 + window * 0.94)


async def test_why_a_request_was_not_kept_is_said(ledger) -> None:
    notes = [
        {"filter": "x", "code": "y"},
        {"filter": "", "code": "request_not_kept", "detail": {"reason": "security_code"}},
    ]
    record = replace(await brought(ledger, State.IN_DOUBT), trail={"notes": notes})
    evidence = await (await replay(ledger, Sender(request=None))).ask(record)

    assert evidence is not None
    assert (evidence.verdict, evidence.detail) == ("unknown", "its request was not kept: security_code")
