from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from plugins.sanitise.openapi import Operation, folded, operations, template
from plugins.sanitise.schema_file import UnusableSchema

PAYMENT = {"type": "object", "required": ["amount"], "properties": {"amount": {"type": "integer"}}}


def body(schema: Any = PAYMENT, kind="application/json", **options) -> dict[str, Any]:
    return {"requestBody": {"content": {kind: {"schema": schema}}, **options}}


def description(paths: dict[str, Any], version="3.1.0", **rest) -> dict[str, Any]:
    return {"openapi": version, "paths": paths, **rest}


def only(document: dict[str, Any], *, close=False) -> Operation:
    [found] = operations(document, close=close)
    return found


def takes(operation: Operation, document: Any) -> bool:
    assert operation.schema is not None
    return jsonschema_rs.validator_for(operation.schema).is_valid(document)


def test_each_method_of_a_path_is_an_operation_and_paths_without_parameters_come_first() -> None:
    paths = {"/p/{id}": {"get": {}, "summary": "one"}, "/p": {"post": body(required=True), "parameters": []}}
    listed = operations(description(paths), close=False)

    assert [(each.method, each.path) for each in listed] == [("POST", "/p"), ("GET", "/p/{id}")]
    assert [(each.required, each.json) for each in listed] == [(True, True), (False, False)]


def test_a_body_must_satisfy_its_schema_wherever_that_is() -> None:
    shared = {
        "schemas": {"Payment": PAYMENT},
        "requestBodies": {"Pay": body({"$ref": "#/components/schemas/Payment"})["requestBody"]},
    }
    paths = {"/p": {"$ref": "#/components/pathItems/pay"}}
    shared["pathItems"] = {"pay": {"post": {"requestBody": {"$ref": "#/components/requestBodies/Pay"}}}}
    for close in (False, True):
        found = only(description(paths, components=shared), close=close)
        assert takes(found, {"amount": 1})
        assert not takes(found, {"amount": "1"})
        assert takes(found, {"amount": 1, "rate": 2}) is not close


def test_the_paths_of_servers_come_before_those_of_operations() -> None:
    servers = [{"url": "https://pay.example/{v}/", "variables": {"v": {"default": "v1"}}}, {"url": "/test"}]
    found = operations(description({"/p": {"get": {}}}, servers=servers), close=False)

    assert {each.path for each in found} == {"/v1/p", "/test/p"}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        ({"type": "string", "nullable": True}, None, 1),
        ({"type": "string", "nullable": True, "enum": ["a"]}, None, "b"),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, 2, 1),
        ({"type": "integer", "maximum": 1, "exclusiveMaximum": False}, 1, 2),
        ({"type": "array", "items": {"type": "string", "nullable": True}}, [None], [1]),
        ({"$ref": "#/components/schemas/Text", "maxLength": 1}, "long", 1),
    ],
)
def test_the_dialect_of_3_0_is_understood(schema, good, bad) -> None:
    components = {"schemas": {"Text": {"type": "string"}}}
    found = only(description({"/p": {"post": body(schema)}}, "3.0.3", components=components))

    assert takes(found, good)
    assert not takes(found, bad)


@pytest.mark.parametrize("kind", ["application/json", "application/vnd.a+json; v=1", "application/*", "*/*"])
def test_json_goes_by_several_names(kind) -> None:
    assert only(description({"/p": {"post": body(kind=kind)}})).json


def test_other_kinds_of_bodies_are_known_of() -> None:
    found = only(description({"/p": {"post": body(kind="text/csv")}}))

    assert (found.json, found.others, found.schema) == (False, True, None)


@pytest.mark.parametrize(
    "document",
    [
        {"swagger": "2.0"},
        {"openapi": "4.0.0"},
        description({"/p": {"$ref": "#/components/pathItems/none"}}),
        description({"/p": {"post": {"requestBody": {"$ref": "other.yaml#/a"}}}}),
    ],
)
def test_what_is_no_openapi_3_in_one_file_is_said(document) -> None:
    with pytest.raises(UnusableSchema):
        operations(document, close=False)


def test_neither_case_nor_a_slash_at_the_end_steps_around_an_operation() -> None:
    assert folded("/V1/P%61y/") == "/v1/pay"
    assert template("/v1/Pay/{id}").fullmatch(folded("/V1/pay/p.1/"))
    assert not template("/v1/pay/{id}").fullmatch("/v1/pay/1/2")
    assert not template("/v1/pay.x/{id}").fullmatch("/v1/payxx/1")
