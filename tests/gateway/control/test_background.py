import asyncio

import pytest
from structlog.testing import capture_logs

from gateway.control.background import Background, ComponentTasks, PolicyTasks


class Held:
    def __init__(self) -> None:
        self.entered = 0
        self.left = asyncio.Event()

    def enter(self) -> None:
        self.entered += 1

    def leave(self) -> None:
        self.entered -= 1
        self.left.set()


async def nothing() -> None: ...


async def test_work_holds_its_policy_open_until_it_has_ended() -> None:
    held, go = Held(), asyncio.Event()
    tasks = PolicyTasks(Background())
    tasks.holder = held
    assert tasks.start(go.wait(), name="waiting")
    assert held.entered == 1
    go.set()
    await held.left.wait()
    assert held.entered == 0


async def test_work_that_fails_is_logged_and_lets_go() -> None:
    async def fail() -> None:
        raise OSError("no network")

    held, background = Held(), Background()
    with capture_logs() as lines:
        assert background.start(fail(), name="refresh", holder=held)
        await held.left.wait()
    assert [(line["event"], line["task"]) for line in lines] == [("background work failed", "refresh")]
    assert (held.entered, len(background)) == (0, 0)


async def test_too_much_work_is_refused_and_closed() -> None:
    go, background = asyncio.Event(), Background(most=1)
    tasks = PolicyTasks(background)
    tasks.holder = Held()
    assert tasks.start(go.wait(), name="first")
    with capture_logs() as lines:
        assert not tasks.start(nothing(), name="second")
    assert lines[0]["task"] == "second"
    await background.close()


async def test_work_cannot_begin_before_its_policy_is_whole() -> None:
    with pytest.raises(RuntimeError, match="begins in open"):
        PolicyTasks(Background()).start(nothing(), name="early")


async def test_work_that_is_cancelled_before_its_first_step_lets_go_too() -> None:
    held, background = Held(), Background()
    background.start(nothing(), name="never", holder=held)
    await background.close()
    assert held.entered == 0


async def test_the_work_of_a_component_ends_with_it_and_no_other() -> None:
    background, go = Background(), asyncio.Event()
    mine, other = ComponentTasks(background), ComponentTasks(background)
    assert mine.start(go.wait(), name="mine")
    assert other.start(go.wait(), name="other")
    await mine.close()
    assert len(background) == 1
    await background.close()
