"""Every sample through the detector, and what came of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from time import process_time

from plugins.sanitise.detection.detector import Detector

from . import sqlmap
from .encodings import ENCODINGS
from .injections import injections
from .ordinary import awkward, generated, of_locales
from .others import others
from .samples import Dice, Sample
from .scripts import scripts

REFUSED_FROM = 5
"""The score from which a text is refused: one conclusive rule."""

SHOWN = 10


@dataclass
class Cell:
    """A row of the table: how many there were, and those that were judged wrongly."""

    asked: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def found(self) -> float:
        return 1 - len(self.wrong) / self.asked if self.asked else 1.0


@dataclass
class Measured:
    attacks: dict[tuple[str, str, str], Cell] = field(default_factory=lambda: defaultdict(Cell))
    """By family, context and encoding."""
    ordinary: dict[str, Cell] = field(default_factory=lambda: defaultdict(Cell))
    seconds: float = 0.0
    skipped: list[str] = field(default_factory=list)

    def of(self, family: str = "", encoding: str = "", context: str = "", *, sqlmap_tampers: bool = True) -> Cell:
        """The sum of the attacks that are of these; tampered ones exist in no encoding but their own."""
        total = Cell()
        for (its, where, encoded), cell in self.attacks.items():
            if not sqlmap_tampers and where.startswith("tamper "):
                continue
            if family in ("", its) and encoding in ("", encoded) and context in ("", where):
                total.asked += cell.asked
                total.wrong += cell.wrong
        return total

    def refused(self) -> Cell:
        """The sum of all ordinary text; what is wrong of it was refused."""
        total = Cell()
        for cell in self.ordinary.values():
            total.asked += cell.asked
            total.wrong += cell.wrong
        return total


def measure(seed: int, each: int) -> Measured:
    """All corpora, ``each`` of every kind that a grammar makes."""
    measured, detector = Measured(), Detector()
    began = process_time()
    for sample in [*injections(Dice(seed), each), *scripts(Dice(seed), each), *others(Dice(seed), each)]:
        _attack(
            measured,
            detector,
            sample,
            ENCODINGS if sample.family in ("sqli", "xss") else ("plain", "percent"),
            Dice(seed),
        )
    if sqlmap.present():
        _sqlmap(measured, detector, seed)
    else:
        measured.skipped.append(
            f"sqlmap's payloads and tampers: {sqlmap.FOLDER} is not there (Debian's package sqlmap)"
        )
    for sample in [*of_locales(seed, max(1, each // 10)), *generated(Dice(seed), each * 10), *awkward()]:
        _ordinary(measured, detector, sample)
    measured.seconds = process_time() - began
    return measured


def _sqlmap(measured: Measured, detector: Detector, seed: int) -> None:
    payloads = sqlmap.payloads(Dice(seed))
    for sample in payloads:
        _attack(measured, detector, sample, ENCODINGS, Dice(seed))
    for sample in sqlmap.tampered(Dice(seed).sample(payloads, min(200, len(payloads)))):
        _attack(measured, detector, sample, ("plain",), Dice(seed))


def _attack(measured: Measured, detector: Detector, sample: Sample, encodings: Iterable[str], dice: Dice) -> None:
    for name in encodings:
        text = ENCODINGS[name](dice, sample.text)
        cell = measured.attacks[sample.family, sample.context, name]
        cell.asked += 1
        if refused(detector, sample._replace(text=text)) is None:
            cell.wrong.append(text)


def _ordinary(measured: Measured, detector: Detector, sample: Sample) -> None:
    cell = measured.ordinary[sample.context]
    cell.asked += 1
    if rules := refused(detector, sample):
        cell.wrong.append(f"{rules}: {sample.text}")


def refused(detector: Detector, sample: Sample) -> str | None:
    """The rules by which a request with this text in one field would be refused, or None."""
    if detector.clean([sample.text]):
        return None
    hits = detector.inspect(sample.text, sample.kind)
    return ", ".join(hit.rule.id for hit in hits) if sum(hit.rule.score for hit in hits) >= REFUSED_FROM else None
