"""JSON pointers (RFC 6901), parsed once and followed per exchange."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, Field

MISSING: Any = type("Missing", (), {"__repr__": lambda _: "MISSING"})()
"""What ``follow`` answers where the document holds nothing; not None, which a document may hold."""

_BAD_ESCAPE = re.compile(r"~(?![01])")


def parse(pointer: str) -> tuple[str, ...]:
    """``/card/number`` as its tokens; ValueError says what is wrong with it."""
    if pointer and not pointer.startswith("/"):
        raise ValueError(f"a JSON pointer starts with a slash: /{pointer}")
    if _BAD_ESCAPE.search(pointer):
        raise ValueError("in a JSON pointer ~ is written ~0 and / is written ~1")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])


def _checked(pointer: str) -> str:
    parse(pointer)
    return pointer


Pointer = Annotated[str, AfterValidator(_checked), Field(examples=["/card/number"])]
"""A JSON pointer in a Config."""


def follow(document: Any, tokens: tuple[str, ...]) -> Any:
    """What ``tokens`` lead to, or MISSING."""
    for token in tokens:
        match document:
            case dict():
                document = document.get(token, MISSING)
            case list():
                document = document[int(token)] if _is_index(token, document) else MISSING
            case _:
                return MISSING
    return document


def find(document: Any, pointer: str) -> Any:
    """What ``pointer`` leads to; None where there is nothing.  For what is not done per request."""
    found = follow(document, parse(pointer))
    return None if found is MISSING else found


def replace(document: Any, tokens: tuple[str, ...], value: Any) -> Any:
    """Put ``value`` where ``tokens`` lead, in place; the document, which is ``value`` itself for the empty pointer.

    A last token that an object does not hold yet is added.  KeyError where the way there does not exist.
    """
    if not tokens:
        return value
    parent = follow(document, tokens[:-1])
    last = tokens[-1]
    match parent:
        case dict():
            parent[last] = value
        case list() if _is_index(last, parent):
            parent[int(last)] = value
        case _:
            raise KeyError("/" + "/".join(tokens))
    return document


def pointer_to(tokens: Iterable[str]) -> str:
    """The JSON pointer of these tokens."""
    return "".join(f"/{escaped(token)}" for token in tokens)


class Pattern:
    """A JSON pointer in which the token ``*`` stands for every member of an object, or every item of an array."""

    def __init__(self, pointer: str) -> None:
        self._tokens = parse(pointer)

    def find(self, document: Any) -> list[tuple[str, Any]]:
        """What it leads to, each with the pointer to it, in the order of the document."""
        return list(_expand(document, self._tokens, ""))


def _expand(document: Any, tokens: tuple[str, ...], path: str) -> Iterator[tuple[str, Any]]:
    if not tokens:
        yield path, document
    elif tokens[0] == "*":
        for token, each in _members(document):
            yield from _expand(each, tokens[1:], f"{path}/{escaped(token)}")
    elif (found := follow(document, tokens[:1])) is not MISSING:
        yield from _expand(found, tokens[1:], f"{path}/{escaped(tokens[0])}")


def _members(document: Any) -> Iterable[tuple[str, Any]]:
    match document:
        case dict():
            return document.items()
        case list():
            return ((str(number), each) for number, each in enumerate(document))
    return ()


def escaped(token: str) -> str:
    return token.replace("~", "~0").replace("/", "~1")


def _is_index(token: str, array: list[Any]) -> bool:
    return token.isascii() and token.isdigit() and (token == "0" or token[0] != "0") and int(token) < len(array)
