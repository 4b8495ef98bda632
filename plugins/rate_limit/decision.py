"""What is admitted: one decision over all limits of an entry, for a store in memory; ``lua.py`` says the same.

A limit's state is how much of it is taken, and when that was so.  Times are the store's own, in seconds: only what
passed between two of them counts, and a clock that was set back stands still.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

from gateway import Table

PIECES = 20
"""Into how many a sliding window is cut.  A piece counts until all of it is over: at most a twentieth too long."""

NEARLY = 1e-9
"""What sums of fractions may be astray."""

SOON = 2e-6
"""Seconds that are not waited for: no clock tells them apart."""


class Punishment(NamedTuple):
    """What follows from a refusal.  ``keys`` is where strikes, cooling and offences are among the keys."""

    keys: int
    block: int
    """Where the key of its block is; -1 where there is none."""
    cooldown: float
    after: int
    within: float
    lasts: float
    growing: float
    longest: float
    note: str
    """What is kept with a block: who said so, and why."""


class Rule(NamedTuple):
    """One limit as a decision needs it."""

    key: int
    """Where its counter is among the keys."""
    window: float
    """0 for GCRA; else the length of the sliding window."""
    rate: float
    """How much becomes free in a second."""
    most: int
    cost: int
    takes: bool
    """False where only failures do, later."""
    punishment: Punishment | Literal[False]


def decide(table: Table, keys: Sequence[str], arguments: tuple[int, Sequence[Rule]]) -> list[Any] | None:
    """None where all have room, which is then taken.  The first of the keys are those of blocks.

    Else ``["blocked", number of the key, seconds]``, or ``["limited", [[number of the rule, seconds], …]]`` and, where
    a key is blocked from now on, ``[[number of the key, seconds], …]``.
    """
    blocks, rules = arguments
    get, now = table.get, table.now
    for number in range(blocks):
        if get(keys[number]) is not None:
            return ["blocked", number, table.left(keys[number])]
    refused: list[list[float]] = []
    found: list[tuple[Any, float]] = []
    for key, window, rate, most, cost, _, punishment in rules:
        state = get(keys[key])
        used: float
        if window:
            state = _moved(state, window, now)
            used = sum(state) - state[0] + cost
        else:
            used = cost if state is None else _left(state, rate, now) + cost
        if used > most + NEARLY or (punishment and punishment[2]):
            number = len(found)
            if (wait := _wait(table, keys, rules[number], state, used - most)) > 0:
                refused.append([number, wait])
        found.append((state, used))
    if refused:
        return _refuse(table, keys, rules, refused)
    for rule, (state, used) in zip(rules, found, strict=True):
        if rule[5]:
            _take(table, keys[rule[0]], rule, state, used)
    return None


def spend(table: Table, keys: Sequence[str], arguments: tuple[int, Sequence[Rule]]) -> None:
    """Take of each rule whether there is room or not.  A negative cost gives back."""
    for rule in arguments[1]:
        state = table.get(keys[rule.key])
        if rule.window:
            state, used = _moved(state, rule.window, table.now), 0.0
        else:
            used = max(0.0, (0.0 if state is None else _left(state, rule.rate, table.now)) + rule.cost)
        _take(table, keys[rule.key], rule, state, used)


def _left(state: list[float], rate: float, now: float) -> float:
    """What is still taken."""
    passed = now - state[1]
    if passed < 0:  # the clock was set back: it goes on from there
        state[1] = now
        return state[0]
    left = state[0] - passed * rate
    return left if left > 0 else 0.0


def _moved(state: list[int] | None, window: float, now: float) -> list[int]:
    """``[number of the newest piece, taken in it, in the one before, …]`` as of now."""
    newest = int(now * PIECES / window)
    if state is None:
        return [newest, *[0] * (PIECES + 1)]
    ahead = newest - state[0]
    if ahead < 0:  # the clock was set back: what was counted is as new as now
        state[0] = newest
    if ahead <= 0:
        return state
    return [newest, *([0] * min(ahead, PIECES + 1) + state[1:])[: PIECES + 1]]


def _take(table: Table, key: str, rule: Rule, state: Any, used: float) -> None:
    """``used`` is what will be taken of a limit by GCRA; what is counted by pieces gains the rule's cost."""
    _, window, rate, most, cost, _, _ = rule
    now = table.now
    if window:
        state[1] = max(0, state[1] + cost)
        table.put(key, state, window * (1 + 1 / PIECES))
    elif state is None:
        lasts = 2 * most / rate
        table.put(key, [used, now, now + lasts], lasts)
    else:
        state[0], state[1] = used, now
        if now + used / rate > state[2]:
            lasts = (used + most) / rate
            state[2] = now + lasts
            table.extend(key, lasts)


def _wait(table: Table, keys: Sequence[str], rule: Rule, state: Any, over: float) -> float:
    """The seconds until there is room, and the cooldown is over; 0 where both are so."""
    wait = 0.0
    if rule.window:
        wait = _room(state, rule.window, over, table.now)
    elif over > NEARLY and over > SOON * rule.rate:
        wait = over / rule.rate
    if rule.punishment and rule.punishment.cooldown:
        wait = max(wait, table.left(keys[rule.punishment.keys + 1]))
    return wait


def _room(state: list[int], window: float, over: float, now: float) -> float:
    """When enough of the oldest pieces are over."""
    for age in range(PIECES, -1, -1):
        if over <= 0:
            break
        over -= state[age + 1]
        if over <= 0:
            return (state[0] + PIECES + 1 - age) * window / PIECES - now
    return 0.0


def _refuse(table: Table, keys: Sequence[str], rules: Sequence[Rule], refused: list[list[float]]) -> list[Any]:
    blocked: list[list[float]] = []
    for number, _ in refused:
        rule = rules[int(number)]
        _hold(table, keys[rule.key], rule)
        if not (punishment := rule.punishment):
            continue
        strikes, cooling, _ = keys[punishment.keys : punishment.keys + 3]
        if punishment.cooldown and table.get(cooling) is None:
            table.put(cooling, 1, punishment.cooldown, hold=True)
        if punishment.after and _strikes(table, strikes, punishment) >= punishment.after:
            table.remove(strikes)
            blocked.append([punishment.block, _block(table, keys, punishment)])
    return ["limited", refused, blocked] if blocked else ["limited", refused]


def _hold(table: Table, key: str, rule: Rule) -> None:
    """One in breach must not be forgotten for somebody's fresh keys."""
    state = table.get(key)
    if state is not None:
        table.put(key, state, max(table.left(key), rule.window), hold=True)


def _strikes(table: Table, key: str, punishment: Punishment) -> int:
    state = table.get(key)
    if state is None:
        table.put(key, [1], punishment.within, hold=True)
        return 1
    state[0] += 1
    count: int = state[0]
    return count


def _block(table: Table, keys: Sequence[str], punishment: Punishment) -> float:
    offences = keys[punishment.keys + 2]
    before = table.get(offences) or 0
    seconds = min(punishment.longest, punishment.lasts * punishment.growing**before)
    table.put(keys[punishment.block], punishment.note.encode(), seconds, hold=True)
    table.put(offences, before + 1, 2 * seconds, hold=True)
    return seconds
