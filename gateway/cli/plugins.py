"""``payguard plugins``: what is loaded, what each plugin offers, and a new one to begin with."""

from __future__ import annotations

import inspect
import keyword
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from gateway.cli.option_rows import option_rows
from gateway.cli.policies import Refused, as_json, loaded, plugin_dirs, print_json
from gateway.cli.scaffold import scaffold
from gateway.control.plugin_rules import NAME
from gateway.control.plugin_sources import is_passed_over
from gateway.control.plugins import Plugin, Plugins
from gateway.control.settings import BUILT_IN
from gateway.parts import Filter, Part

KINDS = ("filters", "guards", "observers", "components", "resolvers")


@click.group()
def plugins() -> None:
    """See and write plugins."""


@plugins.command("list")
@plugin_dirs
@as_json
def list_plugins(directories: tuple[Path, ...], as_json: bool) -> None:
    """Show every loaded plugin and what it contributes."""
    found = loaded(directories)
    if as_json:
        print_json([_summary(plugin, found) for plugin in found.loaded])
        return
    table = Table("plugin", "contributes", "what it is for", Column("from", overflow="fold"), box=None, pad_edge=False)
    for plugin in found.loaded:
        table.add_row(plugin.name, "\n".join(_contributions(plugin, found)), _first_line(plugin.module), plugin.file)
    _console().print(table)


@plugins.command("show")
@click.argument("name")
@plugin_dirs
@as_json
def show(name: str, directories: tuple[Path, ...], as_json: bool) -> None:
    """Show the plugin NAME, or the plugin that contributes a part NAME, and every option."""
    found = loaded(directories)
    plugin = next((each for each in found.loaded if each.name == name), None) or found.owners.get(name)
    if plugin is None:
        raise Refused(f"no loaded plugin is named {name!r} or contributes it; see payguard plugins list")
    parts = [part for part in found.registry.parts() if found.origin(part.name) is plugin]
    if as_json:
        print_json({**_summary(plugin, found), "parts": [_described(part) for part in parts]})
        return
    console = _console()
    console.print(Text(f"{plugin.name}  {plugin.file}", style="bold"))
    console.print((plugin.module.__doc__ or "").strip(), markup=False)
    for part in parts:
        _print_part(console, part)


@plugins.command("new")
@click.argument("name")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("payguard-plugins"),
    show_default=True,
    help="The plugin directory to write to.",
)
@click.option("--folder", is_flag=True, help="Write a folder in place of one file.")
def new(name: str, directory: Path, folder: bool) -> None:
    """Write a plugin NAME, with a test, to begin with.  Both work as they are."""
    if not NAME.fullmatch(name) or keyword.iskeyword(name):
        raise click.BadParameter("use small letters, digits and _, and begin with a letter", param_hint="NAME")
    if is_passed_over(name):
        raise click.BadParameter(f"a file of the name {name} is taken for a test, not for a plugin", param_hint="NAME")
    existing = loaded(())
    if name in {*BUILT_IN, *existing.owners, *(plugin.name for plugin in existing.loaded)}:
        raise click.BadParameter(f"{name} is the name of a plugin that exists", param_hint="NAME")
    files = {directory / path: text for path, text in scaffold(name, folder=folder).items()}
    for path in (directory / name, directory / f"{name}.py", *files):
        if path.exists():
            raise click.BadParameter(f"{path} exists; nothing was written", param_hint="NAME")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        click.echo(f"wrote {path}")
    click.echo(f"test it: python -m pytest {directory / 'tests'}")
    click.echo(f"use it: name `- {name}` in a route's filters, and start with --plugin-dir {directory}")


def _console() -> Console:
    return Console(highlight=False, soft_wrap=True)


def _summary(plugin: Plugin, among: Plugins) -> dict[str, Any]:
    contributed: dict[str, list[str]] = {
        kind: [name for name in getattr(among.registry, kind) if among.origin(name) is plugin] for kind in KINDS
    }
    contributed["commands"] = [str(each.name) for each in among.commands if among.origin(str(each.name)) is plugin]
    return {"name": plugin.name, "file": plugin.file, "summary": _first_line(plugin.module), **contributed}


def _contributions(plugin: Plugin, among: Plugins) -> Iterator[str]:
    summary = _summary(plugin, among)
    for kind in (*KINDS, "commands"):
        for name in summary[kind]:
            yield f"{kind.removesuffix('s')} {name}"


def _first_line(documented: object) -> str:
    return (documented.__doc__ or "").strip().partition("\n")[0]


def _described(part: type[Part[Any]]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "kind": _kind(part),
        "name": part.name,
        "doc": _doc(part),
        "options": part.Config.model_json_schema(),
    }
    if catalogue := part.catalogue():
        described["catalogue"] = catalogue
    if issubclass(part, Filter):
        described["requires"] = _names(part.requires)
        described["provides"] = _names(part.provides)
        described["shadowable"] = part.shadowable
    return described


def _kind(part: type[Part[Any]]) -> str:
    return next(base.__name__.lower() for base in part.__mro__ if base.__module__ == "gateway.parts")


def _doc(part: type[Part[Any]]) -> str:
    return inspect.cleandoc(part.__doc__ or "")


def _names(facts: object) -> list[str]:
    return [fact.__name__ for fact in facts] if isinstance(facts, tuple) else []


def _print_part(console: Console, part: type[Part[Any]]) -> None:
    console.print(Text(f"\n{_kind(part)} {part.name}", style="bold"))
    if doc := _doc(part):
        console.print(doc, markup=False)
    if issubclass(part, Filter):
        for word in ("requires", "provides"):
            if names := _names(getattr(part, word)):
                console.print(f"{word} {', '.join(names)}")
    if rows := list(option_rows(part.Config)):
        table = Table("option", "type", "default", "what it does", box=None, pad_edge=False)
        for row in rows:
            table.add_row(*map(Text, row))
        console.print(table)
    for title, entries in part.catalogue().items():
        _print_entries(console, title, entries)


def _print_entries(console: Console, title: str, entries: Sequence[Mapping[str, str | int]]) -> None:
    console.print(Text(f"\n{title}", style="bold"))
    table = Table(*(entries[0] if entries else ()), box=None, pad_edge=False)
    for entry in entries:
        table.add_row(*(Text(str(value)) for value in entry.values()))
    console.print(table)
