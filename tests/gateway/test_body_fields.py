from __future__ import annotations

import pytest

from gateway import DuplicateKey, FieldsConfig, InvalidJson, Request, Response
from gateway.body_fields import AnswerNotProtected, FieldMissing, FieldRefused, Fields, Found, NumberNotExact
from gateway.form_fields import InvalidForm
from gateway.testing import exchange


def fields(*entries, **options) -> Fields:
    return Fields(FieldsConfig.model_validate({"fields": entries, **options}))


def of_request(made: Fields, request: Request) -> list[Found]:
    """What is found, where nothing is changed."""
    seen: list[Found] = []
    made.change_request(request, lambda found: seen.extend(found) or ())
    return seen


def of_answer(made: Fields, body: bytes, content_type: str) -> list[Found]:
    seen: list[Found] = []
    answered = exchange()
    answered.response = Response(200, body=body)
    answered.response.headers["content-type"] = content_type
    made.change_answer(answered, lambda found: seen.extend(found) or ())
    return seen


def test_a_field_is_its_pointer_or_has_a_name_of_its_own() -> None:
    config = FieldsConfig.model_validate({"fields": ["/card/number", {"at": "/pm/card", "as": "/card/number"}]})
    assert [each.known_as for each in config.fields] == ["/card/number", "/card/number"]


def test_what_a_policy_names_is_found_with_the_pointer_to_each() -> None:
    request = exchange(json={"items": [{"card": "a"}, {}, {"card": None}, {"card": "b"}]}).request
    found = of_request(fields("/items/*/card", "/nothing"), request)
    assert [(each.pointer, each.value) for each in found] == [("/items/0/card", "a"), ("/items/3/card", "b")]


@pytest.mark.parametrize("document", [{}, {"card": None}, {"card": {"number": None}}, {"card": []}, [], "x"])
def test_a_field_that_is_missing_is_refused_where_the_policy_says_so(document) -> None:
    request = exchange(json=document).request
    assert of_request(fields("/card/number"), request) == []
    with pytest.raises(FieldMissing) as refused:
        of_request(fields("/card/number", if_missing="refuse"), request)
    assert (refused.value.status, refused.value.members) == (422, {"pointer": "/card/number"})


def test_one_field_may_be_needed_where_others_are_not() -> None:
    made = fields("/card/cvc", {"at": "/card/number", "if_missing": "refuse"})
    assert [each.value for each in of_request(made, exchange(json={"card": {"number": "4"}}).request)] == ["4"]
    with pytest.raises(FieldMissing):
        of_request(made, exchange(json={"card": {"cvc": "123"}}).request)


def test_a_body_that_is_not_there_has_no_field() -> None:
    request = exchange("GET").request
    assert of_request(fields("/card"), request) == []
    assert request.body.data == b""


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "multipart/form-data", ""])
def test_a_request_that_cannot_be_read_is_refused_whatever_it_says_that_it_is(content_type) -> None:
    made = exchange(headers={"content-type": content_type}, body=b"card=4242424242424242")
    with pytest.raises(InvalidJson):
        of_request(fields("/card"), made.request)


def test_a_request_s_json_is_read_whatever_it_says_that_it_is() -> None:
    made = exchange(headers={"content-type": "text/plain"}, body=b'{"card": "4"}')
    assert [each.value for each in of_request(fields("/card"), made.request)] == ["4"]


@pytest.mark.parametrize(
    ("said", "read"), [("application/json; charset=utf-8", 1), ("application/hal+json", 1), ("text/html", 0)]
)
def test_an_answer_has_fields_where_it_says_that_it_is_json(said, read) -> None:
    assert len(of_answer(fields("/card"), b'{"card": "4"}', said)) == read


def test_other_values_take_their_places() -> None:
    request = exchange(json={"a": 1, "b": [2, 3]}).request
    fields("/b/*").change_request(request, lambda found: [(found[0].pointer, "two")])
    assert request.json() == {"a": 1, "b": ["two", 3]}
    assert request.body.data == b'{"a":1,"b":["two",3]}'


def test_of_a_key_that_came_twice_only_what_was_read_passes() -> None:
    made = exchange(body=b'{"card": {"number": "4242424242424242"}, "card": {}}')
    wanted = fields("/card/number")
    assert of_request(wanted, made.request) == []
    assert made.request.body.data == b'{"card":{}}'


