"""One deliberate fault in a gateway: a plugin file that takes the gateway's own safeguards away, one at a time.

It is dropped in by ``--plugin-dir`` and does what ``CHAOS_MUTANT`` names.  Each replaces a function of the gateway that
must be there: one that was renamed stops the gateway, so no mutant dies unnoticed.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from typing import Any

import plugins.idempotency.filter as idempotency
from gateway import Exchange, Filter, hookimpl
from gateway.database.sqlite import SqliteDatabase
from gateway.dataplane import recorder
from gateway.ledger import evidence, replay, statements
from gateway.ledger.bodies import Bodies
from gateway.ledger.records import Settlement, State
from gateway.outcomes import Outcome

Change = Callable[[], None]


def _change(owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """``make`` is given what was there."""
    was = getattr(owner, name)
    setattr(owner, name, wraps(was)(make(was)))


def no_fsync() -> None:
    """Commits return before they are on the disk."""

    def make(was: Callable[..., Any]) -> Callable[..., Any]:
        def connect(self: Any) -> Any:
            connection = was(self)
            connection.execute("PRAGMA synchronous=OFF")
            return connection

        return connect

    _change(SqliteDatabase, "_connect", make)


def release_on_timeout() -> None:
    """What was not answered counts as not executed."""

    def make(was: Callable[..., Any]) -> Callable[..., Any]:
        def outcome(exchange: Exchange) -> Outcome:
            found: Outcome = was(exchange)
            timed_out = exchange.error is not None and "timeout" in exchange.error.code
            return Outcome.RELEASED if found is Outcome.IN_DOUBT and timed_out else found

        return outcome

    _change(recorder, "outcome_of", make)


def resend_after_unknown() -> None:
    """What may have arrived is sent again."""
    _change(Exchange, "may_resend", lambda _: lambda _self: True)


def failed_on_a_miss() -> None:
    """A look-up that finds nothing proves that nothing was executed, whatever the upstream declares."""
    _change(evidence, "_missed", lambda _: lambda _record, absent, _look_up, _now: (absent, None))


def absence_too_early() -> None:
    """A look-up that finds nothing counts before the upstream's ``never_executes_after`` is over."""

    def make(was: Callable[..., Any]) -> Callable[..., Any]:
        def missed(record: Any, absent: Any, look_up: Any, now: float) -> Any:
            return was(record, absent, look_up, now + 1e6)

        return missed

    _change(evidence, "_missed", make)


def any_amount() -> None:
    """Whatever was found under our key is our payment."""
    _change(evidence, "_differs", lambda _: lambda _record, _found: None)


def outcome_before_answer() -> None:
    """It is written as succeeded when it is sent."""

    def make(was: Callable[..., Any]) -> Callable[..., Any]:
        async def send(self: Any, exchange: Exchange) -> None:
            await was(self, exchange)
            held = exchange.reservation
            assert held is not None
            await self._ledger.settle(held.id, held.epoch, Settlement(State.SUCCEEDED, "", "unknown", 1))

        return send

    _change(recorder.Recorder, "_send", make)


def sent_after_first_byte() -> None:
    """That it is sent is written once the upstream has answered."""

    def nothing(was: Callable[..., Any]) -> Callable[..., Any]:
        async def send(_self: Any, _exchange: Exchange) -> None:
            pass

        async def conclude(self: Any, exchange: Exchange) -> None:
            if exchange.attempts:
                await was(self, exchange)
            await concludes(self, exchange)

        concludes = recorder.Recorder.conclude
        _change(recorder.Recorder, "conclude", lambda _: conclude)
        return send

    def separately(was: Callable[..., Any]) -> Callable[..., Any]:
        def init(self: Any, terms: Any, *rest: Any, **options: Any) -> None:
            was(self, replace(terms, at_once=False), *rest, **options)

        return init

    _change(recorder.Recorder, "__init__", separately)
    _change(recorder.Recorder, "_send", nothing)


def unbound_keys() -> None:
    """A key is the same whoever sends it."""
    _change(idempotency, "claim_of", lambda was: lambda _owner, route, key: was("everybody", route, key))


def other_answer() -> None:
    """A repeat is given the answer of another payment."""
    opened: list[Any] = []

    def make(was: Callable[..., Any]) -> Callable[..., Any]:
        def open_answer(self: Any, record: Any) -> Any:
            answer = was(self, record)
            if answer is not None:
                opened.append(answer)
            return answer and opened[0].copy()

        return open_answer

    _change(Bodies, "open_answer", make)


def no_cas_on_send() -> None:
    """It is written as sent whoever has the claim by now."""
    condition = "AND epoch = $2 AND state = 'reserved' AND lease_until > {now}"
    assert statements.SEND.count(condition) == 1
    statements.SEND = statements.SEND.replace(condition, "AND epoch >= $2")


def window_ignored() -> None:
    """It is sent again under its key however long ago that was."""
    _change(replay, "within", lambda _: lambda *_: True)


CHANGES: dict[str, Change] = {
    change.__name__: change
    for change in (
        no_fsync,
        release_on_timeout,
        resend_after_unknown,
        failed_on_a_miss,
        absence_too_early,
        any_amount,
        outcome_before_answer,
        sent_after_first_byte,
        unbound_keys,
        other_answer,
        window_ignored,
        no_cas_on_send,
    )
}


@hookimpl
def register_filters() -> list[type[Filter[Any]]]:
    """None: a plugin has a hook, and this one is here for what it does when it is imported."""
    return []


if chosen := os.environ.get("CHAOS_MUTANT"):
    CHANGES[chosen]()
