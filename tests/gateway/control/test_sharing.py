import pytest

from gateway.control.sharing import SharedObjects


class Thing:
    def __init__(self, log: list[str], name: str = "thing") -> None:
        self.log, self.name = log, name

    async def close(self) -> None:
        self.log.append(self.name)


async def test_an_object_lives_as_long_as_somebody_holds_it() -> None:
    objects, log = SharedObjects(), []
    first, second = objects.lease(), objects.lease()
    thing = first.hold("key", lambda: Thing(log))
    assert second.hold("key", lambda: Thing(log)) is thing
    await first.release()
    assert log == []
    await second.release()
    assert log == ["thing"]
    assert len(objects) == 0


async def test_a_lease_counts_once_however_often_it_asks() -> None:
    objects, log = SharedObjects(), []
    lease = objects.lease()
    lease.hold("key", lambda: Thing(log))
    lease.hold("key", lambda: Thing(log))
    await lease.release()
    await lease.release()
    assert log == ["thing"]


async def test_objects_are_closed_in_the_reverse_of_the_order_in_which_they_were_made() -> None:
    objects, log = SharedObjects(), []
    lease = objects.lease()
    for name in ("pool", "breaker"):
        lease.hold(name, lambda name=name: Thing(log, name))
    lease.hold("plain", dict)
    await lease.release()
    assert log == ["breaker", "pool"]


async def test_one_that_fails_to_close_keeps_no_other_from_it() -> None:
    class Stuck:
        async def close(self) -> None:
            raise OSError("stuck")

    objects, log = SharedObjects(), []
    lease = objects.lease()
    lease.hold("a", lambda: Thing(log))
    lease.hold("b", Stuck)
    with pytest.raises(OSError, match="stuck"):
        await lease.release()
    assert log == ["thing"]


async def test_what_was_abandoned_is_closed_by_the_next_sweep() -> None:
    objects, log = SharedObjects(), []
    lease = objects.lease()
    lease.hold("key", lambda: Thing(log))
    lease.abandon()
    assert (len(objects), log) == (0, [])
    await objects.sweep()
    assert log == ["thing"]


async def test_the_end_of_the_process_closes_what_is_still_held() -> None:
    objects, log = SharedObjects(), []
    lease = objects.lease()
    lease.hold("key", lambda: Thing(log))
    await objects.close()
    await lease.release()
    assert log == ["thing"]


def test_an_object_that_could_not_be_made_is_not_held() -> None:
    objects = SharedObjects()
    lease = objects.lease()

    def fail() -> Thing:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        lease.hold("key", fail)
    assert len(objects) == 0
    assert lease.hold("key", lambda: "made") == "made"
