"""The compilation of one policy: every section read, checked and built, all problems kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gateway.control.advice import unrecoverable, unschedulable
from gateway.control.building import Building
from gateway.control.draft import PlacedEntry, RouteDraft, UpstreamDraft, draft
from gateway.control.explain import Description, describe
from gateway.control.holding import unholdable
from gateway.control.order import Step, misplaced
from gateway.control.own import claims, own_routes
from gateway.control.payments import payment_reader, unknown_currencies
from gateway.control.placing import Kinds, Placed, Role
from gateway.control.policy import MatchEntry, Policy, RouteEntry
from gateway.control.policy_parts import PartEntry
from gateway.control.positions import Document
from gateway.control.problems import Path, Problem
from gateway.control.reach import covers
from gateway.control.recording import Recording, later_of, unacceptable
from gateway.control.retries import Retries, RetriesConfig
from gateway.control.retrying import retrying_of, unretryable
from gateway.control.scope import Services
from gateway.control.upstreams import UnusableFile, build_upstream
from gateway.dataplane.chain import Chain, Mode
from gateway.dataplane.detecting import Detecting
from gateway.dataplane.router import Match
from gateway.dataplane.snapshot import Route, Snapshot
from gateway.dataplane.upstream import Upstream
from gateway.exchange import Exchange
from gateway.facts import Payment
from gateway.ledger.keeping import Keeping, KeepingConfig
from gateway.ledger.recovery import Recovery, RecoveryConfig
from gateway.parts import Component, Filter, Guard, Observer, OptionalConfig, Part, Resolver
from gateway.spelling import did_you_mean


@dataclass(frozen=True, slots=True)
class _BuiltRoute:
    draft: RouteDraft
    match: Match | None
    filters: Sequence[tuple[Placed, Part[Any] | None]]


class Compilation:
    """One document on its way to a snapshot.  Whoever made it ends it: by ``snapshot``, or by ``abandon``.

    ``components`` are those of the core, which are there whether the policy names them or not.
    """

    def __init__(
        self, kinds: Kinds, services: Services, document: Document, components: Sequence[type[Component[Any]]]
    ) -> None:
        self._document = document
        self._services = services
        self._kinds = kinds
        self._draft = draft(document)
        self.problems = [*self._draft.problems]
        self.warnings: list[Problem] = []
        self._made: dict[Path, Part[Any]] = {}
        entries = [*self._draft.components, *_unnamed(components, self._draft.components)]
        placed = self._place(entries, "component", "observer")
        known = [kind for kind in kinds.of("component") if issubclass(kind, Component)]
        tenant = "" if self._draft.policy is None else self._draft.policy.tenant
        self._building = Building(services, document, placed, known, tenant)
        self._observers = self._build_components(placed)
        asked = self._place(self._draft.resolvers, "resolver")
        self._resolvers = [self._make(each) for each in asked]
        self._upstreams = dict(self._build_upstreams())
        self._routes = [self._build_route(each) for each in self._draft.routes]
        self._check_routes()
        sealed = services.keyring is not None or bool(services.environ.get("ENCRYPTION_KEY"))
        if not sealed:
            self._warn_of_seals()
        self._check_keeping(known, asked, sealed=sealed)
        self.problems += self._building.problems

    def _check_keeping(self, known: Sequence[type[Component[Any]]], asked: Sequence[Placed], *, sealed: bool) -> None:
        """Whether what the policy keeps to be sent later can be kept, and is followed."""
        if Recovery in known and self._draft.policy is not None:
            policy = self._draft.policy
            for path, message in unrecoverable(policy, asked, sealed=sealed):
                self._warn(path, message)
            for path, message in unschedulable(policy, sealed=sealed):
                self._warn(path, message)
            for step in (step for route in self._routes for step, part in route.filters if _holds(step, part)):
                if not sealed:
                    self._warn(step.path, "holds nothing: without an ENCRYPTION_KEY no request is kept")

    def snapshot(self, digest: str, observers: Sequence[Callable[[Exchange], None]]) -> Snapshot:
        """The policy, compiled.  Only where there are no problems."""
        building = self._building
        building.host.seal()
        recording = self._recording(digest)
        building.resending = recording.resending(self._upstreams)
        snapshot = Snapshot(
            digest,
            [
                self._route(built, entry, recording)
                for built, entry in zip(self._routes, self._policy.routes, strict=True)
            ],
            building.parts,
            [*observers, *(observer.ended for observer in self._observers)],
            [building.lease.release],
            components=building.host.components,
            upstreams=list(self._upstreams.values()),
            own=own_routes(self._services.ledger, dict(self._enforced()), self._services.owners),
            resolvers=[resolver for resolver in self._resolvers if isinstance(resolver, Resolver)],
            description=self.description(digest),
        )
        building.tasks.holder = snapshot
        return snapshot

    def _warn_of_seals(self) -> None:
        """Where it is checked there need be no key; where it serves, these parts do not open without one."""
        for path, part in self._made.items():
            if part.seals:
                self._warn(path, "needs a key to seal with: set ENCRYPTION_KEY, or this policy does not start")

    def _recording(self, digest: str) -> Recording:
        """By what the policy says of the core's own components, or what they say of themselves."""
        configs = {type(each): each.config for each in self._building.host.components}
        keeping, recovery = configs.get(Keeping, KeepingConfig()), configs.get(Recovery, RecoveryConfig())
        retries = configs.get(Retries, RetriesConfig())
        return Recording(self._services, self._policy, digest, keeping=keeping, recovery=recovery, retries=retries)

    def description(self, digest: str) -> Description:
        """What it says, in full.  Only where there are no problems."""
        return describe(self._policy, self._made, digest)

    def abandon(self) -> None:
        """Give back what was shared; the parts were never opened."""
        self._building.lease.abandon()

    def _make(self, placed: Placed, place: str = "", operation: str | None = None) -> Part[Any] | None:
        return self._keep(placed, self._building.make(placed, place, operation))

    def _keep(self, placed: Placed, part: Part[Any] | None) -> Part[Any] | None:
        if part is not None:
            self._made[placed.path] = part
        return part

    def _place(self, entries: Sequence[PlacedEntry], *roles: Role) -> list[Placed]:
        placed = self._kinds.place(entries, roles, self._document, self.problems)
        return [each for each in placed if each is not None]

    def _build_components(self, placed: Sequence[Placed]) -> list[Observer[Any]]:
        observers = []
        for each in placed:
            if issubclass(each.kind, Observer):
                observers.append(self._make(each))
            else:
                self._keep(each, self._building.make_component(each))
        return [observer for observer in observers if isinstance(observer, Observer)]

    def _build_upstreams(self) -> Iterator[tuple[str, Upstream]]:
        used = {route.upstream for route in self._draft.routes}
        sure = used <= {each.name for each in self._draft.upstreams}  # else a misspelled one may be meant
        for each in self._draft.upstreams:
            if sure and each.name not in used:
                self._warn(each.path, "is used by no route")
            guards = [(placed, self._make(placed, each.name)) for placed in self._place(each.guards, "guard")]
            if each.entry is not None:
                yield from self._build_upstream(each, guards)

    def _build_upstream(
        self, each: UpstreamDraft, guards: Sequence[tuple[Placed, Part[Any] | None]]
    ) -> Iterator[tuple[str, Upstream]]:
        assert each.entry is not None
        made = [(guard, placed.mode) for placed, guard in guards if isinstance(guard, Guard) and placed.mode != "off"]
        try:
            yield each.name, build_upstream(each.name, each.entry, made, self._building.lease)
        except UnusableFile as error:
            self._problem((*each.path, "tls", error.option), str(error))

    def _build_route(self, each: RouteDraft) -> _BuiltRoute:
        placed = self._kinds.place(each.filters, ("filter",), self._document, self.problems)
        name, operation = each.name or "", each.payment.operation if each.payment is not None else None
        parts = [self._make(step, name, operation) if step is not None else None for step in placed]
        steps = [
            _step(step, part) if step is not None else Step(entry.entry.name, known=False)
            for entry, step, part in zip(each.filters, placed, parts, strict=True)
        ]
        given: frozenset[type] = frozenset({Payment}) if each.pays else frozenset()
        for number, message in misplaced(steps, given):
            self._problem(each.filters[number].path, message, at_key=True)
        if (payment := each.payment) is not None:
            for currency in unknown_currencies(payment):
                place = (*each.path, "payment", "bounds", currency)
                self._problem(place, f"is no currency of {payment.exponents}", at_key=True)
        filters = [(step, part) for step, part in zip(placed, parts, strict=True) if step is not None]
        return _BuiltRoute(each, self._match(each), filters)

    def _match(self, each: RouteDraft) -> Match | None:
        entry = each.match or each.place
        if entry is None:
            return None
        try:
            match = _match(entry)
        except ValueError as error:
            option = "path" if entry.path is not None else "prefix"
            self._problem((*each.path, "match", option), str(error))
            return None
        return None if each.match is None else match

    def _check_routes(self) -> None:
        names: dict[str, Path] = {}
        known = [each.name for each in self._draft.upstreams]
        for number, route in enumerate(self._routes):
            name, upstream, path = route.draft.name, route.draft.upstream, route.draft.path
            if name is not None and name in names:
                first = self._document.values[names[name]].line
                self._problem((*path, "name"), f"another route has this name, in line {first}")
            elif name is not None:
                names[name] = path
            if upstream is not None and upstream not in known:
                self._problem((*path, "upstream"), f"no upstream has this name{did_you_mean(upstream, known)}")
            for claimed, why in claims(name, route.draft.match or route.draft.place):
                self._problem((*path, *claimed), why)
            self._check_reach(route, self._routes[:number])
            made = [part for _, part in route.filters if isinstance(part, Filter)]
            for place, why in unretryable(route.draft, self._draft.upstreams, made, self._services.secret):
                self._problem((*path, "scheduled_retry", *place), why, at_key=True)
        if self._draft.policy is not None:
            for number, entry in enumerate(self._draft.policy.routes):
                parts = [part for _, part in self._routes[number].filters if isinstance(part, Filter)]
                enforced = [
                    part if isinstance(part, Filter) and step.mode == "enforce" else None
                    for step, part in self._routes[number].filters
                ]
                for step, message in unholdable(enforced, pays=entry.payment is not None):
                    self._problem(self._routes[number].filters[step][0].path, message, at_key=True)
                for path, message in unacceptable(entry, parts, self._services.secret):
                    self._problem(("routes", number, "when_unreachable", *path), message)

    def _enforced(self) -> Iterator[tuple[str, list[Filter[Any]]]]:
        for built in self._routes:
            assert built.draft.name is not None
            steps = [part for step, part in built.filters if isinstance(part, Filter) and step.mode == "enforce"]
            yield built.draft.name, steps

    def _check_reach(self, route: _BuiltRoute, earlier: Sequence[_BuiltRoute]) -> None:
        for before in earlier:
            if before.match is not None and route.match is not None and covers(before.match, route.match):
                line = self._document.values[before.draft.path].line
                name = before.draft.name or "before it"
                self._warn(
                    route.draft.path, f"is never reached: the route {name} (line {line}) takes all that it would"
                )
                return

    @property
    def _policy(self) -> Policy:
        assert self._draft.policy is not None
        return self._draft.policy

    def _route(self, built: _BuiltRoute, entry: RouteEntry, recording: Recording) -> Route:
        assert built.match is not None
        filters = [(part, step.mode) for step, part in built.filters if isinstance(part, Filter) and step.mode != "off"]
        upstream = self._upstreams[entry.upstream]
        records = entry.payment is not None or any(part.reserves for part, _ in filters)
        recorder = recording.of(entry, upstream, filters) if records else None
        chain = Chain(
            [*filters, *self._detecting(entry, filters)],
            upstream,
            payment=payment_reader(entry.payment, self._services.salts) if entry.payment else None,
            buffer=entry.buffer,
            recorder=recorder,
        )
        operation = entry.payment.operation if entry.payment else None
        later = later_of(filters, upstream, recorder, entry.buffer)
        retrying = retrying_of(entry, filters, upstream, recorder, self._services)
        return Route(entry.name, built.match, chain, operation, later, retrying)

    def _detecting(
        self, entry: RouteEntry, filters: Sequence[tuple[Filter[Any], Mode]]
    ) -> Iterator[tuple[Filter[Any], Mode]]:
        if entry.detect:
            kept, services = [part for part, mode in filters if mode == "enforce"], self._services
            found, spared = services.detections, services.spared
            yield Detecting(entry.name, kept, found, buffer=entry.buffer, spared=spared), "enforce"

    def _problem(self, path: Path, message: str, *, at_key: bool = False) -> None:
        self.problems.append(self._document.problem(path, message, at_key=at_key))

    def _warn(self, path: Path, message: str) -> None:
        self.warnings.append(replace(self._document.problem(path, message, at_key=True), level="warning"))


def _unnamed(core: Sequence[type[Component[Any]]], named: Sequence[PlacedEntry]) -> Iterator[PlacedEntry]:
    """Entries for what the core has anyway, with its default options."""
    names = {each.entry.name for each in named}
    for kind in core:
        if kind.name not in names:
            yield PlacedEntry(("components", kind.name), PartEntry(name=kind.name))


def _holds(step: Placed, part: Part[Any] | None) -> bool:
    return isinstance(part, Filter) and step.mode == "enforce" and part.holds is not None


def _match(entry: MatchEntry) -> Match:
    methods = None if entry.methods is None else frozenset(entry.methods)
    return Match(methods, entry.path, entry.prefix, entry.host, entry.headers)


def _step(placed: Placed, part: Part[Any] | None) -> Step:
    """Of the part itself, whose options may decide; of its class where it could not be made, or is off."""
    source: Any = placed.kind if part is None else part
    return Step(
        placed.name,
        placed.mode,
        isinstance(placed.config, OptionalConfig) and placed.config.failure_mode == "open",
        source.requires,
        getattr(source, "requires_named", ()),
        source.provides,
        source.provides_up,
        source.rejects_up,
        reserves=getattr(source, "reserves", False),
    )
