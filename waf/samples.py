"""What the corpora are made of."""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from plugins.sanitise.detection import Kind


class Sample(NamedTuple):
    """A text, what it is, and where it would be put: ``family`` is ordinary where nothing may be found."""

    text: str
    family: str
    context: str
    kind: Kind = Kind.VALUE


class Dice(Random):
    """A seeded source with the choices that grammars ask for."""

    def maybe(self, text: str, odds: float = 0.5) -> str:
        return text if self.random() < odds else ""

    def number(self, highest: int = 9999) -> str:
        return str(self.randint(1, highest))

    def word(self, least: int = 3, most: int = 8) -> str:
        return "".join(self.choices("abcdefghijklmnopqrstuvwxyz", k=self.randint(least, most)))

    def cased(self, text: str) -> str:
        """As it is, in upper case, or mixed."""
        match self.randint(0, 3):
            case 0:
                return text.upper()
            case 1:
                return "".join(self.choice((letter.upper(), letter.lower())) for letter in text)
            case _:
                return text
