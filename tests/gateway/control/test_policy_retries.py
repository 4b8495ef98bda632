"""What must be declared before a declined payment is tried again; and that docs/retry.md says so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from gateway.control.compiler import Compiler
from gateway.control.core_parts import COMPONENTS
from gateway.control.explain import flow
from gateway.control.plugins import load_plugins
from gateway.control.policy_retries import GrowingEntry, ScheduledRetryEntry, StillDueEntry
from gateway.control.retries import RetriesConfig
from gateway.control.scope import Services
from gateway.control.settings import load_settings
from gateway.crypto.salts import Salts
from gateway.dataplane.declines import NEVER
from gateway.store.memory import MemoryStore

PAGE = (Path(__file__).parents[3] / "docs" / "retry.md").read_text()
DUE: dict[str, Any] = {"url": "http://127.0.0.1:9000/v1/invoices/{reference}", "value": "/status", "due": ["open"]}
LEAST: dict[str, Any] = {
    "stored_method": "/method",
    "merchant_initiated": {"/off_session": "true"},
    "reference": "/invoice",
    "still_due": DUE,
    "soft": ["insufficient_funds"],
}


def entry(**changes: Any) -> ScheduledRetryEntry:
    return ScheduledRetryEntry.model_validate(LEAST | changes)


def refusal(**changes: Any) -> str:
    with pytest.raises(ValidationError) as refused:
        entry(**changes)
    return str(refused.value)


def test_what_makes_it_safe_is_enough() -> None:
    made = entry()

    assert (made.for_, made.jitter, made.most_per_reference, made.most_per_card) == (30 * 86400, 0.1, 5, 15)
    assert made.after == (86400, 3 * 86400, 5 * 86400, 7 * 86400)


@pytest.mark.parametrize("name", LEAST)
def test_without_any_of_it_there_is_none(name: str) -> None:
    with pytest.raises(ValidationError, match="Field required"):
        ScheduledRetryEntry.model_validate({key: value for key, value in LEAST.items() if key != name})


@pytest.mark.parametrize("name", ["merchant_initiated", "soft", "after"])
def test_nothing_is_no_declaration(name: str) -> None:
    assert "holds nothing; give at least one" in refusal(**{name: {} if name == "merchant_initiated" else []})
    assert "holds nothing" in refusal(still_due=DUE | {"due": []})


@pytest.mark.parametrize("name", ["most_per_reference", "most_per_card"])
def test_no_policy_allows_more_than_card_networks_do(name: str) -> None:
    assert getattr(entry(**{name: 15}), name) == 15
    assert "less than or equal to 15" in refusal(**{name: 16})
    assert "greater than or equal to 2" in refusal(**{name: 1})
    assert "less than or equal to 2592000" in refusal(**{"for": "31d"})
    assert "less than or equal to 2592000" in refusal(after=["31d"])


def test_pauses_are_a_list_or_double() -> None:
    assert entry(after=["6h", "1d"]).after == (6 * 3600, 86400)
    assert entry(after={"first": "6h", "most": "3d"}).after == GrowingEntry.model_validate(
        {"first": "6h", "most": "3d"}
    )
    assert "is longer than `for`" in refusal(**{"after": ["2d"], "for": "1d"})
    assert "is longer than `for`" in refusal(**{"after": {"first": "2d", "most": "3d"}, "for": "1d"})
    assert "with its jitter, is longer" in refusal(**{"after": ["1d"], "for": "1d", "jitter": 0.1})


@pytest.mark.parametrize("code", sorted({*NEVER, "STOLEN_CARD"}))
def test_what_may_never_be_tried_again_is_not_soft(code: str) -> None:
    assert "card networks forbid to try it again" in refusal(soft=["insufficient_funds", code])
    assert "card networks forbid to try it again" in refusal(soft=[{"code": code}])


def test_a_soft_decline_is_told_by_why_and_not_by_a_status() -> None:
    assert "a status alone says nothing of why" in refusal(soft=[{"status": 402}])
    assert entry(soft=[{"status": 402, "code": "a"}, {"value": {"/code": "b"}}])
    assert entry(never=[{"status": 410}, "frozen"])


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"url": "http://shop/v1/invoices"}, "asks of nothing in particular"),
        ({"url": "http://shop/{owner}"}, "asks of nothing in particular"),
        ({"url": "http://shop/{customer}"}, "is nothing that a payment has"),
        ({"url": "shop/{reference}"}, "write http://host:port/path"),
        ({"not_due": ["paid", "open"]}, "open cannot be both due and not_due"),
        ({"value": "status"}, "a JSON pointer starts with a slash"),
        ({"timeout": "0s"}, "greater than 0"),
        ({"timeout": "31s"}, "less than or equal to 30"),
    ],
)
def test_a_question_that_means_nothing_is_refused(changes: dict[str, Any], why: str) -> None:
    assert why in refusal(still_due=DUE | changes)


# docs/retry.md


def written(field: Any) -> str:
    if field.is_required():
        return "required"
    if field.get_default(call_default_factory=True) in ((), {}, None, frozenset()):
        return "–"
    return ""


def options(kind: type[BaseModel], defaults: dict[str, Any]) -> set[str]:
    rows = set()
    for name, field in kind.model_fields.items():
        said = field.alias or name
        default = written(field) or f"`{flow(defaults[said])}`"
        rows.add(f"| `{said}` | {default} | {' '.join((field.description or '').split()).removesuffix('.')} |")
    return rows


def test_every_option_is_on_the_page_with_its_default() -> None:
    kinds = [
        (ScheduledRetryEntry, entry().model_dump(mode="json", by_alias=True)),
        (StillDueEntry, StillDueEntry.model_validate(DUE).model_dump(mode="json")),
        (RetriesConfig, RetriesConfig().model_dump(mode="json")),
    ]
    tables = set(re.findall(r"^\| `\w+` \| (?:required|–|`.*?`) \| .* \|$", PAGE, re.MULTILINE))

    assert tables == set().union(*(options(kind, defaults) for kind, defaults in kinds))


def test_the_policy_on_the_page_compiles() -> None:
    [policy] = re.findall(r"^```yaml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    services = Services(store=MemoryStore(), salts=Salts.parse("00" * 16), environ={"ENCRYPTION_KEY": "11" * 32})
    compiler = Compiler(load_plugins(load_settings({})).registry, services, components=COMPONENTS)

    found = [str(each) for each in compiler.check(policy, "policy.yaml") if "has nobody to ask" not in each.message]
    assert found == []
