"""The detector: one screen over many texts, then each family's judge over each form of a suspicious one."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import NamedTuple

from . import commands, decoding, documents, entities, markup, network, paths, sql, templates
from .rules import FAMILIES, Hit, Kind

_SEPARATOR = "\n"
"""Stands before each text, so that a trigger can ask for the beginning of one."""


class _Judge(NamedTuple):
    families: frozenset[str]
    trigger: str
    judge: Callable[[str, Kind], Iterable[Hit]]


_JUDGES = (
    _Judge(frozenset({"sqli"}), sql.TRIGGER, sql.judge),
    _Judge(frozenset({"xss"}), markup.TRIGGER, markup.judge),
    _Judge(frozenset({"path_traversal"}), paths.TRIGGER, paths.judge),
    _Judge(frozenset({"command"}), commands.TRIGGER, commands.judge),
    _Judge(frozenset({"template"}), templates.TRIGGER, templates.judge),
    _Judge(frozenset({"nosql"}), documents.TRIGGER, documents.judge),
    _Judge(frozenset({"ldap"}), documents.TRIGGER, documents.judge_filter),
    _Judge(frozenset({"xxe"}), entities.TRIGGER_ENTITY, entities.judge),
    _Judge(frozenset({"crlf"}), network.TRIGGER_CRLF, network.judge_break),
    _Judge(frozenset({"ssrf"}), network.TRIGGER_SSRF, network.judge_address),
    _Judge(frozenset({"null_byte"}), entities.TRIGGER_NULL, entities.judge_null),
)


class Detector:
    """Tells attacks of the given families from ordinary text.

    ``clean`` is one screen over many texts: True is a proof that ``inspect`` finds nothing in any of them.
    ``inspect`` judges one text, as it is and as each round of decoding makes it.
    """

    def __init__(self, families: Collection[str] = FAMILIES) -> None:
        self._families = frozenset(families)
        self._judges = [each for each in _JUDGES if each.families & self._families]
        self._screen = re.compile("|".join([decoding.TRIGGER, *(each.trigger for each in self._judges)])).search

    def clean(self, texts: Sequence[str]) -> bool:
        return self._screen(_SEPARATOR.join(("", *texts)).lower()) is None

    def inspect(self, text: str, kind: Kind = Kind.VALUE) -> tuple[Hit, ...]:
        if self._screen(_SEPARATOR + text.lower()) is None:
            return ()
        found: dict[str, Hit] = {}
        for form in decoding.forms(text):
            for each in self._judges:
                for hit in each.judge(form, kind):
                    if hit.rule.family in self._families:
                        found.setdefault(hit.rule.id, hit)
        return tuple(found.values())
