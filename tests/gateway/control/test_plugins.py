"""Plugins as a person drops them in: each good one is found, each bad one is refused by one line that says why."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from gateway.control.plugins import PluginError, Plugins, load_plugins
from gateway.control.settings import load_settings

HELLO = """
    from gateway import Component, Config, Filter, Guard, Observer, Reads, hookimpl
    import click

    class Hello(Filter[Config]):
        name = "hello"

    @hookimpl
    def register_filters():
        return [Hello]
"""


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(dedent(text))
    return folder


def load(*directories: Path, names: tuple[str, ...] = ()) -> Plugins:
    return load_plugins(load_settings({}, plugins=names, plugin_dirs=directories))


def refusal(*directories: Path, names: tuple[str, ...] = ()) -> str:
    with pytest.raises(PluginError) as refused:
        load(*directories, names=names)
    message = str(refused.value)
    assert "\n" not in message
    return message


def test_register_filters_of_a_file_that_is_dropped_in_is_called_and_its_origin_known(tmp_path) -> None:
    plugins = load(write(tmp_path, hello=HELLO))

    assert plugins.registry.filters.keys() == {"hello"}
    assert plugins.registry.filters["hello"].__module__ == "plugins.hello"
    assert plugins.origin("hello").file == str(tmp_path / "hello.py")


def test_an_installed_plugin_that_is_not_named_stays_out() -> None:
    assert load().registry.filters == {}
    assert "body_limit" in load(names=("body_limit",)).registry.filters


def test_the_built_ins_are_loaded_unless_the_settings_say_otherwise() -> None:
    built_in = {
        "principal",
        "rate_limit",
        "body_limit",
        "require_json",
        "sanitise",
        "egress",
        "tokenise",
        "encrypt",
        "hash",
        "fraud",
        "idempotency",
        "cache",
        "cache_clears",
    }
    assert load_plugins(load_settings({})).registry.filters.keys() == built_in


def test_a_plugin_for_another_api_is_refused(tmp_path) -> None:
    message = refusal(write(tmp_path, hello=dedent(HELLO) + "\nPAYGUARD_API = 2"))

    assert message.endswith("is refused: it was written for API 2; this gateway has API 1")


def test_a_plugin_for_this_api_is_taken(tmp_path) -> None:
    assert load(write(tmp_path, hello=dedent(HELLO) + "\nPAYGUARD_API = 1")).registry.filters


def test_a_misspelled_hook_is_refused_with_its_line(tmp_path) -> None:
    message = refusal(write(tmp_path, hello=HELLO.replace("register_filters", "register_filter")))

    assert f"({tmp_path / 'hello.py'}:8)" in message
    assert message.endswith("no hook is named 'register_filter'; did you mean 'register_filters'?")


def test_register_components_may_give_a_name_that_a_filter_of_the_same_plugin_has_but_no_other_plugins(
    tmp_path,
) -> None:
    both = """
        class Counter(Component[Config]):
            name = "hello"

        @hookimpl
        def register_components():
            return [Counter]
    """
    own = write(tmp_path / "a", hello=dedent(HELLO) + dedent(both))
    assert load(own).registry.components.keys() == {"hello"}

    other = write(tmp_path / "b", other="from gateway import Component, Config, hookimpl\n" + dedent(both))
    assert f"the name 'hello' is taken by 'hello' ({own / 'hello.py'}); rename it" in refusal(own, other)


def test_two_filters_of_one_name_are_refused(tmp_path) -> None:
    message = refusal(write(tmp_path, hello=HELLO.replace("[Hello]", "[Hello, Hello]")))

    assert "the name 'hello' is taken" in message


def test_register_observers_may_not_give_the_name_of_a_component_since_a_policy_could_not_tell_them_apart(
    tmp_path,
) -> None:
    clash = """
        class Told(Observer[Config]):
            name = "told"

        class Kept(Component[Config]):
            name = "told"

        @hookimpl
        def register_observers():
            return [Told]

        @hookimpl
        def register_components():
            return [Kept]
    """
    assert "both named 'told'" in refusal(write(tmp_path, hello=dedent(HELLO) + dedent(clash)))


def test_register_guards_and_register_commands_are_collected(tmp_path) -> None:
    more = """
        class Turnstile(Guard[Config]):
            name = "turnstile"

        @hookimpl
        def register_guards():
            return [Turnstile]

        @hookimpl
        def register_commands():
            yield click.Command("greet")
    """
    plugins = load(write(tmp_path, hello=dedent(HELLO) + dedent(more)))

    assert plugins.registry.guards.keys() == {"turnstile"}
    assert [command.name for command in plugins.commands] == ["greet"]
    assert plugins.origin("greet").name == "hello"


def resolver(name: str) -> str:
    return f"""
        from gateway import Config, Resolver, hookimpl

        class Bank(Resolver[Config]):
            name = "{name}"

        @hookimpl
        def register_resolvers():
            return [Bank]
    """


def test_register_resolvers_is_collected(tmp_path) -> None:
    plugins = load(write(tmp_path, bank=resolver("bank")))

    assert plugins.registry.resolvers.keys() == {"bank"}
    assert plugins.origin("bank").name == "bank"


STORED = """
    from gateway import Stored, hookimpl

    @hookimpl
    def register_stored():
        return [Stored.tokens("vault", "sealed", "vault")]
"""


def test_register_stored_is_collected_and_what_is_none_is_refused(tmp_path) -> None:
    plugins = load(write(tmp_path, vault=STORED))
    message = refusal(write(tmp_path / "other", vault=STORED.replace("Stored.tokens(", "(")))

    assert [each.name for each in plugins.stored] == ["vault.sealed"]
    assert message.endswith("register_stored: ('vault', 'sealed', 'vault') is not a Stored")


@pytest.mark.parametrize("name", ["replay", "recovery", "ledger", "forwarding"])
def test_the_names_of_the_cores_own_parts_are_taken(tmp_path, name) -> None:
    message = refusal(write(tmp_path, bank=resolver(name)))

    assert message.endswith(f"the name '{name}' is taken by the gateway's own; rename it")


def test_a_hook_that_returns_no_list_is_told_what_to_return(tmp_path) -> None:
    message = refusal(write(tmp_path, hello=HELLO.replace("return [Hello]", "pass")))

    assert message.endswith("register_filters returned None; it must return a list")


def test_a_hook_that_raises_is_told_in_one_line_with_its_place(tmp_path) -> None:
    message = refusal(write(tmp_path, hello=HELLO.replace("return [Hello]", r"raise OSError('no licence\n file')")))

    assert message.endswith(f"register_filters failed: OSError: no licence file ({tmp_path / 'hello.py'}:10)")


def test_create_store_asks_each_plugin_until_one_serves(tmp_path) -> None:
    text = "from gateway import hookimpl\n@hookimpl\ndef create_store(settings): return {answer}"
    folder = write(tmp_path, a=text.format(answer="None"), b=text.format(answer="settings + 1"))

    assert load(folder).hooks.create_store(settings=1) == 2


def test_policy_activated_and_policy_rejected_reach_every_plugin_with_the_arguments_it_takes(tmp_path) -> None:
    text = """
        from gateway import hookimpl

        @hookimpl
        def policy_activated(digest):
            return digest

        @hookimpl
        def policy_rejected(source, error):
            return f"{source}: {error}"
    """
    hooks = load(write(tmp_path, a=text)).hooks

    assert hooks.policy_activated(digest="abc", previous=None) == ["abc"]
    assert hooks.policy_rejected(source="p.yaml", error=ValueError("x")) == ["p.yaml: x"]
