from typing import Any

import pytest

from gateway import BadOption, Component, Config, Filter, Part
from gateway.control.building import Building
from gateway.control.placing import Placed
from gateway.control.policy_parts import Mode
from gateway.control.positions import read
from gateway.control.scope import Services
from gateway.crypto.salts import Salts
from gateway.store.memory import MemoryStore

DOCUMENT = read("filters:\n  - step: {where: {file: a}}\n", "p")


class Clockwork(Component[Config]):
    name = "clockwork"


class Step(Filter[Config]):
    name = "step"

    def __init__(self, config: Config, scope: Any) -> None:
        super().__init__(config, scope)
        self.clockwork = scope.component(Clockwork)


class Broken(Filter[Config]):
    name = "step"

    def __init__(self, config: Config, scope: Any) -> None:
        raise ValueError("cannot be so")


class Particular(Filter[Config]):
    name = "step"

    def __init__(self, config: Config, scope: Any) -> None:
        raise BadOption("holds nothing", "where", "file")


class Buggy(Filter[Config]):
    name = "step"

    def __init__(self, config: Config, scope: Any) -> None:
        raise RuntimeError("oops")


@pytest.fixture
def building() -> Building:
    services = Services(store=MemoryStore(), salts=Salts.parse("00" * 16), environ={})
    return Building(services, DOCUMENT, [], [Clockwork], "shop")


def placed(kind: type[Part[Any]], mode: Mode = "enforce") -> Placed:
    return Placed(("filters", 0, "step"), "step", mode, kind, Config())


def test_a_part_is_told_where_it_stands_and_what_the_payments_are_there(building: Building) -> None:
    step = building.make(placed(Step), "refunds", "refund.create")
    assert step is not None
    assert (step.scope.place, step.scope.operation) == ("refunds", "refund.create")


def test_a_part_is_made_with_its_scope_and_components_are_opened_before_it(building: Building) -> None:
    step = building.make(placed(Step, "shadow"))
    assert isinstance(step, Step)
    assert step.scope.mode == "shadow"
    opener, made = building.parts
    assert made is step
    assert opener is building.host.openers[0]
    assert building.host.components == [step.clockwork]


def test_a_part_that_is_off_is_not_made(building: Building) -> None:
    assert building.make(placed(Step, "off")) is None
    assert building.parts == ()


def test_a_part_that_refuses_its_options_is_a_problem_in_its_own_words(building: Building) -> None:
    assert building.make(placed(Broken)) is None
    assert list(map(str, building.problems)) == ["p:2:5: filters[0].step: cannot be so"]


def test_a_part_may_name_the_option_that_it_refuses(building: Building) -> None:
    assert building.make(placed(Particular)) is None
    assert list(map(str, building.problems)) == ["p:2:26: filters[0].step.where.file: holds nothing"]


def test_a_part_with_a_bug_is_a_problem_that_names_the_line_of_the_bug(building: Building) -> None:
    assert building.make(placed(Buggy)) is None
    [problem] = building.problems
    assert problem.message.startswith("RuntimeError: oops (")
    assert f"{__name__.rpartition('.')[2]}.py:" in problem.message
