"""The detector: one screen over many texts, then each family's judge over each form of a suspicious one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from . import commands, decoding, documents, entities, markup, network, paths, sql, templates
from .rules import FAMILIES, Hit, Kind
from .screen import joined, screen


class _Judge(NamedTuple):
    family: str
    trigger: str
    """What RE2 finds in every text, in lower case, in which the judge may find anything."""
    judge: Callable[[str, Kind], Iterable[Hit]]


_JUDGES = (
    _Judge("sqli", sql.TRIGGER, sql.judge),
    _Judge("xss", markup.TRIGGER, markup.judge),
    _Judge("path_traversal", paths.TRIGGER, paths.judge),
    _Judge("command", commands.TRIGGER, commands.judge),
    _Judge("template", templates.TRIGGER, templates.judge),
    _Judge("nosql", documents.TRIGGER, documents.judge),
    _Judge("ldap", documents.TRIGGER_FILTER, documents.judge_filter),
    _Judge("xxe", entities.TRIGGER, entities.judge),
    _Judge("crlf", network.TRIGGER_BREAK, network.judge_break),
    _Judge("ssrf", network.TRIGGER_ADDRESS, network.judge_address),
    _Judge("null_byte", entities.TRIGGER_NULL, entities.judge_null),
)
_TRIGGERS = (*(each.trigger for each in _JUDGES), decoding.TRIGGER)
_ENCODED = len(_JUDGES)


class Detector:
    """Tells attacks of the given families from ordinary text.

    ``clean`` is one pass over many texts: True is a proof that ``inspect`` finds nothing in any of them, for
    ``inspect`` begins with the same pass, and a judge is asked only where its trigger was found.  ``inspect`` judges
    one text, as it is and as each round of decoding makes it; a rule is told once, of the first form that convinced.
    Of a long text only the first family that hits is told.
    """

    def __init__(self, families: Collection[str] = FAMILIES) -> None:
        self._asked = {number: each.judge for number, each in enumerate(_JUDGES) if each.family in families}
        self._screen = screen(_TRIGGERS)

    def clean(self, texts: Sequence[str]) -> bool:
        found = self._screen(joined(texts))
        return found is None or not any(number == _ENCODED or number in self._asked for number in found)

    def inspect(self, text: str, kind: Kind = Kind.VALUE) -> tuple[Hit, ...]:
        hits: dict[str, Hit] = {}
        for form in decoding.forms(text):
            found = self._screen(joined((form,))) or ()
            for number in found:
                if judge := self._asked.get(number):
                    for hit in judge(form, kind):
                        hits.setdefault(hit.rule.id, hit)
                    if hits and len(form) > decoding.LONG:
                        return tuple(hits.values())
            if form is text and _ENCODED not in found:
                break
        return tuple(hits.values())