def test_an_answer_that_is_a_page_passes_as_it_is() -> None:
    assert of_answer(fields("/card"), b"<h1>Bad gateway</h1>", "text/html") == []


def test_an_answer_that_says_that_it_is_json_and_is_not_is_not_passed_on() -> None:
    with pytest.raises(AnswerNotProtected) as refused:
        of_answer(fields("/card"), b"<h1>", "application/json")
    assert refused.value.status == 502


FORM = "application/x-www-form-urlencoded; charset=utf-8"


def form(body: bytes, *types: str) -> Request:
    return exchange(headers=[("content-type", each) for each in types or (FORM,)], body=body).request


def test_fields_of_a_form_are_found_by_their_pointers() -> None:
    request = form(b"amount=1&payment_method_data[card][number]=42&items[0][x]=a&items[1][x]=b")
    found = of_request(fields("/payment_method_data/card/number", "/items/*/x"), request)
    assert [(each.pointer, each.value) for each in found] == [
        ("/payment_method_data/card/number", "42"),
        ("/items/0/x", "a"),
        ("/items/1/x", "b"),
    ]


def test_of_a_form_only_the_values_that_change_are_written() -> None:
    request = form(b"a=%7e+1&card%5Bnumber%5D=4%32&&b&c[]=x")
    fields("/card/number", "/a").change_request(request, lambda _: [("/card/number", "a b&"), ("/a", "~ 1")])
    assert request.body.data == b"a=%7e+1&card%5Bnumber%5D=a+b%26&&b&c[]=x"


def test_a_form_as_an_upstream_would_get_it_in_pieces_is_read_alike() -> None:
    request = Request("POST", "/", body=b"card=4", pieces=[b"\r\ncontent-type: ", FORM.encode()])
    assert [each.value for each in of_request(fields("/card"), request)] == ["4"]


def test_a_form_has_texts_and_numbers_but_no_objects() -> None:
    request = form(b"card=4")
    fields("/card").change_request(request, lambda found: [(found[0].pointer, 42)])
    assert request.body.data == b"card=42"
    with pytest.raises(FieldRefused, match="no single value"):
        fields("/card").change_request(request, lambda found: [(found[0].pointer, {"number": 4})])
    with pytest.raises(FieldRefused, match="no single field") as refused:
        of_request(fields("/card"), form(b"card[number]=4"))
    assert refused.value.members == {"pointer": "/card"}


def test_a_named_field_that_comes_twice_is_refused_and_another_is_not() -> None:
    twice = b"card[number]=4&x=1&x=2&card%5bnumber%5d=5"
    with pytest.raises(DuplicateKey) as refused:
        of_request(fields("/card/number"), form(twice))
    assert refused.value.members == {"pointer": "/card/number"}
    assert of_request(fields("/card/cvc"), form(twice)) == []


def test_a_body_of_two_kinds_is_refused() -> None:
    with pytest.raises(InvalidForm):
        of_request(fields("/card"), form(b"card=4", FORM, "application/json"))


@pytest.mark.parametrize(
    "number",
    [
        "18446744073709551616",
        "-9223372036854775809",
        "9" * 300,
        "0.1e-99999999999999999999",
        "0.1000000000000000055511",
        "1.00000000000000001",
    ],
)
def test_a_number_that_would_be_another_one_is_refused(number) -> None:
    made, body = fields("/card"), b'{"card": "4", "n": [%b]}' % number.encode()
    with pytest.raises(NumberNotExact):
        of_request(made, exchange(body=body).request)
    with pytest.raises(AnswerNotProtected):
        of_answer(made, body, "application/json")


@pytest.mark.parametrize(
    "number",
    [
        "18446744073709551615",
        "-9223372036854775808",
        "1.500000000000000000000",
        '"\\\\\\"' + "9" * 30 + '"',
        "[" * 1000 + "1" * 18 + "]" * 1000,
        '"%s"' % ("9" * 30),
    ],
)
def test_a_number_of_many_digits_that_stays_the_same_passes(number) -> None:
    body = b'{"card": "4", "n": %b}' % number.encode()
    assert len(of_request(fields("/card"), exchange(body=body).request)) == 1
