"""What is done with what was found: by family, by field, by the sum of the scores.  Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from .cleaning import RESOLVED
from .detection import FAMILIES, Hit, Rule
from .fields import pattern
from .options import EVERYTHING, FieldEntry, SanitiseConfig

Outcome = Literal["block", "report", "clean"]

_WORD = re.compile(r"\w+")
_LONGEST = 60
_KEPT = frozenset(
    "all alert and any as async begin bin body by case cast char concat create data database delay delete div document "
    "drop dual else end etc eval exec execute false file form from get group having href html http https if iframe img "
    "in information_schema injected insert into is javascript jndi join ldap like limit link load location math ne not "
    "null object on onclick onerror onload onmouseover or order orderby outfile passwd php ping regex regexp rmi script "
    "select self set shutdown sleep src style svg table tables then top true union update user values version waitfor "
    "wget when where window xp_cmdshell".split()  # noqa: SIM905 - eighty strings in quotes are harder to read
)
"""Words of the languages that attacks are written in: they say what was found, and nothing of a customer."""


class Found(NamedTuple):
    field: str
    rule: Rule
    excerpt: str
    outcome: Outcome


class Verdict(NamedTuple):
    """``blocking`` is the first of what reached the threshold together; None where the request may pass."""

    found: Sequence[Found]
    blocking: Found | None


class Judge:
    """Knows what a policy wants done with a hit in a field."""

    def __init__(self, config: SanitiseConfig) -> None:
        self._config = config
        self._fields = [(pattern(entry.at), entry) for entry in config.fields]

    @property
    def sought(self) -> tuple[str, ...]:
        """The families that are to be looked for anywhere."""
        wanted = {family for entry in self._config.fields for family, action in entry.families.items() if action != "off"}
        return tuple(
            family for family in FAMILIES if self._config.families.get(family) != "off" or family in wanted
        )

    def entry(self, field: str) -> FieldEntry | None:
        return next((entry for at, entry in self._fields if at.fullmatch(field)), None)

    def found(self, field: str, entry: FieldEntry | None, hits: Iterable[Hit]) -> list[Found]:
        """What of the hits in a field counts, and for what."""
        return [
            Found(field, hit.rule, masked(hit.excerpt), outcome)
            for hit in hits
            if (outcome := self._outcome(entry, hit.rule)) is not None
        ]

    def _outcome(self, entry: FieldEntry | None, rule: Rule) -> Outcome | None:
        action = self._config.families.get(rule.family, "block")
        if entry is not None:
            if not {rule.id, rule.family, EVERYTHING}.isdisjoint(entry.allow):
                return None
            action = entry.families.get(rule.family, action)
            if entry.clean is not None and action != "off" and rule.family in RESOLVED:
                return "clean"
        return None if action == "off" else action

    def verdict(self, found: Sequence[Found]) -> Verdict:
        blocking = [each for each in found if each.outcome == "block"]
        reached = sum(each.rule.score for each in blocking) >= self._config.threshold
        return Verdict(found, blocking[0] if blocking and reached else None)


def masked(excerpt: str) -> str:
    """What convinced a rule, with every word that is not of an attack's own language taken out."""
    return _WORD.sub(_word, excerpt[:_LONGEST])


def _word(found: re.Match[str]) -> str:
    word = found[0]
    if word.lower() in _KEPT:
        return word
    return "0" if word.isdecimal() else "…"
