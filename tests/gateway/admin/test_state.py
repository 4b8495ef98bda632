from __future__ import annotations

from types import SimpleNamespace

from pydantic import SecretStr

from gateway.admin.access import Tokens
from gateway.admin.state import AdminState
from gateway.audit.protocol import UNKEPT
from gateway.control.draining import Draining
from gateway.control.events import Events
from gateway.control.health import Health
from gateway.control.jobs import Jobs
from gateway.crypto.salts import Salts
from gateway.telemetry.masking import Masking
from gateway.telemetry.metrics import Metrics


def process(*, monitoring: bool = True, operate: str | None = None) -> SimpleNamespace:
    """As much of a process as the admin port looks at."""
    health = Health()
    return SimpleNamespace(
        settings=SimpleNamespace(
            monitoring_enabled=monitoring,
            admin_token_read=None,
            admin_token_operate=None if operate is None else SecretStr(operate),
        ),
        upkeep=SimpleNamespace(health=health, jobs=Jobs()),
        foundation=SimpleNamespace(
            metrics=Metrics(),
            masking=Masking(),
            services=SimpleNamespace(ledger="a ledger", salts=Salts([("1", b"0" * 16)]), events=Events(), audit=UNKEPT),
        ),
        reloader=SimpleNamespace(status="first"),
        active=SimpleNamespace(snapshot=SimpleNamespace(components=("first",), routes=())),
        draining=Draining(5.0, health.drain),
    )


async def test_to_drain_twice_begins_once_and_says_what_is_left():
    given = process()
    state = AdminState.of(given)
    first, second = state.drain(), state.drain()
    assert 0 < second <= first <= 5.0
    assert given.upkeep.health.draining


def test_what_a_reload_replaces_is_looked_up_each_time():
    given = process()
    state = AdminState.of(given)
    given.reloader.status = "second"
    given.active.snapshot = SimpleNamespace(components=("second",), routes=[SimpleNamespace(name="pay")])
    assert state.routes() == ["pay"]
    assert (state.policy(), state.components()) == ("second", ("second",))


def test_payments_are_asked_of_the_ledger_and_decisions_are_told():
    given = process()
    state = AdminState.of(given)
    assert state.ledger() == "a ledger"
    assert state.hashes("customer", "cus_1") == given.foundation.services.salts.hashes("customer", "cus_1")
    state.tell("payment_resolved", payment="abc")
    assert given.foundation.services.events.counts == {("payment_resolved", "info"): 1}


def test_there_are_no_metrics_without_monitoring():
    assert AdminState.of(process()).metrics is not None
    assert AdminState.of(process(monitoring=False)).metrics is None


def test_tokens_are_those_of_the_settings():
    assert AdminState.of(process(operate="o" * 16)).tokens == Tokens(read=None, operate="o" * 16)
