"""The watcher, on real files: edits, links that are swapped, files that go away."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from gateway.control.reloader import Outcome, PolicyStatus, Rejection
from gateway.control.watcher import PolicyFile, Watcher


class Reloads:
    """Stands where the reloader does: says what it was told to, and writes down each text that it was asked to take."""

    def __init__(self, file: PolicyFile) -> None:
        self._file = file
        self.status = PolicyStatus(file.name, "digest", 0.0)
        self.taken: asyncio.Queue[str] = asyncio.Queue()
        self.outcome = Outcome.ACTIVATED
        self.forced = False

    async def reload(self, *, force: bool = False) -> Outcome:
        try:
            text = await self._file.read()
        except OSError as error:
            self.status.away(str(error))
            return Outcome.UNREADABLE
        self.forced = force
        self.taken.put_nowait(text)
        return self.outcome


@pytest.fixture
def path(tmp_path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text("first")
    return path


@asynccontextmanager
async def watching(path: Path, *, interval: float = 0.005, retry: float = 3600.0):
    file = PolicyFile(path, settling=0.001)
    reloads = Reloads(file)
    watcher = Watcher(file, reloads, interval, retry=retry)
    task = asyncio.create_task(watcher.run())
    try:
        assert await reloads.taken.get() == "first"  # what the file held before it was watched, it may hold no more
        yield watcher, reloads
    finally:
        task.cancel()
        await asyncio.wait([task])


class EditedBehind(PolicyFile):
    """It changes between the first look at it and the first reading."""

    looks = 0

    async def look(self) -> str:
        digest = await super().look()
        self.looks += 1
        if self.looks == 1:
            self.path.write_text("second")
        return digest


async def test_an_edit_between_a_look_and_the_reading_is_taken_once(path) -> None:
    file = EditedBehind(path, settling=0.001)
    reloads = Reloads(file)
    task = asyncio.create_task(Watcher(file, reloads, 0.005).run())
    await until(lambda: file.looks > 3)
    task.cancel()
    await asyncio.wait([task])
    assert reloads.taken.get_nowait() == "second"
    assert reloads.taken.empty()


async def until(condition) -> None:
    while not condition():  # noqa: ASYNC110 - nobody is told
        await asyncio.sleep(0.001)


async def test_an_edit_is_taken(path) -> None:
    async with watching(path) as (_, reloads):
        path.write_text("second")
        assert await reloads.taken.get() == "second"
        assert not reloads.forced


async def test_an_edit_of_the_same_length_and_time_is_taken(path) -> None:
    async with watching(path) as (_, reloads):
        before = path.stat()
        path.write_text("fires")
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        assert await reloads.taken.get() == "fires"


async def test_a_file_that_is_touched_is_not(path) -> None:
    async with watching(path) as (_, reloads):
        path.touch()
        path.write_text("first")
        path.write_text("second")
        assert await reloads.taken.get() == "second"
        assert reloads.taken.empty()


async def test_a_config_map_s_swapped_link_is_followed(tmp_path) -> None:
    for version in ("first", "second"):
        (tmp_path / f"..{version}").mkdir()
        (tmp_path / f"..{version}" / "policy.yaml").write_text(version)
    (tmp_path / "..data").symlink_to("..first")
    (tmp_path / "policy.yaml").symlink_to("..data/policy.yaml")
    async with watching(tmp_path / "policy.yaml") as (_, reloads):
        (tmp_path / "..data_tmp").symlink_to("..second")
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")
        assert await reloads.taken.get() == "second"


async def test_a_file_that_goes_away_is_reported_and_looked_for(path) -> None:
    async with watching(path) as (_, reloads):
        path.rename(path.with_suffix(".away"))
        await until(lambda: reloads.status.unreadable is not None)
        assert str(path) in reloads.status.unreadable
        path.write_text("second")
        assert await reloads.taken.get() == "second"
        assert reloads.status.unreadable is None


async def test_someone_who_insists_is_heard_at_once_though_nothing_changed(path) -> None:
    async with watching(path) as (watcher, reloads):
        watcher.insist()
        assert await reloads.taken.get() == "first"
        assert reloads.forced


async def test_insisting_while_the_file_is_away_costs_no_edit(path) -> None:
    async with watching(path) as (watcher, reloads):
        path.unlink()
        watcher.insist()
        await until(lambda: reloads.status.unreadable is not None)
        path.write_text("first")
        assert await reloads.taken.get() == "first"


async def test_a_rejected_text_is_not_tried_over_and_over(path) -> None:
    async with watching(path, retry=0.0) as (_, reloads):
        reloads.outcome = Outcome.REJECTED
        reloads.status.rejection = Rejection(0.0, ("broken",), transient=False)
        path.write_text("second")
        assert await reloads.taken.get() == "second"
        path.write_text("third")
        assert await reloads.taken.get() == "third"


async def test_a_policy_that_only_failed_to_open_is_tried_again(path) -> None:
    async with watching(path, retry=0.0) as (_, reloads):
        reloads.outcome = Outcome.REJECTED
        reloads.status.rejection = Rejection(0.0, ("the vault is down",), transient=True)
        path.write_text("second")
        assert [await reloads.taken.get() for _ in range(3)] == ["second"] * 3


async def test_a_text_is_read_once_it_has_settled(path) -> None:
    file = PolicyFile(path, settling=0.05)
    path.write_text("half of")
    reading = asyncio.create_task(file.read())
    await asyncio.sleep(0.01)
    path.write_text("half of a policy")
    assert await reading == "half of a policy"


async def test_a_text_that_never_settles_is_not_readable(path) -> None:
    class Scribbled(PolicyFile):
        async def _text(self) -> str:
            path.write_text(path.read_text() + "x")
            return path.read_text()

    with pytest.raises(OSError, match="is still being written"):
        await Scribbled(path, settling=0.0).read()
