from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest

from plugins.sanitise.closing import closed

TEXT = {"type": "string"}
CARD = {"type": "object", "properties": {"number": TEXT}}


def takes(schema: dict[str, Any], document: Any) -> bool:
    return jsonschema_rs.Draft202012Validator(closed(schema, schema)).is_valid(document)


@pytest.mark.parametrize(
    ("schema", "known", "unknown"),
    [
        (CARD, {"number": "1"}, {"number": "1", "cvc": "1"}),
        ({"properties": {"card": CARD}}, {"card": {"number": "1"}}, {"card": {"cvc": "1"}}),
        ({"items": CARD}, [{"number": "1"}], [{"cvc": "1"}]),
        ({"prefixItems": [CARD]}, [{"number": "1"}], [{"cvc": "1"}]),
        ({"patternProperties": {"^x": CARD}}, {"xa": {"number": "1"}}, {"xa": {"cvc": "1"}}),
        ({"additionalProperties": CARD}, {"any": {"number": "1"}}, {"any": {"cvc": "1"}}),
        ({"$ref": "#/$defs/card", "$defs": {"card": CARD}}, {"number": "1"}, {"cvc": "1"}),
        (
            {"properties": {"card": {"$ref": "#/$defs/card"}}, "$defs": {"card": CARD}},
            {"card": {"number": "1"}},
            {"card": {"cvc": "1"}},
        ),
        (
            {"allOf": [CARD, {"properties": {"name": TEXT}}]},
            {"number": "1", "name": "a"},
            {"number": "1", "name": "a", "cvc": "1"},
        ),
        ({"oneOf": [CARD, {"required": ["iban"], "properties": {"iban": TEXT}}]}, {"number": "1"}, {"cvc": "1"}),
        (
            {"properties": {"a": TEXT}, "if": {"required": ["a"]}, "then": {"properties": {"b": TEXT}}},
            {"a": "1", "b": "1"},
            {"b": "1"},
        ),
        (
            {"$ref": "#/$defs/tree", "$defs": {"tree": {"properties": {"left": {"$ref": "#/$defs/tree"}}}}},
            {"left": {"left": {}}},
            {"left": {"left": {"right": 1}}},
        ),
    ],
)
def test_an_object_gets_no_field_that_nothing_names(schema, known, unknown) -> None:
    assert takes(schema, known)
    assert not takes(schema, unknown)
    assert jsonschema_rs.Draft202012Validator(schema).is_valid(unknown)  # it is the closing that refuses it


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"properties": {"metadata": {"type": "object"}}},
        {"properties": {"metadata": {"$ref": "#/$defs/free"}}, "$defs": {"free": {"type": "object"}}},
        {"properties": {"metadata": {"properties": {"a": TEXT}, "additionalProperties": True}}},
        {"properties": {"metadata": True}},
    ],
)
def test_an_object_that_is_meant_to_be_free_stays_free(schema) -> None:
    assert takes(schema, {"metadata": {"anything": 1}})


def test_the_schema_itself_stays_as_it_was() -> None:
    schema = {"properties": {"card": dict(CARD)}}
    closed(schema, schema)

    assert schema == {"properties": {"card": CARD}}
