"""Where plugins come from: each thing that is dropped in is found, and what cannot be imported is told in one line."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from gateway.control.plugin_sources import Plugin, PluginError, import_all

HELLO = """
    from gateway import Config, Filter

    class Hello(Filter[Config]):
        name = "hello"
"""


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(dedent(text))
    return folder


def load(*directories: Path, names: tuple[str, ...] = ()) -> dict[str, Plugin]:
    return {plugin.name: plugin for plugin in import_all(names, directories)}


def refusal(*directories: Path, names: tuple[str, ...] = ()) -> str:
    with pytest.raises(PluginError) as refused:
        load(*directories, names=names)
    message = str(refused.value)
    assert "\n" not in message
    return message


def test_a_folder_that_is_dropped_in_is_a_plugin_and_imports_its_own_modules(tmp_path) -> None:
    hooks = "from gateway import hookimpl\nfrom .filter import Hi\n@hookimpl\ndef register_filters(): return [Hi]"
    part = "from gateway import Config, Filter\nclass Hi(Filter[Config]): name = 'hi'"
    write(tmp_path / "hi", __init__=hooks, filter=part)

    assert load(tmp_path)["hi"].module.Hi.__module__ == "plugins.hi.filter"


def test_tests_and_hidden_things_beside_plugins_are_not_plugins(tmp_path) -> None:
    write(tmp_path, hello=HELLO, test_hello="1/0", conftest="1/0", _draft="1/0")
    write(tmp_path / "tests", test_hello="1/0")
    write(tmp_path / "..2026_11_23", hello="1/0")
    (tmp_path / "README.md").write_text("what these are")

    assert load(tmp_path).keys() == {"hello"}


def test_the_same_directory_may_be_loaded_again_and_another_takes_its_place(tmp_path) -> None:
    first, second = write(tmp_path / "a", hello=HELLO), write(tmp_path / "b", hello=HELLO)

    assert load(first)["hello"].module is load(first)["hello"].module
    assert load(second)["hello"].file == str(second / "hello.py")


def test_a_plugin_that_no_package_provides_is_refused_with_the_name_that_was_meant() -> None:
    message = refusal(names=("body_limits",))

    assert message.startswith("no installed package provides the plugin 'body_limits'")
    assert message.endswith("did you mean 'body_limit'?")


def test_a_built_in_cannot_be_replaced_by_what_is_dropped_in(tmp_path) -> None:
    assert "body_limit/__init__.py; rename it" in refusal(write(tmp_path, body_limit=HELLO))


def test_a_name_in_two_directories_is_refused(tmp_path) -> None:
    first, second = write(tmp_path / "a", hello=HELLO), write(tmp_path / "b", hello=HELLO)

    assert refusal(first, second) == (
        f"the name of the plugin {second / 'hello.py'} is taken by {first / 'hello.py'}; rename it"
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "import nothing_like_it",
            "cannot be imported: ModuleNotFoundError: No module named 'nothing_like_it' ({file}:1)",
        ),
        ("def broken(:", "cannot be imported: SyntaxError: invalid syntax ({file}:1)"),
        ("raise SystemExit(3)", "cannot be imported: SystemExit: 3 ({file}:1)"),
        ("raise ValueError('one\\ntwo')", "cannot be imported: ValueError: one two ({file}:1)"),
    ],
)
def test_an_import_that_fails_is_told_with_its_place(tmp_path, text, told) -> None:
    folder = write(tmp_path, bad=text)

    assert refusal(folder) == f"the plugin 'bad' {told.format(file=tmp_path / 'bad.py')}"


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("my-plugin.py",), "cannot be imported under this name; use letters, digits and _"),
        (("hello.py", "hello/__init__.py"), "is taken by"),
        (("hello/filter.py",), "has no __init__.py"),
    ],
)
def test_names_that_cannot_be_imported_are_refused(tmp_path, names, told) -> None:
    for name in names:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(dedent(HELLO))

    assert told in refusal(tmp_path)


def test_a_plugin_directory_that_is_not_there_is_refused(tmp_path) -> None:
    assert refusal(tmp_path / "gone") == f"the plugin directory {tmp_path / 'gone'} is not a directory"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Installs a package whose plugin ``acme`` is the module that is named."""

    def install(name: str, module: str) -> None:
        site = tmp_path / f"site-{name}"
        write(site, **{module: HELLO})
        (site / f"{name}-1.dist-info").mkdir()
        (site / f"{name}-1.dist-info" / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n")
        (site / f"{name}-1.dist-info" / "entry_points.txt").write_text(f"[payguard.plugins]\nacme = {module}\n")
        monkeypatch.syspath_prepend(site)

    return install


def test_a_plugin_of_another_package_is_found_by_its_entry_point(package) -> None:
    package("one", "acme_one")

    assert load(names=("acme",))["acme"].module.__name__ == "acme_one"
    assert load() == {}


def test_two_packages_with_a_plugin_of_one_name_are_refused(package) -> None:
    package("one", "acme_one")
    package("two", "acme_two")

    assert refusal(names=("acme",)) == ("the plugin 'acme' is provided by acme_one and acme_two; uninstall all but one")


def test_a_plugin_that_is_installed_and_dropped_in_is_refused(package, tmp_path) -> None:
    package("one", "acme_one")
    message = refusal(write(tmp_path / "ours", acme=HELLO), names=("acme",))

    assert message.startswith("two plugins are named 'acme'")
