from __future__ import annotations

import inspect

import pytest
from pydantic import ValidationError

from gateway import Component, Config, Duration, Exchange, Filter, Guard, Observer, OptionalConfig
from gateway.testing import exchange, scope


class Options(Config):
    word: str
    within: Duration = 60.0
    """How long."""


def test_an_option_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(ValidationError, match="Extra inputs"):
        Options.model_validate({"word": "a", "wrod": "b"})


def test_options_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Options(word="a").word = "b"  # type: ignore[misc] - it is the point


def test_the_line_under_a_field_is_its_description() -> None:
    assert Options.model_fields["within"].description == "How long."


def test_equal_options_have_one_identity_however_they_were_written() -> None:
    one = Options.model_validate({"word": "a", "within": "1m"})
    same = Options.model_validate({"within": "60s", "word": "a"})

    assert one.identity() == same.identity() == Options(word="a").identity()
    assert one.identity() != Options(word="b").identity()


class Codes(Config):
    codes: frozenset[str]


def test_a_set_of_options_has_one_identity_in_every_process() -> None:
    words = [f"code_{number}" for number in range(50)]
    assert Codes(codes=frozenset(words)).identity() == Codes(codes=frozenset(reversed(words))).identity()
    assert Codes(codes=frozenset(words)).identity() == "d8983a82ffb680ba"


@pytest.mark.parametrize(("options", "mode"), [({}, "closed"), ({"failure_mode": "open"}, "open")])
def test_only_the_policy_lets_a_filter_fail_open(options, mode) -> None:
    assert OptionalConfig.model_validate(options).failure_mode == mode


@pytest.mark.parametrize("kind", [Filter, Guard, Observer, Component])
async def test_a_part_that_overrides_nothing_does_nothing(kind) -> None:
    part, lent = kind(Config(), made := scope()), made
    await part.open()
    await part.close()

    assert (part.scope, part.config) == (lent, Config())


async def test_a_filter_that_overrides_nothing_passes_on() -> None:
    step: Filter[Config] = Filter(Config(), scope())
    made: Exchange = exchange()

    assert await step.on_request(made) is None
    await step.on_response(made)
    assert (step.requires, step.provides, step.provides_up, step.rejects_up) == ((), (), (), ())


def test_a_part_lists_nothing_unless_it_says_so() -> None:
    assert Filter.catalogue() == {}


def test_a_component_has_nothing_unless_it_says_so() -> None:
    component: Component[Config] = Component(Config(), scope())

    assert [*component.jobs(), *component.checks(), *component.admin_routes()] == []


@pytest.mark.parametrize("kind", [Config, Filter, Guard, Observer, Component])
def test_every_public_class_states_its_contract(kind) -> None:
    assert inspect.getdoc(kind)
