from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from gateway.control.health import Health
from gateway.parts import Check
from tests.gateway.control.pauses import Pauses


class Patient:
    """Something to check, that a test makes well or ill."""

    def __init__(self, name: str, readiness: str = "no", *, well: bool = True) -> None:
        self.well = well
        self.check = Check(name, self.run, readiness=readiness, timeout=0.05)

    async def run(self) -> str:
        if not self.well:
            raise RuntimeError("it hurts")
        return "fine"


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
async def health(pauses: Pauses) -> AsyncIterator[Health]:
    health = Health(now=lambda: 1000.0, sleep=pauses.sleep)
    with capture_logs():
        yield health
        await health.close()


async def watched(health: Health, pauses: Pauses, *patients: Patient) -> None:
    """Each has been checked once, and the next round waits for ``again``."""
    await health.watch([patient.check for patient in patients])
    for _ in patients:
        assert await pauses.pass_by() == 0
    for _ in patients:
        await pauses.next()


async def again(pauses: Pauses) -> None:
    pauses.over()
    await pauses.next()


async def test_it_starts_when_it_serves(health):
    assert health.live()
    assert health.started().reasons == ("starting",)
    assert health.ready().reasons == ("starting",)
    health.serving()
    assert health.started()
    assert health.ready()
    assert health.status == "ok"


async def test_while_it_drains_it_is_live_and_started_and_not_ready(health):
    health.serving()
    health.drain()
    assert health.live()
    assert health.started()
    assert health.ready().reasons == ("draining",)
    assert health.status == "unavailable"


async def test_a_probe_never_waits_for_a_check(health, pauses):
    async def hangs() -> None:
        await asyncio.Event().wait()

    await health.watch([Check("hangs", hangs, readiness="first", timeout=0.01)])
    health.serving()
    assert health.ready().reasons == ("hangs pending",)
    await pauses.pass_by()
    await pauses.next()
    assert health.ready().reasons == ("hangs failed",)
    assert health.findings[0].detail == "no answer within 0.01 s"


@pytest.mark.parametrize(
    ("readiness", "before", "after"), [("no", True, True), ("first", False, True), ("always", False, False)]
)
async def test_what_a_failure_takes_from_readiness_before_and_after_it_was_ready(
    health, pauses, readiness, before, after
):
    patient = Patient("patient", readiness, well=False)
    await watched(health, pauses, patient)
    health.serving()
    assert bool(health.ready()) is before
    patient.well = True
    await again(pauses)
    assert health.ready()
    patient.well = False
    await again(pauses)
    assert bool(health.ready()) is after
    assert health.live()
    assert health.status == ("degraded" if after else "unavailable")


async def test_a_check_that_comes_later_does_not_make_a_ready_gateway_unready(health):
    health.serving()
    await health.watch([Patient("late", "always").check, Patient("later", "first").check])
    assert health.ready()


async def test_a_finding_says_when_it_was_made_and_what_was_found(health, pauses):
    well, ill = Patient("well"), Patient("ill", well=False)
    await watched(health, pauses, well, ill)
    first, second = health.findings
    assert (first.state, first.detail, first.at) == ("ok", "fine", 1000.0)
    assert (second.state, second.detail, second.at) == ("failed", "it hurts", 1000.0)
    assert second.seconds is not None


async def test_only_a_change_is_logged(pauses):
    patient = Patient("patient")
    health = Health(sleep=pauses.sleep)
    with capture_logs() as logged:
        await watched(health, pauses, patient)
        for patient.well in (False, False, True, True):
            await again(pauses)
        await health.close()
    assert [entry["event"] for entry in logged] == ["a check failed", "a check is well again"]


async def test_what_a_check_says_is_masked(pauses):
    health = Health(sleep=pauses.sleep, mask=lambda text: text.replace("hurts", "***"))
    with capture_logs():
        await watched(health, pauses, Patient("patient", well=False))
    assert health.findings[0].detail == "it ***"
    await health.close()


async def test_a_check_that_stays_keeps_what_it_found_and_one_that_is_gone_is_forgotten(health, pauses):
    stays, gone = Patient("stays"), Patient("gone")
    await watched(health, pauses, stays, gone)
    await health.watch([stays.check, Patient("new").check])
    assert [(each.check.name, each.state) for each in health.findings] == [("stays", "ok"), ("new", "pending")]


async def test_a_process_that_is_broken_is_not_live(health):
    health.serving()
    health.broken("the data port is gone")
    assert health.live().reasons == ("the data port is gone",)
    assert not health.ready()


async def test_two_checks_of_one_name_are_refused_and_those_watched_stay(health, pauses):
    await watched(health, pauses, Patient("storage"))
    with pytest.raises(ValueError, match="twin"):
        await health.watch([Patient("twin").check, Patient("twin").check])
    assert [each.check.name for each in health.findings] == ["storage"]


async def test_checks_run_often_until_it_is_ready_and_then_as_they_say(health, pauses):
    backend = Patient("backend", "first", well=False)
    await health.watch([backend.check])
    health.serving()
    assert await pauses.pass_by() == 0
    assert await pauses.next() == 1
    backend.well = True
    pauses.over()
    assert await pauses.next() == backend.check.every == 10
    assert health.ready()
