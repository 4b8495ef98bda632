from typing import Any, ClassVar

import pytest

from gateway import Component, Config
from gateway.control.hosting import AlreadyTold, Host
from gateway.control.placing import Placed
from gateway.control.scope import Services
from gateway.crypto.salts import Salts
from gateway.store.memory import MemoryStore


class Recorder(Component[Any]):
    log: ClassVar[list[str]] = []

    async def open(self) -> None:
        self.log.append(f"open {self.name}")

    async def close(self) -> None:
        self.log.append(f"close {self.name}")


class Options(Config):
    rate: int = 1


class Database(Recorder):
    name = "database"
    Config = Options


class Ledger(Recorder):
    name = "ledger"

    def __init__(self, config: Config, scope: Any) -> None:
        super().__init__(config, scope)
        self.database = scope.component(Database)


class Ouroboros(Recorder):
    name = "ouroboros"

    def __init__(self, config: Config, scope: Any) -> None:
        scope.component(Ouroboros)


class Demanding(Recorder):
    name = "demanding"

    class Config(Config):
        url: str
        key: str


class Failing(Recorder):
    name = "failing"

    async def open(self) -> None:
        self.log.append("open failing")
        raise OSError("no")


KNOWN = (Database, Ledger, Ouroboros, Demanding, Failing)


@pytest.fixture(autouse=True)
def _empty_log() -> None:
    Recorder.log.clear()


@pytest.fixture
def services() -> Services:
    return Services(store=MemoryStore(), salts=Salts.parse("00" * 16), environ={})


def host(services: Services, *placed: Placed) -> Host:
    return Host(services, services.shared.lease(), placed, KNOWN, "shop")


def named(kind: type[Component[Any]], config: Config | None) -> Placed:
    return Placed(("components", kind.name), kind.name, "enforce", kind, config)


async def test_a_component_that_another_needs_is_opened_before_it_and_closed_after_it(services: Services) -> None:
    lease = services.shared.lease()
    mine = Host(services, lease, [], KNOWN, "shop")
    ledger = mine.find(Ledger)
    assert isinstance(ledger, Ledger)
    assert mine.find(Database) is ledger.database
    for opener in mine.openers:
        await opener.open()
    await lease.release()
    assert Recorder.log == ["open database", "open ledger", "close ledger", "close database"]


def test_the_next_policy_finds_what_a_component_needs_as_well(services: Services) -> None:
    first, second = host(services), host(services)
    ledger = first.find(Ledger)
    assert second.find(Ledger) is ledger
    assert second.components == first.components


def test_a_component_whose_need_has_other_options_is_made_anew(services: Services) -> None:
    first = host(services, named(Database, Options()))
    second = host(services, named(Database, Options(rate=2)))
    assert first.find(Ledger) is not second.find(Ledger)
    assert second.find(Ledger).database is second.find(Database)  # type: ignore[attr-defined]


async def test_a_component_that_was_never_opened_is_not_closed(services: Services) -> None:
    lease = services.shared.lease()
    Host(services, lease, [], KNOWN, "shop").find(Database)
    await lease.release()
    assert Recorder.log == []


async def test_a_component_that_failed_to_open_is_closed(services: Services) -> None:
    lease = services.shared.lease()
    mine = Host(services, lease, [], KNOWN, "shop")
    mine.find(Failing)
    with pytest.raises(OSError, match="no"):
        await mine.openers[0].open()
    await lease.release()
    assert Recorder.log == ["open failing", "close failing"]


def test_what_there_cannot_be_is_a_clear_problem(services: Services) -> None:
    class Unknown(Component[Config]):
        name = "unknown"

    mine = host(services)
    with pytest.raises(ValueError, match="needs the component unknown, which no loaded plugin has"):
        mine.find(Unknown)
    with pytest.raises(ValueError, match="needs demanding under components, with url, key"):
        mine.find(Demanding)


def test_a_component_whose_options_are_on_the_list_of_problems_is_not_told_again(services: Services) -> None:
    with pytest.raises(AlreadyTold):
        host(services, named(Database, None)).find(Database)


def test_a_component_that_needs_itself_is_a_clear_problem(services: Services) -> None:
    with pytest.raises(ValueError, match="the component ouroboros needs itself, by way of what it needs"):
        host(services).find(Ouroboros)


def test_a_component_that_could_not_be_made_is_a_problem_once(services: Services) -> None:
    mine = host(services)
    with pytest.raises(ValueError, match="needs demanding"):
        mine.find(Demanding)
    with pytest.raises(AlreadyTold):
        mine.find(Demanding)


def test_once_the_policy_is_whole_components_are_found_and_not_made(services: Services) -> None:
    mine = host(services)
    database = mine.find(Database)
    mine.seal()
    assert mine.find(Database) is database
    with pytest.raises(ValueError, match="was not asked for where the part was made"):
        mine.find(Ledger)
