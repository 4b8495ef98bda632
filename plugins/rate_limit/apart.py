"""A decision taken apart by subject, for a Redis Cluster, where a script touches keys of one place only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .decision import Rule


class Part(NamedTuple):
    """What is decided of one subject; ``numbers`` are those that its keys and rules have in the whole."""

    keys: list[str]
    arguments: tuple[int, list[Rule]]
    key_numbers: list[int]
    rule_numbers: list[int]

    @property
    def back(self) -> tuple[int, list[Rule]] | None:
        """What gives back what it took; None where it takes nothing."""
        taking = [rule._replace(cost=-rule.cost) for rule in self.arguments[1] if rule.takes]
        return (0, taking) if taking else None


def split(keys: Sequence[str], arguments: tuple[int, Sequence[Rule]]) -> list[Part]:
    blocks, rules = arguments
    places: dict[str, list[int]] = {}
    for number, key in enumerate(keys):
        places.setdefault(_place(key), []).append(number)
    return [_part(keys, numbers, blocks, rules) for numbers in places.values()]


def _part(keys: Sequence[str], numbers: list[int], blocks: int, rules: Sequence[Rule]) -> Part:
    position = {number: at for at, number in enumerate(numbers)}
    own = [number for number, rule in enumerate(rules) if rule.key in position]
    moved = [_moved(rules[number], position) for number in own]
    return Part([keys[number] for number in numbers], (sum(n < blocks for n in numbers), moved), numbers, own)


def _moved(rule: Rule, position: dict[int, int]) -> Rule:
    punishment = rule.punishment
    if punishment:
        block = position.get(punishment.block, -1)
        punishment = punishment._replace(keys=position[punishment.keys], block=block)
    return rule._replace(key=position[rule.key], punishment=punishment)


def _place(key: str) -> str:
    """What stands in braces."""
    return key.partition("{")[2].partition("}")[0]


def joined(parts: Sequence[Part], told: Sequence[list[Any] | None]) -> list[Any] | None:
    """What the parts said, as the whole would have."""
    refused: list[list[float]] = []
    blocked: list[list[float]] = []
    for part, said in zip(parts, told, strict=True):
        if said is None:
            continue
        if said[0] == "blocked":
            return ["blocked", part.key_numbers[said[1]], said[2]]
        refused += [[part.rule_numbers[number], wait] for number, wait in said[1]]
        blocked += [[part.key_numbers[number], seconds] for number, seconds in (said[2] if len(said) > 2 else ())]
    if not refused:
        return None
    return ["limited", refused, blocked] if blocked else ["limited", refused]
