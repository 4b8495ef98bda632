"""Fields: what filters that protect single values of a body share, be it JSON or a form."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal, NamedTuple

import orjson
from pydantic import BeforeValidator, Field

from gateway.errors import GatewayError, InvalidJson, Rejected
from gateway.exchange import Exchange
from gateway.fields import BEGINNINGS, RawHeader, fields_of
from gateway.form_fields import MEDIA_TYPE, Form, InvalidForm
from gateway.messages import Request, Response
from gateway.parts import Config
from gateway.pointer import Pattern, Pointer

Rule = Literal["pass", "refuse"]

_MANY_DIGITS, _AS_ZEROS = b"0" * 18, bytes.maketrans(b"123456789.", b"0000000000")
_NUMBER = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|(-?[0-9][0-9.eE+-]{17,})')

_CONTENT_TYPE = BEGINNINGS[b"content-type"]


class FieldRefused(Rejected):
    """A field does not fit; ``pointer`` leads to it.  Nothing is said of what it holds."""

    status = 422
    code = "field_refused"


class FieldMissing(FieldRefused):
    code = "field_missing"


class NumberNotExact(FieldRefused):
    """A number somewhere in the body would be another one where it is written anew."""

    code = "number_not_exact"


class AnswerNotProtected(GatewayError):
    """The upstream's answer has a field that does not fit; nothing of it is passed on."""

    status = 502
    code = "answer_not_protected"

    @classmethod
    def because(cls, refused: Rejected) -> AnswerNotProtected:
        return cls("The upstream's answer has a field that does not fit", **refused.members)


class FieldEntry(Config):
    """A field: its pointer alone, or `{at: pointer, as: name}`."""

    at: Pointer
    """Where it is, as a JSON pointer in which `*` stands for every member or item."""

    name: Annotated[str | None, Field(alias="as", min_length=1, max_length=200)] = None
    """What it is called, where it stands elsewhere on another route. Unset, its pointer as it is written here."""

    if_missing: Rule | None = None
    """As `if_missing` of all, for this field alone."""

    @property
    def known_as(self) -> str:
        return self.name or self.at


def _entry(given: Any) -> Any:
    return {"at": given} if isinstance(given, str) else given


class FieldsConfig(Config):
    """Base of options for filters that change fields."""

    fields: Annotated[
        tuple[Annotated[FieldEntry, BeforeValidator(_entry, json_schema_input_type=Pointer | FieldEntry)], ...],
        Field(min_length=1),
    ]
    """Which fields of a body: each a pointer such as `/card/number` or `/items/*/card`, or `{at: …, as: …}`."""

    if_missing: Rule = "pass"
    """What to do where a field is not there, or its value is null: nothing, or refuse."""


class Found(NamedTuple):
    """A field with a value.  ``pointer`` leads to it, and to nothing else."""

    field: FieldEntry
    pointer: str
    value: Any


Change = Callable[[list[Found]], Iterable[tuple[str, Any]]]
"""Other values for what was found, by their pointers.  FieldRefused where one does not fit."""


class Opened:
    """The fields that were ``found`` in a message, which ``put`` gives other values by their pointers."""

    __slots__ = ("_document", "_form", "_message", "found")

    def __init__(self, message: Request | Response, document: Any, form: Form | None, found: list[Found]) -> None:
        self._message = message
        self._document = document
        self._form = form
        self.found = found

    def put(self, changed: Iterable[tuple[str, Any]]) -> None:
        """JSON is written anew, also where nothing changed; of a form, what changed.  FieldRefused where one cannot."""
        if self._form is not None:
            was = {each.pointer: each.value for each in self.found}
            texts = [(pointer, _as_text(pointer, value)) for pointer, value in changed]
            if others := [(pointer, text) for pointer, text in texts if text != was[pointer]]:
                self._message.body = self._form.changed(others)
        elif self._document is not None:
            self._message.edit("", self._document)
            for pointer, value in changed:
                self._message.edit(pointer, value)


