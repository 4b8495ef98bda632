from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway import Config, Duration, SecretRef, Size
from gateway.cli.option_rows import option_rows


class Limit(Config):
    per: Literal["user", "ip"]
    """Whose."""

    within: Duration = 60.0


class Options(Config):
    limits: tuple[Limit, ...]
    """What is
    limited."""

    most: Size = 1024
    wait: Annotated[Duration, Field(le=5)] = 0.25
    key: SecretRef | None = None
    block: Limit | None = None
    source: str = Field("any", alias="from")
    names: tuple[str, ...] = ("a", "b")
    anything: object = None
    on: bool = True


def rows() -> dict[str, tuple[str, str, str]]:
    return {row.name: (row.type, row.default, row.description) for row in option_rows(Options)}


def test_every_option_is_named_as_a_policy_writes_it_the_nested_ones_too() -> None:
    assert list(rows()) == [
        "limits", "limits[].per", "limits[].within",
        "most", "wait", "key",
        "block", "block.per", "block.within",
        "from", "names", "anything", "on",
    ]  # fmt: skip


def test_types_are_those_that_a_person_writes() -> None:
    assert {name: row[0] for name, row in rows().items()} == {
        "limits": "list of mapping",
        "limits[].per": "user | ip",
        "limits[].within": "duration",
        "most": "size",
        "wait": "duration",
        "key": "secret",
        "block": "mapping",
        "block.per": "user | ip",
        "block.within": "duration",
        "from": "string",
        "names": "list of string",
        "anything": "anything",
        "on": "boolean",
    }


def test_defaults_are_written_as_a_policy_would() -> None:
    defaults = {name: row[1] for name, row in rows().items()}

    assert defaults["limits"] == defaults["limits[].per"] == "required"
    assert (defaults["most"], defaults["wait"], defaults["on"]) == ("1KiB", "250ms", "true")
    assert (defaults["from"], defaults["names"], defaults["key"]) == ("any", "a, b", "")


def test_a_description_is_one_line() -> None:
    assert rows()["limits"][2] == "What is limited."
