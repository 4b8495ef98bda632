"""The options of ``sanitise``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from gateway import Config, Duration, Size, did_you_mean

from .detection import FAMILIES, RULES
from .fields import Place

BodyKind = Literal["json", "form", "multipart", "xml", "text", "other"]
Action = Literal["block", "report", "off"]
Way = Literal["html", "strip", "escape"]

EVERYTHING = "all"

ACTIVE = frozenset({"applet", "base", "embed", "form", "frame", "frameset", "iframe", "link", "math", "meta", "object"})
ACTIVE |= {"script", "style", "svg", "template", "title", "textarea", "noscript", "xmp", "plaintext"}
"""Elements that run, load, redirect or change how the rest is read."""


def _family(name: str) -> str:
    if name not in FAMILIES:
        raise ValueError(f"no family has this name{did_you_mean(name, FAMILIES)}")
    return name


def _allowed(name: str) -> str:
    known = (*RULES, *FAMILIES, EVERYTHING)
    if name not in known:
        raise ValueError(f"no rule and no family has this name{did_you_mean(name, known)}")
    return name


def _harmless(element: str) -> str:
    if element in ACTIVE:
        raise ValueError(f"{element} does something: it cannot be kept")
    return element


Family = Annotated[str, AfterValidator(_family), Field(examples=["sqli", "xss"])]
Allowed = Annotated[str, AfterValidator(_allowed), Field(examples=["xss.element", "sqli", EVERYTHING])]
Families = Mapping[Family, Action]
Element = Annotated[str, AfterValidator(_harmless), Field(pattern=r"^[a-z][a-z0-9]*$", examples=["b", "a"])]


class Bounds(Config):
    depth: int = Field(default=32, ge=1, le=500)
    """How deep a body may nest."""

    values: int = Field(default=4096, ge=1, le=100_000)
    """How many values a body, a query or the cookies may hold."""

    effort: Annotated[Duration, Field(le=1)] = 0.01
    """How much of the processor's time is spent on looking closely at what is suspicious in a request. Ordinary ones
    take a fiftieth of it; one that takes longer is made to."""

    unfolded: Size = 1 << 20
    """What a body in a content coding may unfold to."""

    ratio: int = Field(default=100, ge=1, le=1100)
    """How many times larger than what came that may be."""


class FieldEntry(Config):
    at: Place
    """Which fields: a JSON pointer such as `/items/*/note` or `/metadata/**`, `path`, `body`, or `query:`, `header:`,
    `cookie:`, `form:`, `file:` or `xml:` and a name."""

    allow: tuple[Allowed, ...] = ()
    """Rules or families that are not looked for there, or `all`."""

    families: Families = Field(default_factory=dict)
    """What is done there, by family."""

    clean: Way | None = None
    """Take markup that does something out, in JSON only: `html` keeps the elements that are allowed, `strip` keeps
    none, `escape` writes markup as text."""

    elements: tuple[Element, ...] | None = None
    """What `clean: html` keeps, in place of plain formatting, lists, tables and links."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.clean is not None and not self.at.startswith("/"):
            raise ValueError("clean is for JSON: give a pointer, such as /description")
        if self.elements is not None and self.clean != "html":
            raise ValueError("elements are for clean: html")
        if not (self.allow or self.families or self.clean):
            raise ValueError("say what is different there: allow, families or clean")
        return self


class SchemaConfig(Config):
    file: str = Field(min_length=1)
    """An OpenAPI description (3.0 or 3.1) or a JSON Schema, in JSON or YAML.  Read when the policy is activated."""

    unknown: Literal["refuse", "drop", "pass"] = "refuse"
    """What becomes of fields that it does not name."""

    undescribed: Literal["refuse", "pass"] = "refuse"
    """What becomes of a request that is none of the OpenAPI description's operations."""


class SanitiseConfig(Config):
    families: Families = Field(default_factory=dict)
    """What is done with what is found, by family: `block` unless said otherwise, `report` notes it and passes on,
    `off` does not look for it."""

    threshold: int = Field(default=5, ge=1)
    """What the scores of all that is found and would block must reach, for the request to be refused."""

    fields: tuple[FieldEntry, ...] = ()
    """Where it is different.  The first entry whose `at` a field matches is for that field."""

    bodies: tuple[BodyKind, ...] = Field(default=("json", "form", "multipart", "xml", "text", "other"), min_length=1)
    """The kinds of bodies that are taken.  `other` is what no code reads as text, such as images."""

    repeated: Literal["pass", "refuse"] = "pass"
    """What becomes of a form in which a name comes twice."""

    spellings: Literal["refuse", "pass"] = "refuse"
    """What becomes of JSON in which an object has two keys that differ in case alone, which are one to some
    backends."""

    bounds: Bounds = Bounds()
    """What a body may be, and no larger."""

    schema_: SchemaConfig | None = Field(default=None, alias="schema")
    """What bodies must be."""
