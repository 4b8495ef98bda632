"""What attacks look like, told from text alone: pure, no I/O, nothing of the gateway.

A ``Detector`` first screens many decoded strings at once (``clean``), and looks closer only at those of a body in which
something may be (``inspect``).  A hit of score 5 or more is conclusive by itself.
"""

from __future__ import annotations

from .detector import Detector
from .rules import FAMILIES, RULES, Hit, Kind, Rule

__all__ = ["FAMILIES", "RULES", "Detector", "Hit", "Kind", "Rule"]
