"""What is done with what was found: by family, by field, by the sum of the scores.  Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from time import thread_time
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

from .cleaning import RESOLVED, cleaner
from .detection import FAMILIES, Hit, Kind, Rule
from .fields import pattern
from .masking import masked
from .options import EVERYTHING, FieldEntry, SanitiseConfig
from .problems import BodyTooComplex
from .texts import Text, shown

if TYPE_CHECKING:
    from .detection.detector import Detector

Outcome = Literal["block", "report", "clean"]

LONGEST_MATCHED = 1000
"""Characters of a field's name that an entry of the policy may match: patterns with stars are not linear."""

TOGETHER = 8
"""How many texts are screened at once where one of many is suspicious."""

MOST_TOLD = 8
"""How many finds of one request are told of."""


class Found(NamedTuple):
    field: str
    rule: Rule
    excerpt: str
    outcome: Outcome


class Findings(NamedTuple):
    """``blocking`` is the first of what reached the threshold together; None where the request may pass.

    ``cleaned`` are the fields whose texts are to be others, by their pointers.  ``innocent`` says that there is nothing
    in the texts, whatever is allowed where.
    """

    found: Sequence[Found] = ()
    blocking: Found | None = None
    cleaned: Mapping[str, str] = MappingProxyType({})
    innocent: bool = False


class Judge:
    """Looks at texts one by one, and knows what a policy wants done with what is in them."""

    def __init__(self, config: SanitiseConfig) -> None:
        self._config = config
        self._fields = [(pattern(entry.at), entry) for entry in config.fields]
        self._cleaners = {entry.at: cleaner(entry) for entry in config.fields if entry.clean is not None}
        self._detector = _detector(self._sought())
        self.clean = self._detector.clean
        """True is a proof that nothing is found in any of these texts."""

    def _sought(self) -> tuple[str, ...]:
        """The families that are looked for anywhere."""
        fields = [entry.families for entry in self._config.fields]
        said = {family for families in fields for family, action in families.items() if action != "off"}
        return tuple(each for each in FAMILIES if each in said or self._config.families.get(each) != "off")

    def judge(self, texts: Iterable[Text]) -> Findings:
        """What is in the texts.  Once enough is found to refuse the request, and to tell why, the rest is left.

        BodyTooComplex where that takes more than ``bounds.effort`` of the processor's time.
        """
        found: list[Found] = []
        cleaned: dict[str, str] = {}
        seen: dict[tuple[str, Kind], Sequence[Hit]] = {}
        until = thread_time() + self._config.bounds.effort
        innocent = True
        for text in self._suspects(texts):
            key = text.text, text.kind
            if (hits := seen.get(key)) is None:
                if seen and thread_time() > until:
                    raise BodyTooComplex("To look at this closely takes longer than is taken here")
                hits = seen[key] = self._detector.inspect(text.text, text.kind)
            if hits:
                innocent = False
                found += self._found(text, hits, cleaned)
                if len(found) >= MOST_TOLD and self._blocking(found) is not None:
                    break
        return Findings(found, self._blocking(found), cleaned, innocent)

    def _suspects(self, texts: Iterable[Text]) -> Iterator[Text]:
        """Those that the screen does not pass, a handful at a time: to look at each by itself costs more."""
        rest = iter(texts)
        while some := list(islice(rest, TOGETHER)):
            if not self.clean([each.text for each in some]):
                yield from some

    def _found(self, text: Text, hits: Iterable[Hit], cleaned: dict[str, str]) -> Iterator[Found]:
        entry = self._entry(text.field)
        for hit in hits:
            outcome = self._outcome(entry, hit.rule, cleanable=text.kind is not Kind.KEY)
            if outcome is not None:
                yield Found(shown(text.field), hit.rule, masked(hit.excerpt), outcome)
            if outcome == "clean" and entry is not None and text.field not in cleaned:
                cleaned[text.field] = clean = self._cleaners[entry.at](text.text)
                left = (each for each in self._detector.inspect(clean, text.kind) if each.rule.family not in RESOLVED)
                yield from self._found(text, left, cleaned)  # what only shows once the markup is gone

    def _entry(self, field: str) -> FieldEntry | None:
        """What is different there.  Nothing is where a client makes up names of that length."""
        if len(field) > LONGEST_MATCHED:
            return None
        return next((entry for at, entry in self._fields if at.fullmatch(field)), None)

    def _outcome(self, entry: FieldEntry | None, rule: Rule, *, cleanable: bool) -> Outcome | None:
        action = self._config.families.get(rule.family, "block")
        if entry is not None:
            if not {rule.id, rule.family, EVERYTHING}.isdisjoint(entry.allow):
                return None
            action = entry.families.get(rule.family, action)
            if cleanable and entry.clean is not None and action != "off" and rule.family in RESOLVED:
                return "clean"
        return None if action == "off" else action

    def _blocking(self, found: Sequence[Found]) -> Found | None:
        blocking = [each for each in found if each.outcome == "block"]
        reached = sum(each.rule.score for each in blocking) >= self._config.threshold
        return blocking[0] if blocking and reached else None


@lru_cache(maxsize=32)
def _detector(families: tuple[str, ...]) -> Detector:
    """Its patterns take a while to compile, and most routes look for the same."""
    from .detection.detector import Detector  # noqa: PLC0415 - for those alone who look into requests

    return Detector(families)
