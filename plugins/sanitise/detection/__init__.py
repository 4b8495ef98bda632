"""What attacks look like, told from text alone: pure, no I/O, nothing of the gateway.

A ``detector.Detector`` first screens many decoded strings at once (``clean``), and looks closer only at those of a body
in which something may be (``inspect``).  A hit of score 5 or more is conclusive by itself.  It is imported where one is
made: its judges take 2 MiB that a gateway without ``sanitise`` in its policy does not pay for.
"""

from __future__ import annotations

from .rules import FAMILIES, RULES, Hit, Kind, Rule

__all__ = ["FAMILIES", "RULES", "Hit", "Kind", "Rule"]
