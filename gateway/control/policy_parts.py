"""The policy's entries for parts: ``- name`` or ``- name: {option: value}``, and what else all entries share."""

from __future__ import annotations

from collections.abc import Mapping, Sized
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

from gateway.parts import Config

SizedT = TypeVar("SizedT", bound=Sized)

Mode = Literal["enforce", "shadow", "off"]

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$")]
"""A name that a person gives; it becomes a label of metrics."""

Options = Annotated[Mapping[str, Any], BeforeValidator(lambda given: {} if given is None else given)]
"""A part's options; `name:` with nothing behind it gives none."""


def _some(given: SizedT) -> SizedT:
    if not given:
        raise ValueError("holds nothing; give at least one")
    return given


NotEmpty = AfterValidator(_some)
"""Where pydantic's own least length would complain of items that are there and wrong."""


def _entry(given: Any) -> Any:
    match given:
        case str():
            return {"name": given}
        case dict() if len(given) == 1:
            [(name, options)] = given.items()
            if not isinstance(options, dict):
                return {"name": name, "options": options}
            rest = {key: value for key, value in options.items() if key != "mode"}
            mode = {"mode": options["mode"]} if "mode" in options else {}
            return {"name": name, "options": rest, **mode}
        case _:
            raise ValueError("write `- name` or `- name: {option: value}`")


class PartEntry(Config):
    """A filter or guard: ``- name`` or ``- name: {option: value}``.  ``options`` are checked against its own Config."""

    name: str
    """What its plugin calls it."""

    mode: Mode = "enforce"
    """`shadow` runs it on a copy and records what it would have done; `off` leaves it out."""

    options: Options = Field(default_factory=dict)
    """All but `mode`, which is the core's own."""


PartEntries = tuple[Annotated[PartEntry, BeforeValidator(_entry)], ...]
