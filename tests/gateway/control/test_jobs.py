from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from gateway.control.jobs import Jobs
from gateway.errors import DependencyDown
from gateway.parts import Job
from tests.gateway.control.pauses import Pauses


@pytest.fixture
def pauses() -> Pauses:
    return Pauses()


@pytest.fixture
async def jobs(pauses: Pauses) -> AsyncIterator[Jobs]:
    jobs = Jobs(sleep=pauses.sleep, now=lambda: 1000.0)
    yield jobs
    await jobs.stop()


async def nothing() -> None:
    pass


async def test_a_job_runs_every_so_often_give_or_take_a_tenth(jobs, pauses):
    await jobs.replace([Job("tidy", nothing, every=100)])
    assert 0 <= await pauses.pass_by() <= 10
    for _ in range(10):
        assert 90 <= await pauses.pass_by() <= 110


async def test_a_job_is_never_run_twice_at_once(jobs, pauses):
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        begun.set()
        await go_on.wait()

    await jobs.replace([Job("slow", slow, every=1)])
    await pauses.pass_by()
    await begun.wait()
    [state] = jobs.states
    assert (state.running, state.started_at, state.next_at) == (True, 1000.0, None)
    go_on.set()
    assert await pauses.next() >= 0.9  # the interval counts from the end
    assert (state.running, state.result, state.results) == (False, "ok", {"ok": 1})
    assert state.next_at is not None


async def test_a_failure_is_logged_and_counted_and_the_job_runs_again(jobs, pauses):
    failures = iter([ValueError("no luck"), None])

    async def unlucky() -> None:
        if (failure := next(failures)) is not None:
            raise failure

    with capture_logs() as logged:
        await jobs.replace([Job("unlucky", unlucky, every=1)])
        await pauses.pass_by()
        await pauses.next()
        [state] = jobs.states
        assert (state.result, state.error, state.results) == ("failed", "ValueError: no luck", {"failed": 1})
        pauses.over()
        await pauses.next()
    assert (state.result, state.error, state.results) == ("ok", None, {"failed": 1, "ok": 1})
    assert [(entry["event"], entry["job"]) for entry in logged] == [("a job failed", "unlucky")]
    assert isinstance(logged[0]["exc_info"], ValueError)


async def test_that_a_dependency_is_away_is_said_without_a_traceback(jobs, pauses) -> None:
    async def away() -> None:
        raise DependencyDown("the database is away")

    with capture_logs() as logged:
        await jobs.replace([Job("asks", away, every=1)])
        await pauses.pass_by()
        await pauses.next()
    assert [(entry["reason"], entry["exc_info"]) for entry in logged] == [("the database is away", None)]


async def test_a_run_that_takes_too_long_is_ended(jobs, pauses):
    with capture_logs():
        await jobs.replace([Job("endless", asyncio.Event().wait, every=1, timeout=0.001)])
        await pauses.pass_by()
        await pauses.next()
    [state] = jobs.states
    assert (state.result, state.error) == ("timed_out", "took longer than 0.001 s")


async def test_a_timeout_of_the_jobs_own_is_a_failure_like_others(jobs, pauses):
    async def refused() -> None:
        raise TimeoutError("the database does not answer")

    with capture_logs():
        await jobs.replace([Job("refused", refused, every=1)])
        await pauses.pass_by()
        await pauses.next()
    assert jobs.states[0].error == "TimeoutError: the database does not answer"


async def test_what_an_error_says_is_masked(pauses):
    jobs = Jobs(sleep=pauses.sleep, mask=lambda text: text.replace("4111111111111111", "[card]"))

    async def leaking() -> None:
        raise ValueError("4111111111111111")

    with capture_logs():
        await jobs.replace([Job("leaking", leaking, every=1)])
        await pauses.pass_by()
        await pauses.next()
    assert jobs.states[0].error == "ValueError: [card]"
    await jobs.stop()


async def test_replacing_ends_what_is_gone_and_leaves_alone_what_stays(jobs, pauses):
    begun, ended = asyncio.Event(), asyncio.Event()

    async def gone() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    stays = Job("stays", nothing, every=1)
    await jobs.replace([Job("gone", gone, every=1), stays])
    await pauses.pass_by()
    await begun.wait()
    before = {state.job.name: state for state in jobs.states}
    await jobs.replace([stays, Job("new", nothing, every=1)])
    assert ended.is_set()
    after = {state.job.name: state for state in jobs.states}
    assert after.keys() == {"stays", "new"}
    assert after["stays"] is before["stays"]


async def test_two_jobs_of_one_name_are_refused(jobs):
    with pytest.raises(ValueError, match="two jobs are called twin"):
        await jobs.replace([Job("twin", nothing, every=1), Job("twin", nothing, every=2)])


async def test_stopping_does_not_wait_for_ever(jobs, pauses, monkeypatch):
    monkeypatch.setattr("gateway.control.jobs.STOPS_WITHIN", 0.01)
    begun, let_go = asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        begun.set()
        while not let_go.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await let_go.wait()

    await jobs.replace([Job("stubborn", stubborn, every=1)])
    await pauses.pass_by()
    await begun.wait()
    with capture_logs() as logged:
        await jobs.stop()
    assert [(entry["event"], entry["task"]) for entry in logged] == [("a job does not stop", "job stubborn")]
    let_go.set()
