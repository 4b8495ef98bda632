"""The draft: what can be read of a policy that may be wrong elsewhere, so that every problem is found at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from gateway.control.policy import MatchEntry, PaymentEntry, Policy
from gateway.control.policy_parts import PartEntries, PartEntry
from gateway.control.policy_retries import ScheduledRetryEntry
from gateway.control.policy_upstreams import UpstreamEntry
from gateway.control.positions import Document
from gateway.control.problems import Path, Problem
from gateway.control.validation import problems_of
from gateway.ledger.recovery import Recovery, ResolverEntry, WrittenResolver

T = TypeVar("T")

_ENTRY: TypeAdapter[PartEntries] = TypeAdapter(PartEntries)
_RESOLVER: TypeAdapter[ResolverEntry] = TypeAdapter(WrittenResolver)
_MATCH, _PAYMENT, _UPSTREAM = TypeAdapter(MatchEntry), TypeAdapter(PaymentEntry), TypeAdapter(UpstreamEntry)
_RETRY = TypeAdapter(ScheduledRetryEntry)


@dataclass(frozen=True, slots=True)
class PlacedEntry:
    """A part's entry and the path to it, its name included."""

    path: Path
    entry: PartEntry


@dataclass(frozen=True, slots=True)
class UpstreamDraft:
    """``entry`` is None where it has problems of its own."""

    path: Path
    name: str
    entry: UpstreamEntry | None
    guards: tuple[PlacedEntry, ...]


@dataclass(frozen=True, slots=True)
class RouteDraft:
    """What is None is missing or has problems of its own.

    ``place`` is what a match that has problems says of paths.  ``pays`` and ``retries`` say whether payment facts, and
    scheduled retries, are asked for at all.
    """

    path: Path
    name: str | None
    upstream: str | None
    match: MatchEntry | None
    place: MatchEntry | None
    payment: PaymentEntry | None
    pays: bool
    filters: tuple[PlacedEntry, ...]
    retry: ScheduledRetryEntry | None = None
    retries: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """A document's sections.  ``policy`` is None where ``problems`` says why."""

    document: Document
    policy: Policy | None
    problems: tuple[Problem, ...]
    components: tuple[PlacedEntry, ...]
    resolvers: tuple[PlacedEntry, ...]
    upstreams: tuple[UpstreamDraft, ...]
    routes: tuple[RouteDraft, ...]


def draft(document: Document) -> Draft:
    policy: Policy | None = None
    problems: tuple[Problem, ...] = ()
    try:
        policy = Policy.model_validate(document.data)
    except ValidationError as invalid:
        problems = tuple(problems_of(invalid, Policy, document, ()))
    data = document.data
    return Draft(
        document,
        policy,
        problems,
        tuple(_components(_mapping(data.get("components")))),
        tuple(_resolvers(_mapping(data.get("components")))),
        tuple(_upstream(name, given) for name, given in _mapping(data.get("upstreams")).items()),
        tuple(_route(number, _mapping(given)) for number, given in enumerate(_list(data.get("routes")))),
    )


def _components(given: Mapping[str, Any]) -> Iterator[PlacedEntry]:
    for name, options in given.items():
        if isinstance(options, dict | None):
            yield PlacedEntry(("components", name), PartEntry(name=name, options=options or {}))


def _resolvers(components: Mapping[str, Any]) -> Iterator[PlacedEntry]:
    """Parts of their own within the options of recovery; ``mode`` means nothing to them."""
    path = ("components", Recovery.name, "resolvers")
    for number, each in enumerate(_list(_mapping(components.get(Recovery.name)).get("resolvers"))):
        valid = _valid(_RESOLVER, each)
        if valid is not None:
            yield PlacedEntry((*path, number, valid.name), PartEntry(name=valid.name, options=valid.options))


def _upstream(name: str, given: Any) -> UpstreamDraft:
    path = ("upstreams", name)
    guards = tuple(_entries(_mapping(given).get("guards"), (*path, "guards")))
    return UpstreamDraft(path, name, _valid(_UPSTREAM, given), guards)


def _route(number: int, given: Mapping[str, Any]) -> RouteDraft:
    path = ("routes", number)
    name, upstream, match = given.get("name"), given.get("upstream"), given.get("match")
    return RouteDraft(
        path,
        name if isinstance(name, str) else None,
        upstream if isinstance(upstream, str) else None,
        _valid(_MATCH, match),
        _valid(_MATCH, {option: value for option, value in _mapping(match).items() if option in ("path", "prefix")}),
        _valid(_PAYMENT, given.get("payment")),
        given.get("payment") is not None,
        tuple(_entries(given.get("filters"), (*path, "filters"))),
        _valid(_RETRY, given.get("scheduled_retry")),
        given.get("scheduled_retry") is not None,
    )


def _entries(given: Any, path: Path) -> Iterator[PlacedEntry]:
    for number, each in enumerate(_list(given)):
        valid = _valid(_ENTRY, [each])
        if valid is not None:
            yield PlacedEntry((*path, number, valid[0].name), valid[0])


def _valid(kind: TypeAdapter[T], given: Any) -> T | None:
    """None where it is not valid; the policy as a whole says why."""
    try:
        return kind.validate_python(given)
    except ValidationError:
        return None


def _mapping(given: Any) -> Mapping[str, Any]:
    return given if isinstance(given, dict) else {}


def _list(given: Any) -> list[Any]:
    return given if isinstance(given, list) else []
