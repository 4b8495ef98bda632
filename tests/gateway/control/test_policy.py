from collections.abc import Iterator
from typing import Any, get_args

import pytest
from pydantic import BaseModel, ValidationError

from gateway.control.policy import Policy

MINIMAL = {
    "version": 1,
    "upstreams": {"backend": {"url": "http://127.0.0.1:9000"}},
    "routes": [{"name": "all", "match": {}, "upstream": "backend"}],
}


def payment(**facts: object) -> Policy:
    route = {**MINIMAL["routes"][0], "payment": {"operation": "payment.create", **facts}}  # type: ignore[index]
    return Policy.model_validate({**MINIMAL, "routes": [route]})


def test_a_policy_needs_a_version_an_upstream_and_a_route() -> None:
    policy = Policy.model_validate(MINIMAL)
    assert (policy.tenant, policy.components, policy.routes[0].buffer) == ("default", {}, 1 << 20)
    for left_out in ("version", "upstreams", "routes"):
        with pytest.raises(ValidationError):
            Policy.model_validate({name: value for name, value in MINIMAL.items() if name != left_out})


@pytest.mark.parametrize(
    "wrong",
    [
        {"version": 2},
        {"tenant": ""},
        {"upstreams": {}},
        {"routes": []},
        {"upstreams": {"a b": {"url": "http://a"}}},
        {"when_unreachable": "refuse"},
    ],
)
def test_what_no_policy_says_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Policy.model_validate(MINIMAL | wrong)


@pytest.mark.parametrize(
    "facts",
    [
        {"operation": "Pay"},
        {"amount": "/amount"},
        {"currency": "/currency"},
        {"amount": "amount", "currency": "/currency"},
        {"bounds": {"eur": {"most": 1}}},
        {"amount": "/a", "currency": "/c", "bounds": {"EUR": {"most": 1}}},
        {"amount": "/a", "currency": "/c", "bounds": {"eur": {"least": 2, "most": 1}}},
        {"amount": "/a", "currency": "/c", "unit": "cents"},
    ],
)
def test_payment_facts_that_mean_nothing_are_refused(facts: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        payment(**facts)


def test_payment_facts_may_be_few() -> None:
    assert payment().routes[0].payment is not None
    assert payment(amount="/a", currency="/c", bounds={"eur": {"least": 50}})


def test_nothing_in_a_policy_can_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Policy.model_validate(MINIMAL).tenant = "other"


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    for argument in get_args(annotation):
        yield from models(argument)


def test_every_option_is_described() -> None:
    bare = [
        f"{model.__name__}.{name}"
        for model in models(Policy)
        for name, field in model.model_fields.items()
        if not field.description
    ]
    assert bare == []
    assert all(model.__doc__ for model in models(Policy))
