from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from plugins.sanitise.bodies import Content
from plugins.sanitise.options import SchemaConfig
from plugins.sanitise.problems import BodyNotTaken, OperationNotDescribed, SchemaViolation
from plugins.sanitise.schema import MOST_ERRORS, Dropped, Schema
from plugins.sanitise.schema_file import UnusableSchema

CARD = {"type": "object", "required": ["number"], "properties": {"number": {"type": "string", "pattern": "^[0-9]+$"}}}
PAYMENT = {
    "type": "object",
    "required": ["amount"],
    "properties": {"amount": {"type": "integer", "minimum": 1}, "card": CARD, "metadata": {"type": "object"}},
}
OPENAPI = {
    "openapi": "3.1.0",
    "paths": {
        "/v1/payments": {
            "post": {"requestBody": {"required": True, "content": {"application/json": {"schema": PAYMENT}}}},
            "get": {},
        },
        "/v1/payments/{id}/capture": {"post": {"requestBody": {"content": {"application/json": {}}}}},
        "/v1/files": {"post": {"requestBody": {"content": {"multipart/form-data": {}}}}},
    },
}


@pytest.fixture
def written(tmp_path):
    def write(document: Any, name="schema.json", **options) -> Schema:
        path = Path(tmp_path / name)
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return Schema(SchemaConfig(file=str(path), **options))

    return write


def check(schema: Schema, document: Any = None, *, method="POST", path="/v1/payments", empty=False, kind="json"):
    return schema.check(method, path, Content(document=document, json=kind == "json"), empty=empty)


def refusal(schema: Schema, document: Any = None, **options) -> SchemaViolation:
    with pytest.raises(SchemaViolation) as refused:
        check(schema, document, **options)
    return refused.value


@pytest.mark.parametrize("document", [PAYMENT, OPENAPI])
def test_a_body_that_is_as_described_passes(written, document) -> None:
    assert check(written(document), {"amount": 1, "card": {"number": "42"}, "metadata": {"any": 1}}) is None


@pytest.mark.parametrize("document", [PAYMENT, OPENAPI])
@pytest.mark.parametrize(
    ("body", "pointer", "keyword"),
    [
        ({"amount": 0}, "/amount", "minimum"),
        ({"amount": "1"}, "/amount", "type"),
        ({}, "/amount", "required"),
        ({"amount": 1, "card": {}}, "/card/number", "required"),
        ({"amount": 1, "card": {"number": "secret"}}, "/card/number", "pattern"),
        ({"amount": 1, "rate": 1}, "/rate", "unevaluatedProperties"),
        ({"amount": 1, "card": {"number": "1", "c/c": 1}}, "/card/c~1c", "unevaluatedProperties"),
        ([], "", "type"),
    ],
)
def test_a_body_that_is_not_is_refused_with_the_pointer_and_without_the_value(
    written, document, body, pointer, keyword
) -> None:
    refused = refusal(written(document), body)

    assert (refused.status, refused.code) == (422, "schema_violation")
    assert refused.members["pointer"] == ("/card/*" if "~" in pointer else pointer)
    assert refused.members["errors"][0]["keyword"] == keyword
    assert "secret" not in str(refused.members) + refused.detail


def test_every_field_that_is_wrong_is_named_within_bounds(written) -> None:
    many = refusal(written({"items": {"type": "string"}}), list(range(100)))

    assert len(many.members["errors"]) == MOST_ERRORS


def test_unknown_fields_may_pass(written) -> None:
    assert check(written(PAYMENT, unknown="pass"), {"amount": 1, "rate": 1}) is None


def test_unknown_fields_may_be_dropped_wherever_they_are(written) -> None:
    body = {"amount": 1, "rate": 1, "card": {"number": "1", "cvc": "1"}, "metadata": {"kept": 1}}
    dropped = check(written(PAYMENT, unknown="drop"), body)

    assert dropped == Dropped({"amount": 1, "card": {"number": "1"}, "metadata": {"kept": 1}}, dropped.pointers)
    assert set(dropped.pointers) == {"/rate", "/card/cvc"}


def test_what_is_wrong_otherwise_is_refused_and_not_dropped(written) -> None:
    assert refusal(written(PAYMENT, unknown="drop"), {"amount": 0, "rate": 1}).members["pointer"] == "/amount"


def test_what_is_wrong_once_it_is_dropped_is_refused(written) -> None:
    least = {"properties": {"a": True}, "minProperties": 1}

    assert refusal(written(least, unknown="drop"), {"b": 1}).members["errors"][0]["keyword"] == "minProperties"


def test_an_operation_is_found_by_method_and_path(written) -> None:
    schema = written(OPENAPI)

    assert check(schema, {"anything": 1}, path="/v1/payments/p1/capture") is None
    assert check(schema, method="GET", empty=True) is None
    assert check(schema, method="HEAD", empty=True) is None
    assert refusal(schema, {}, path="/V1/Payments/").members["pointer"] == "/amount"


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/v1/payments"), ("POST", "/v1/payments/p1"), ("POST", "/")])
def test_an_operation_that_is_not_described_is_refused_unless_the_policy_says_otherwise(written, method, path) -> None:
    with pytest.raises(OperationNotDescribed) as refused:
        check(written(OPENAPI), {}, method=method, path=path)

    assert (refused.value.status, refused.value.code) == (404, "operation_not_described")
    assert check(written(OPENAPI, undescribed="pass"), {}, method=method, path=path) is None


def test_a_body_that_is_required_must_be_there(written) -> None:
    assert refusal(written(OPENAPI), empty=True).members["pointer"] == ""


def test_a_body_of_another_kind_is_taken_where_that_is_described(written) -> None:
    schema = written(OPENAPI)

    assert check(schema, path="/v1/files", kind="multipart") is None
    for refused in ({"path": "/v1/files", "document": {}}, {"kind": "form"}):
        with pytest.raises(BodyNotTaken):
            check(schema, **refused)


def test_formats_are_held_to(written) -> None:
    assert refusal(written({"properties": {"email": {"format": "email"}}}), {"email": "a"})


@pytest.mark.parametrize(
    ("document", "name", "said"),
    [
        ("{", "a.json", "a.json is not JSON"),
        ({"type": "nope"}, "a.json", 'a.json cannot be compiled: "nope" is not valid'),
        ({"$ref": "#/$defs/none"}, "a.json", "a.json cannot be compiled: Pointer '/$defs/none' does not exist"),
        ({"$ref": "http://a.example/b.json"}, "a.json", "a.json cannot be compiled"),
        ({"swagger": "2.0"}, "a.json", "a.json cannot be used: it is OpenAPI of another version"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "a.json", "say unknown: pass"),
        (
            OPENAPI | {"paths": {"/a": {"put": {"requestBody": {"content": {"*/*": {"schema": {"type": 1}}}}}}}},
            "a.json",
            "a.json, PUT /a, cannot be compiled",
        ),
    ],
)
def test_what_cannot_be_compiled_is_said(written, document, name, said) -> None:
    with pytest.raises(UnusableSchema) as refused:
        written(document, name)

    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_an_older_draft_is_held_to_as_it_is(written) -> None:
    old = PAYMENT | {"$schema": "http://json-schema.org/draft-07/schema#"}

    assert refusal(written(old, unknown="pass"), {"amount": 0})


def test_yaml_is_read_as_well(written) -> None:
    assert refusal(written("type: object\nrequired: [amount]\n", "a.yaml"), {}).members["pointer"] == "/amount"
