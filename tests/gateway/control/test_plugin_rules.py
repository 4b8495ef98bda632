"""Each mistake of a plugin author that would otherwise be silent, and the sentence that tells of it."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from gateway import Config, Filter, Guard, Observer, Principal, Reads, hookimpl
from gateway.control.plugin_rules import hook_faults, part_faults


def plugin(**functions: Any) -> ModuleType:
    module = ModuleType("plugin")
    for name, function in functions.items():
        function.__module__ = "plugin"
        setattr(module, name, function)
    return module


def adding(*parts: type) -> Any:
    return lambda: parts


def faults_of(**functions: Any) -> list[str]:
    return [fault for _, fault in hook_faults(plugin(**functions))]


def test_a_fitting_hook_has_no_fault() -> None:
    assert faults_of(policy_rejected=hookimpl(lambda error: None)) == []


def test_a_module_without_a_hook_is_no_plugin() -> None:
    assert faults_of(other=lambda: None) == [
        "it implements no hook; add one, such as @hookimpl def register_filters(): return [...]"
    ]


def test_a_hook_that_is_not_marked_is_told_even_beside_one_that_is() -> None:
    marked = hookimpl(adding())

    assert faults_of(register_guards=marked, register_filters=adding()) == [
        "register_filters is never called; put @hookimpl before it"
    ]


def test_a_hook_may_carry_another_name_by_specname() -> None:
    assert faults_of(mine=hookimpl(adding(), specname="register_filters")) == []
    assert faults_of(mine=hookimpl(adding(), specname="register_fliters")) == [
        "no hook is named 'register_fliters'; did you mean 'register_filters'?"
    ]


@pytest.mark.parametrize(
    ("hook", "function", "told"),
    [
        ("policy_rejected", lambda cause: None, "has no argument 'cause'; it may take source, error"),
        ("register_filters", lambda settings: [], "has no argument 'settings'; it takes none"),
    ],
)
def test_an_argument_that_the_hook_does_not_offer_is_told(hook, function, told) -> None:
    assert faults_of(**{hook: hookimpl(function)}) == [f"{hook} {told}"]


def test_a_hook_is_not_awaited() -> None:
    async def register_filters():
        return []

    [fault] = faults_of(register_filters=hookimpl(register_filters))
    assert "must be a plain def" in fault


def test_a_hook_may_not_wrap_those_of_others() -> None:
    [fault] = faults_of(register_filters=hookimpl(adding(), wrapper=True))
    assert "may not be a wrapper" in fault


class Fit(Filter[Config]):
    name = "fit"
    reads = Reads.REQUEST
    provides = (Principal,)
    provides_up = ("clear_text",)

    async def on_request(self, exchange):
        return None


def part(base: type = Fit, **members: Any) -> type:
    return type("NoCard", (base,), {"name": "no_card", **members})


def test_a_fitting_part_has_no_fault() -> None:
    assert list(part_faults(Fit, Filter)) == []


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (object(), "is not a class derived from Filter"),
        (Config, "Config is not a class derived from Filter"),
        (part(name=None), 'NoCard needs a name of small letters, digits and _, such as name = "no_card"'),
        (part(name="No Card"), "NoCard needs a name"),
        (part(Config=dict), "NoCard.Config must be a class derived from gateway.Config"),
        (part(reads=True), "NoCard.reads must be a Reads, such as Reads.REQUEST"),
        (part(provides=Principal), "NoCard.provides must be a tuple, such as (Principal,)"),
        (part(requires=("Principal",)), "NoCard.requires must be a tuple, such as (Principal,)"),
        (part(rejects_up="clear_text"), 'NoCard.rejects_up must be a tuple, such as ("clear_text",)'),
        (part(on_request=lambda self, exchange: None), "NoCard.on_request must be async def"),
        (part(on_reqest=Fit.on_request), "NoCard.on_reqest is never called; did you mean 'on_request'?"),
    ],
)
def test_a_part_that_does_not_fit_is_told(kind, told) -> None:
    [fault] = part_faults(kind, Filter)
    assert told in fault


def test_a_part_may_have_methods_of_its_own() -> None:
    assert list(part_faults(part(on_decline=lambda self: None, score=lambda self: 1), Filter)) == []


def test_facts_may_depend_on_the_options() -> None:
    assert list(part_faults(part(provides=property(lambda self: ())), Filter)) == []


def test_a_name_is_needed_even_though_the_base_declares_one() -> None:
    class Nameless(Guard[Config]):
        pass

    [fault] = part_faults(Nameless, Guard)
    assert 'such as name = "nameless"' in fault


def test_what_is_not_awaited_may_not_be_async() -> None:
    class Told(Observer[Config]):
        name = "told"

        async def ended(self, exchange):
            pass

    [fault] = part_faults(Told, Observer)
    assert fault == "Told.ended must be a plain def: it is not awaited"


def test_a_guard_may_admit_at_once_or_be_awaited() -> None:
    class Patient(Guard[Config]):
        name = "patient"

        async def admit(self, exchange):
            pass

    assert list(part_faults(Patient, Guard)) == []


def test_mode_belongs_to_the_core() -> None:
    class Options(Config):
        mode: str = "fast"

    [fault] = part_faults(part(Config=Options), Filter)
    assert fault == "NoCard.Config has a field named mode, which is the core's own; name it otherwise"


def test_options_that_are_declared_but_not_set_are_told() -> None:
    class Options(Config):
        word: str

    class Forgetful(Filter[Options]):
        name = "forgetful"

    [fault] = part_faults(Forgetful, Filter)
    assert fault == "Forgetful takes Options but does not say Config = Options"
