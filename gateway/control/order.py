"""Order: what the filters of a route need from each other, as a rule on their sequence alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.control.policy_parts import Mode


@dataclass(frozen=True, slots=True)
class Step:
    """What is known of one filter of a route.

    ``fails_open``: it may be skipped while a dependency is down.  ``known`` is False for a name that no filter has: it
    may have meant any, so nothing is missed below it.
    """

    name: str
    mode: Mode = "enforce"
    fails_open: bool = False
    requires: tuple[type, ...] = ()
    requires_named: tuple[str, ...] = ()
    provides: tuple[type, ...] = ()
    provides_up: tuple[str, ...] = ()
    rejects_up: tuple[str, ...] = ()
    known: bool = True
    reserves: bool = False

    @property
    def certain(self) -> bool:
        """Whether it runs on the live exchange whenever one passes."""
        return self.mode == "enforce" and not self.fails_open

    def gives(self, fact: str) -> bool:
        return any(kind.__name__ == fact for kind in self.provides)

    @property
    def why_uncertain(self) -> str:
        return f"mode: {self.mode}" if self.mode != "enforce" else "failure_mode: open"


Misplacement = tuple[int, str]
"""The number of a step, and what is wrong with where it stands."""


def misplaced(steps: Sequence[Step], given: frozenset[type] = frozenset()) -> Iterator[Misplacement]:
    """Every way in which the steps do not fit together; ``given`` are the facts that the core provides."""
    reserving: str | None = None
    for number, step in enumerate(steps):
        if step.mode == "off":
            continue
        if step.reserves and reserving is not None:
            yield number, f"claims requests, as {reserving} above it does: a route has one such filter"
        elif step.reserves:
            reserving = step.name
        known = {fact.__name__ for fact in given}
        for fact in dict.fromkeys((*(fact.__name__ for fact in step.requires), *step.requires_named)):
            if fact not in known and (reason := _lack(fact, steps, number)):
                yield number, f"needs {fact}, {reason}"
        for trait in step.rejects_up:
            for below in steps[number + 1 :]:
                if below.mode == "enforce" and trait in below.provides_up:
                    yield number, f"must stand below {below.name}, whose responses are {trait}"


def _lack(fact: str, steps: Sequence[Step], number: int) -> str:
    """Why the fact is not certain to be there for the step of this number; nothing where it is."""
    above = [step for step in steps[:number] if step.gives(fact)]
    if any(step.certain for step in above) or not all(step.known for step in steps[:number]):
        return ""
    if above:
        return f"which {above[-1].name} provides only while it is enforced, and it has {above[-1].why_uncertain}"
    below = [step for step in steps[number + 1 :] if step.gives(fact)]
    if below:
        return f"which {below[0].name} provides: put {below[0].name} above it"
    return "which no filter above it provides"
