"""Explain: what a policy does, as data and as a page to read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import TypeAdapter

from gateway.control.policy import MatchEntry, PaymentEntry, Policy, RouteEntry
from gateway.control.policy_parts import PartEntry
from gateway.control.policy_upstreams import UpstreamEntry
from gateway.control.problems import Path
from gateway.exchange import Reads
from gateway.facts import Payment
from gateway.ledger.recovery import Recovery, ResolverEntry, WrittenResolver
from gateway.parts import Filter, Part

_RESOLVER: TypeAdapter[ResolverEntry] = TypeAdapter(WrittenResolver)

Description = dict[str, Any]
"""A policy as plain data: every option with its value, given or not, written as in a policy."""

Parts = Mapping[Path, Part[Any]]
"""The parts that were made for a policy, by the path that names them; those that are off were not."""


def describe(policy: Policy, parts: Parts, digest: str) -> Description:
    return {
        "version": policy.version,
        "tenant": policy.tenant,
        "digest": digest,
        "components": {name: _component(name, options, parts) for name, options in policy.components.items()},
        "upstreams": [_upstream(name, entry, parts) for name, entry in policy.upstreams.items()],
        "routes": [_route(number, entry, parts) for number, entry in enumerate(policy.routes)],
    }


def _component(name: str, options: Mapping[str, Any], parts: Parts) -> Description:
    path = ("components", name)
    described = _options(PartEntry(name=name, options=options), parts.get(path))
    if name == Recovery.name:
        written: list[ResolverEntry] = [_RESOLVER.validate_python(each) for each in described["resolvers"]]
        described["resolvers"] = [
            _resolver(each, parts.get((*path, "resolvers", place, each.name))) for place, each in enumerate(written)
        ]
    return described


def _resolver(entry: ResolverEntry, part: Part[Any] | None) -> str | Description:
    options = _options(PartEntry(name=entry.name, options=entry.options), part)
    given = {name: value for name, value in options.items() if value not in (None, {})}
    return {entry.name: given} if given else entry.name


def _upstream(name: str, entry: UpstreamEntry, parts: Parts) -> Description:
    described = entry.model_dump(mode="json", exclude={"guards"})
    described["retry"]["statuses"] = sorted(entry.retry.statuses)
    guards = [
        _part(guard, parts.get(("upstreams", name, "guards", number, guard.name)))
        for number, guard in enumerate(entry.guards)
    ]
    return {"name": name, **described, "guards": guards}


def _route(number: int, entry: RouteEntry, parts: Parts) -> Description:
    described = entry.model_dump(mode="json", exclude={"filters", "scheduled_retry"})
    described["scheduled_retry"] = _retry(entry)
    filters = [
        _part(step, parts.get(("routes", number, "filters", place, step.name)))
        for place, step in enumerate(entry.filters)
    ]
    return {**described, "filters": filters}


def _retry(entry: RouteEntry) -> Description | None:
    retry = entry.scheduled_retry
    if retry is None:
        return None
    described = retry.model_dump(mode="json", by_alias=True, exclude_defaults=False)
    described["still_due"] |= {name: sorted(described["still_due"][name]) for name in ("due", "not_due")}
    for name in ("soft", "never"):
        described[name] = [each if isinstance(each, str) else _given(each) for each in described[name]]
    return described


def _given(described: Description) -> Description:
    return {name: value for name, value in described.items() if value not in (None, {}, [])}


def _part(entry: PartEntry, part: Part[Any] | None) -> Description:
    described: Description = {"name": entry.name, "mode": entry.mode, "options": _options(entry, part)}
    if isinstance(part, Filter):
        described |= {
            "reads": [str(each.name).lower() for each in Reads if each in part.reads],
            "requires": [*(fact.__name__ for fact in part.requires), *part.requires_named],
            "provides": [fact.__name__ for fact in part.provides],
        }
    return described


def _options(entry: PartEntry, part: Part[Any] | None) -> Description:
    return dict(entry.options) if part is None else part.config.model_dump(mode="json", by_alias=True)


def render(description: Description) -> str:
    """The page."""
    return "\n".join([f"tenant {description['tenant']}", *_page(description)]) + "\n"


def _page(description: Description) -> Iterator[str]:
    if description["components"]:
        yield from ("", "components")
        for name, options in description["components"].items():
            yield _row(2, name, flow(options) if options else "")
    yield from ("", "upstreams")
    for upstream in description["upstreams"]:
        yield from _upstream_lines(upstream)
    yield from ("", "routes, the first that matches")
    for number, route in enumerate(description["routes"], 1):
        yield from _route_lines(number, route)


def _upstream_lines(upstream: Description) -> Iterator[str]:
    times, pool, retry = upstream["timeouts"], upstream["pool"], upstream["retry"]
    yield f"  {upstream['name']}  {upstream['url']}"
    yield _row(
        4,
        "timeouts",
        f"connect {times['connect']}, first byte {times['first_byte']}, idle {times['idle']}, total {times['total']}",
    )
    yield _row(4, "pool", f"{pool['connections']} connections, each kept {pool['idle']}; {_queue(pool)}")
    yield _row(4, "attempts", _attempts(retry))
    yield _row(4, "repeats", _repeats(upstream["idempotent"]))
    yield _row(4, "look-ups", _look_up(upstream["look_up"]))
    yield _row(4, "host", "as the client sent it" if upstream["host"] == "preserve" else "the upstream's own")
    if upstream["url"].startswith("https:"):
        yield _row(4, "tls", _tls(upstream["tls"] or {}))
    for number, guard in enumerate(upstream["guards"], 1):
        yield _row(4, "guards" if number == 1 else "", _step(number, guard))


def _queue(pool: Description) -> str:
    return f"{pool['waiting']} requests wait for one, up to {pool['wait']}"


def _attempts(retry: Description) -> str:
    if retry["attempts"] == 1:
        return "1"
    also = f", also after {', '.join(map(str, retry['statuses']))}" if retry["statuses"] else ""
    return f"up to {retry['attempts']}, for at most {retry['budget']:.0%} of requests{also}"


def _repeats(idempotent: Description | None) -> str:
    usual = "what was not sent, and safe methods"
    if idempotent is None:
        return usual
    return f"{usual}; the same bytes under the same {idempotent['header']} for {idempotent['window']}"


def _look_up(promise: Description) -> str:
    after = promise["never_executes_after"]
    if promise["linearizable"] and after:
        return f"what one misses {after} after it was sent was not executed"
    return "a miss proves nothing"


def _tls(options: Description) -> str:
    whose = options.get("ca_file") or "the system's authorities"
    certificate = options.get("certificate")
    return f"verified by {whose}{f', shows {certificate}' if certificate else ''}"


def _route_lines(number: int, route: Description) -> Iterator[str]:
    yield f"  {number}. {route['name']}  {_match(MatchEntry.model_validate(route['match']))} -> {route['upstream']}"
    for place, outcome in enumerate(route["outcomes"]):
        yield _row(5, "" if place else "outcomes", _outcome(outcome))
    if route["when_unreachable"] != "refuse":
        yield _row(5, "else", f"accept {flow(route['when_unreachable']['accept'])}")
    if route["scheduled_retry"]:
        yield from (_row(5, name, text) for name, text in _retries(route["scheduled_retry"]))
    steps = [*route["filters"]]
    if route["payment"]:
        payment = PaymentEntry.model_validate(route["payment"])
        yield from (_row(5, name, text) for name, text in _payment(payment))
        asking = [place for place, step in enumerate(steps) if Payment.__name__ in step.get("requires", ())]
        steps.insert(min(asking, default=len(steps)), {"name": "payment facts are read", "mode": "enforce"})
    if any(step.get("reads") for step in steps) or route["payment"]:
        yield _row(5, "buffer", f"bodies up to {route['buffer']}")
    if route["detect"]:
        yield _row(5, "detect", "card data that no filter protects is reported")
    for place, step in enumerate(steps, 1):
        yield _row(5, "filters" if place == 1 else "", _step(place, step))


def _retries(retry: Description) -> Iterator[tuple[str, str]]:
    after, caps = retry["after"], f"{retry['most_per_reference']} of a reference, {retry['most_per_card']} with a card"
    pauses = ", ".join(after) if isinstance(after, list) else f"{after['first']}, doubling up to {after['most']}"
    yield "retries", f"declined softly: again after {pauses} (+{retry['jitter']:.0%}), for {retry['for']}"
    yield "", f"of {retry['reference']} with {retry['stored_method']} where {flow(retry['merchant_initiated'])}"
    yield "", f"soft {flow(retry['soft'])}" + (f", never {flow(retry['never'])}" if retry["never"] else "")
    yield "", f"at most {caps}, declined or open in 30 days"
    yield "", f"while {flow(_given(retry['still_due']))}"
    if retry["headers"]:
        yield "", f"shows {flow(retry['headers'])}"


def _match(match: MatchEntry) -> str:
    where = match.path or (match.prefix and f"{match.prefix.rstrip('/')}/...") or "any path"
    words = ["|".join(match.methods or ["any method"]), where]
    words += [f"at {match.host}"] if match.host else []
    words += [f"with {name}: {value}" for name, value in match.headers.items()]
    return " ".join(words)


def _payment(payment: PaymentEntry) -> Iterator[tuple[str, str]]:
    facts = []
    if payment.amount:
        facts.append(f"amount {payment.amount} in {payment.unit} units ({payment.exponents}) of {payment.currency}")
    facts += [f"{name} {pointer}" for name in ("customer", "email", "card") if (pointer := getattr(payment, name))]
    yield "payment", ": ".join([payment.operation, *([", ".join(facts)] if facts else [])])
    if payment.bounds:
        yield "bounds", "; ".join(_bounds(currency, each.least, each.most) for currency, each in payment.bounds.items())


def _bounds(currency: str, least: int | None, most: int | None) -> str:
    limits = [f"from {least}"] if least is not None else []
    limits += [f"to {most}"] if most is not None else []
    return " ".join([currency, *limits])


def _outcome(rule: Description) -> str:
    asked = {name: value for name, value in rule.items() if value and name != "outcome"}
    return f"{flow(asked)} is {rule['outcome']}"


def _step(number: int, step: Description) -> str:
    options = {name: value for name, value in step.get("options", {}).items() if value is not None}
    words = [f"{number}. {step['name']}"]
    words += [flow(options)] if options else []
    words += [f"[{step['mode']}]"] if step["mode"] != "enforce" else []
    return " ".join(words)


def _row(indent: int, name: str, text: str) -> str:
    return f"{' ' * indent}{name:<10}{text}".rstrip()


def flow(value: Any) -> str:
    """A value as YAML in one line, as a policy would have it."""
    match value:
        case dict():
            return "{" + ", ".join(f"{name}: {flow(each)}" for name, each in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(flow, value)) + "]"
        case bool():
            return str(value).lower()
        case None:
            return "null"
    return str(value)