class Fields:
    """Finds the fields that a policy names, and puts other values in their places: all of a body's, or none."""

    def __init__(self, config: FieldsConfig) -> None:
        self._fields = [
            (each, Pattern(each.at), (each.if_missing or config.if_missing) == "refuse") for each in config.fields
        ]

    def of_request(self, request: Request) -> Opened:
        """A body that says that it is a form is read as one; any other must be JSON, whatever it says of itself.

        What cannot be read cannot be protected.  JSON is written anew, also where nothing changed: of a key that came
        twice, only what was read passes, and NumberNotExact where a number would not.  InvalidJson, InvalidForm,
        DuplicateKey (400), or FieldRefused (422).
        """
        if not request.body.data:
            return Opened(request, None, None, self._found(None))
        if not _says_form(request):
            return Opened(request, document := _exact(request), None, self._found(document))
        form = Form(request.body.data)
        found = self._found(form.document)
        for each in found:
            _fits_form(each, form)
        return Opened(request, form.document, form, found)

    def of_answer(self, exchange: Exchange) -> Opened:
        """Of the upstream's answer; one that does not say that it is JSON has no fields.  InvalidJson, FieldRefused."""
        answer = exchange.answer
        if exchange.error is not None:
            return Opened(answer, None, None, [])  # a problem of the gateway's own has none of these fields
        document = _exact(answer) if _says_json(answer) else None
        return Opened(answer, document, None, self._found(document))

    def change_request(self, request: Request, change: Change) -> None:
        """What ``of_request`` finds, changed; it says what is raised."""
        opened = self.of_request(request)
        opened.put(change(opened.found))

    def change_answer(self, exchange: Exchange, change: Change) -> None:
        """What ``of_answer`` finds, changed.  AnswerNotProtected (502)."""
        try:
            opened = self.of_answer(exchange)
            opened.put(change(opened.found))
        except (FieldRefused, InvalidJson) as refused:
            raise not_protected(exchange, refused) from None

    def _found(self, document: Any) -> list[Found]:
        found: list[Found] = []
        for field, pattern, needed in self._fields:
            here = [Found(field, *each) for each in pattern.find(document) if each[1] is not None]
            if needed and not here:
                raise FieldMissing(f"{field.at} is missing", pointer=field.at)
            found += here
        return found


def _exact(message: Request | Response) -> Any:
    """Its JSON.  What has fewer than 18 digits is the same when it is written anew: few bodies are looked at twice."""
    document, data = message.json(), message.body.data or b""
    if _MANY_DIGITS in data.translate(_AS_ZEROS):
        for number in filter(None, _NUMBER.findall(data)):
            if not _is_kept(number.decode("ascii")):
                raise NumberNotExact("The body has a number of more digits than can be kept: send it as a text")
    return document


def _is_kept(number: str) -> bool:
    if number.lstrip("-").isdigit():
        return len(number) <= 20 and -(1 << 63) <= int(number) < 1 << 64
    try:
        return Decimal(number) == Decimal(repr(float(number)))
    except ArithmeticError:
        return False


def not_protected(exchange: Exchange, refused: Rejected) -> AnswerNotProtected:
    """What becomes of an answer with a field that does not fit; the reason is noted."""
    exchange.note(refused.code, **refused.members)
    return AnswerNotProtected.because(refused)


def _fits_form(found: Found, form: Form) -> None:
    if not isinstance(found.value, str):
        raise FieldRefused(f"{found.pointer} is no single field of the form", pointer=found.pointer)
    form.once(found.pointer)


def _as_text(pointer: str, value: Any) -> str:
    """As a form writes it."""
    match value:
        case str():
            return value
        case bool() | int() | float():
            return orjson.dumps(value).decode()
    raise FieldRefused(f"{pointer} is no single value, and a form has no other", pointer=pointer)


def _says_form(request: Request) -> bool:
    pieces = request.pieces
    if pieces is not None and pieces.count(_CONTENT_TYPE) == 1:
        return _is_form(pieces[pieces.index(_CONTENT_TYPE) + 1])
    said = [_is_form(value) for name, value in _fields_of(request) if name == b"content-type"]
    if len(said) > 1 and any(said):
        raise InvalidForm("The request has more than one content type")
    return said == [True]


def _fields_of(request: Request) -> list[RawHeader]:
    return request.headers.raw if request.pieces is None else fields_of(request.pieces)


def _is_form(content_type: bytes) -> bool:
    return content_type != b"application/json" and content_type.partition(b";")[0].strip().lower() == MEDIA_TYPE


def _says_json(answer: Response) -> bool:
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return bool(answer.body.data) and (media_type == "application/json" or media_type.endswith("+json"))
