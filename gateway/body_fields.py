"""Fields: what filters that protect single values of a JSON body share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BeforeValidator, Field

from gateway.errors import GatewayError, InvalidJson, Rejected
from gateway.exchange import Exchange
from gateway.messages import Request, Response
from gateway.parts import Config
from gateway.pointer import Pattern, Pointer

Rule = Literal["pass", "refuse"]


class FieldRefused(Rejected):
    """A field does not fit; ``pointer`` leads to it.  Nothing is said of what it holds."""

    status = 422
    code = "field_refused"


class FieldMissing(FieldRefused):
    code = "field_missing"


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

    fields: Annotated[tuple[Annotated[FieldEntry, BeforeValidator(_entry)], ...], Field(min_length=1)]
    """Which fields of a JSON body: each a pointer such as `/card/number` or `/items/*/card`, or `{at: …, as: …}`."""

    if_missing: Rule = "pass"
    """What to do where a field is not there, or its value is null: nothing, or refuse."""


class Found(NamedTuple):
    """A field with a value.  ``pointer`` leads to it, and to nothing else."""

    field: FieldEntry
    pointer: str
    value: Any


Change = Callable[[list[Found]], Iterable[tuple[str, Any]]]
"""Other values for what was found, by their pointers.  FieldRefused where one does not fit."""


class Fields:
    """Finds the fields that a policy names, and puts other values in their places: all of a body's, or none."""

    def __init__(self, config: FieldsConfig) -> None:
        self._fields = [
            (each, Pattern(each.at), (each.if_missing or config.if_missing) == "refuse") for each in config.fields
        ]

    def change_request(self, request: Request, change: Change) -> None:
        """A body must be JSON, whatever it says of itself: what cannot be read cannot be protected.

        It is written anew, also where nothing changed: of a key that came twice, only what was read passes.
        InvalidJson (400), or FieldRefused (422).
        """
        document = request.json() if request.body.data else None
        changed = change(self._found(document))
        if document is not None:
            _put(request, document, changed)

    def change_answer(self, exchange: Exchange, change: Change) -> None:
        """Of the upstream's answer; one that does not say that it is JSON has no fields.  AnswerNotProtected (502)."""
        answer = exchange.answer
        if exchange.error is not None:
            return  # a problem of the gateway's own has none of these fields
        try:
            document = answer.json() if _says_json(answer) else None
            changed = change(self._found(document))
        except (FieldRefused, InvalidJson) as refused:
            exchange.note(refused.code, **refused.members)
            raise AnswerNotProtected.because(refused) from None
        if document is not None:
            _put(answer, document, changed)

    def _found(self, document: Any) -> list[Found]:
        found: list[Found] = []
        for field, pattern, needed in self._fields:
            here = [Found(field, *each) for each in pattern.find(document) if each[1] is not None]
            if needed and not here:
                raise FieldMissing(f"{field.at} is missing", pointer=field.at)
            found += here
        return found


def _put(message: Request | Response, document: Any, changed: Iterable[tuple[str, Any]]) -> None:
    message.edit("", document)
    for pointer, value in changed:
        message.edit(pointer, value)


def _says_json(answer: Response) -> bool:
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return bool(answer.body.data) and (media_type == "application/json" or media_type.endswith("+json"))
