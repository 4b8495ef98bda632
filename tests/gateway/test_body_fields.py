from __future__ import annotations

import pytest

from gateway import FieldsConfig, InvalidJson, Response
from gateway.body_fields import FieldMissing, Fields
from gateway.testing import exchange


def fields(*entries, **options) -> Fields:
    return Fields(FieldsConfig.model_validate({"fields": entries, **options}))


def test_a_field_is_its_pointer_or_has_a_name_of_its_own() -> None:
    config = FieldsConfig.model_validate({"fields": ["/card/number", {"at": "/pm/card", "as": "/card/number"}]})
    assert [each.known_as for each in config.fields] == ["/card/number", "/card/number"]


def test_what_a_policy_names_is_found_with_the_pointer_to_each() -> None:
    request = exchange(json={"items": [{"card": "a"}, {}, {"card": None}, {"card": "b"}]}).request
    found = fields("/items/*/card", "/nothing").of_request(request)
    assert [(each.pointer, each.value) for each in found] == [("/items/0/card", "a"), ("/items/3/card", "b")]


@pytest.mark.parametrize("document", [{}, {"card": None}, {"card": {"number": None}}, {"card": []}, [], "x"])
def test_a_field_that_is_missing_is_refused_where_the_policy_says_so(document) -> None:
    request = exchange(json=document).request
    assert fields("/card/number").of_request(request) == []
    with pytest.raises(FieldMissing) as refused:
        fields("/card/number", if_missing="refuse").of_request(request)
    assert (refused.value.status, refused.value.members) == (422, {"pointer": "/card/number"})


def test_one_field_may_be_needed_where_others_are_not() -> None:
    made = fields("/card/cvc", {"at": "/card/number", "if_missing": "refuse"})
    assert [each.value for each in made.of_request(exchange(json={"card": {"number": "4"}}).request)] == ["4"]
    with pytest.raises(FieldMissing):
        made.of_request(exchange(json={"card": {"cvc": "123"}}).request)


def test_a_body_that_is_not_there_has_no_field() -> None:
    request = exchange("GET").request
    assert fields("/card").of_request(request) == []
    fields("/card").put(request, [])
    assert request.body.data == b""


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded", ""])
def test_a_request_that_cannot_be_read_is_refused_whatever_it_says_that_it_is(content_type) -> None:
    made = exchange(headers={"content-type": content_type}, body=b"card=4242424242424242")
    with pytest.raises(InvalidJson):
        fields("/card").of_request(made.request)


def test_a_request_s_json_is_read_whatever_it_says_that_it_is() -> None:
    made = exchange(headers={"content-type": "text/plain"}, body=b'{"card": "4"}')
    assert [each.value for each in fields("/card").of_request(made.request)] == ["4"]


@pytest.mark.parametrize(
    ("said", "read"), [("application/json; charset=utf-8", 1), ("application/hal+json", 1), ("text/html", 0)]
)
def test_an_answer_has_fields_where_it_says_that_it_is_json(said, read) -> None:
    answer = Response(200, body=b'{"card": "4"}')
    answer.headers["content-type"] = said
    assert len(fields("/card").of_answer(answer)) == read


def test_other_values_take_their_places() -> None:
    request = exchange(json={"a": 1, "b": [2, 3]}).request
    fields("/b/*").put(request, [("/b/0", "two")])
    assert request.json() == {"a": 1, "b": ["two", 3]}
    assert request.body.data == b'{"a":1,"b":["two",3]}'


def test_of_a_key_that_came_twice_only_what_was_read_passes() -> None:
    made = exchange(body=b'{"card": {"number": "4242424242424242"}, "card": {}}')
    wanted = fields("/card/number")
    assert wanted.of_request(made.request) == []
    wanted.put(made.request, [])
    assert made.request.body.data == b'{"card":{}}'
