"""From a route's entry to what plans and makes its attempts; and why it cannot be, all of it at once."""

from __future__ import annotations

import orjson
import pytest
from starlette.datastructures import Headers

from gateway.control.compiler import Compiler
from gateway.control.core_parts import COMPONENTS
from gateway.control.plugins import load_plugins
from gateway.control.policy_retries import ScheduledRetryEntry
from gateway.control.retries import RetriesConfig
from gateway.control.retrying import retry_terms
from gateway.control.scope import Services
from gateway.control.settings import load_settings
from gateway.crypto.salts import Salts
from gateway.ledger.schedules import Caps
from gateway.store.memory import MemoryStore
from tests.gateway.control.test_policy_retries import LEAST
from tests.gateway.retrying import written

KEY = {"ENCRYPTION_KEY": "11" * 32}


def services(**environ: str) -> Services:
    return Services(store=MemoryStore(), salts=Salts.parse("00" * 16), environ=environ)


def checked(text: str, **environ: str) -> list[str]:
    compiler = Compiler(load_plugins(load_settings({})).registry, services(**environ), components=COMPONENTS)
    return [str(each) for each in compiler.check(text, "p.yaml") if "has nobody to ask" not in each.message]


NOTHING = """\
version: 1
upstreams:
  backend: {url: "http://127.0.0.1:9000"}
routes:
  - name: renew
    match: {path: /v1/renewals}
    upstream: backend
    scheduled_retry: {}
"""


def test_whatever_is_missing_is_named_at_once_with_its_line_and_column() -> None:
    found = checked(NOTHING)

    assert {each.partition(": ")[0] for each in found} == {"p.yaml:8:5"}
    said = "\n".join(found)
    for name in ("stored_method", "merchant_initiated", "reference", "still_due", "soft"):
        assert f"routes[0].scheduled_retry.{name}: is required" in said
    for why in (
        "give the route a payment with an amount",
        "needs a filter that claims requests",
        "say how long backend",
    ):
        assert why in said
    assert len(found) == 8


def test_a_route_that_declares_all_of_it_compiles() -> None:
    assert checked(written("http://127.0.0.1:9000"), **KEY) == []


def test_without_a_key_for_what_is_kept_it_is_warned_of() -> None:
    [warning] = checked(written("http://127.0.0.1:9000"))

    assert "warning: routes[0].scheduled_retry: tries nothing again: without an ENCRYPTION_KEY" in warning


@pytest.mark.parametrize(
    ("was", "is_", "why"),
    [
        ("    idempotent: {window: 23h}\n", "", "needs an idempotent upstream: say how long backend"),
        ("      - idempotency\n", "", "needs a filter that claims requests"),
        ("      - idempotency\n", "      - idempotency: {mode: off}\n", "needs a filter that claims requests"),
        ("amount: /amount, currency: /currency, ", "", "give the route a payment with an amount"),
    ],
)
def test_each_alone_is_enough_to_refuse_it(was: str, is_: str, why: str) -> None:
    text = written("http://127.0.0.1:9000")
    assert was in text

    assert any(why in each for each in checked(text.replace(was, is_), **KEY))


@pytest.mark.parametrize(
    ("option", "where"),
    [
        ("headers: {x-key: env:GONE}", "scheduled_retry.headers.x-key"),
        ("still_due: {bearer: env:GONE, url: 'http://a/{reference}', value: /a, due: [b]}", "still_due.bearer"),
        (
            "still_due: {headers: {a: env:GONE}, url: 'http://a/{reference}', value: /a, due: [b]}",
            "still_due.headers.a",
        ),
    ],
)
def test_a_credential_that_is_not_to_be_had_is_named(option: str, where: str) -> None:
    text = written("http://127.0.0.1:9000", "{after: [1d]}")
    if option.startswith("still_due"):
        before, _, rest = text.partition("      still_due:\n")
        text = f"{before}      {option}\n      soft:{rest.partition('      soft:')[2]}"
    else:
        text = text.replace("      after: [1d]", f"      {option}")

    [found] = checked(text, **KEY)
    assert f"{where}: the environment variable GONE is not set" in found
    [unprintable] = checked(text, GONE="a\nb", **KEY)
    assert f"{where}: the secret has characters that no header can hold" in unprintable


def test_terms_are_what_the_policy_says() -> None:
    entry = ScheduledRetryEntry.model_validate(
        LEAST
        | {
            "after": {"first": "1h", "most": "3h"},
            "jitter": 0,
            "for": "2d",
            "never": ["frozen"],
            "soft": [{"status": [402, 422], "value": {"/why": "empty"}}],
            "most_per_reference": 3,
            "headers": {"X-Key": "env:TOKEN"},
        }
    )

    terms = retry_terms(entry, "shop", RetriesConfig(), services(TOKEN="k"))

    assert (terms.reference, terms.method, terms.consent) == (("invoice",), ("method",), [(("off_session",), "true")])
    assert (terms.tenant, terms.within, terms.caps, terms.headers) == ("shop", 172800, Caps(3, 15), {"x-key": "k"})
    assert [terms.pauses.after(each) for each in range(4)] == [3600, 7200, 10800, 10800]
    told = [
        terms.declines.of(422, Headers(), orjson.dumps(each)).kind for each in ({"why": "empty"}, {"code": "frozen"})
    ]
    assert told == ["soft", "never"]
    assert terms.declines.of(400, Headers(), b'{"why": "empty"}').kind == "other"
    assert (
        retry_terms(ScheduledRetryEntry.model_validate(LEAST), "a", RetriesConfig(), services()).pauses.after(4) is None
    )
