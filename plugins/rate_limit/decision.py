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
    states: list[Any] = []
    for number, rule in enumerate(rules):
        key, window, rate, most, cost, _, punishment = rule
        state = get(keys[key])
        if window:
            state, wait = _windowed(state, rule, now)
        elif state is None:
            wait = 0.0
        else:
            passed = now - state[1]
            if passed < 0:  # the clock was set back: it goes on from there
                state[1], passed = now, 0.0
            used = state[0] - passed * rate
            over = used + cost - most
            wait = over / rate if over > NEARLY and over > SOON * rate else 0.0
        if punishment and punishment.cooldown and get(keys[punishment.keys + 1]) is not None:
            wait = max(wait, table.left(keys[punishment.keys + 1]), 1e-3)
        if wait > 0:
            refused.append([number, wait])
        states.append(state)
    if refused:
        return _refuse(table, keys, rules, refused)
    for rule, state in zip(rules, states, strict=True):
        if rule.takes:
            _take(table, keys[rule.key], rule, state, rule.cost)
    return None


def spend(table: Table, keys: Sequence[str], arguments: tuple[int, Sequence[Rule]]) -> None:
    """Take of each rule whether there is room or not.  A negative cost gives back."""
    for rule in arguments[1]:
        state = table.get(keys[rule.key])
        if rule.window:
            state, _ = _windowed(state, rule, table.now)
        _take(table, keys[rule.key], rule, state, rule.cost)


def _take(table: Table, key: str, rule: Rule, state: Any, cost: int) -> None:
    now = table.now
    if rule.window:
        state[1] = max(0, state[1] + cost)
        table.put(key, state, rule.window * (1 + 1 / PIECES))
        return
    if state is None:
        lasts = 2 * rule.most / rule.rate
        table.put(key, [max(0.0, float(cost)), now, now + lasts], lasts)
        return
    passed = now - state[1]
    used = state[0] - passed * rule.rate if passed > 0 else state[0]
    state[0] = used = max(0.0, (used if used > 0 else 0.0) + cost)
    state[1] = now
    if now + used / rule.rate > state[2]:
        lasts = used / rule.rate + rule.most / rule.rate
        state[2] = now + lasts
        table.extend(key, lasts)


def _windowed(state: list[int] | None, rule: Rule, now: float) -> tuple[list[int], float]:
    """``[number of the newest piece, taken in it, in the one before, …]`` as of now, and the seconds to wait."""
    piece = rule.window / PIECES
    newest = int(now / piece)
    counts = [0] * (PIECES + 1) if state is None else state[1:]
    ahead = 0 if state is None else newest - state[0]
    if state is not None and ahead < 0:  # the clock was set back: what was counted is as new as now
        state[0] = newest
    if ahead > 0:
        counts = ([0] * min(ahead, PIECES + 1) + counts)[: PIECES + 1]
    over = sum(counts) + rule.cost - rule.most
    wait = 0.0
    if over > 0:
        for age in range(PIECES, -1, -1):
            over -= counts[age]
            if over <= 0:
                wait = (newest + PIECES + 1 - age) * piece - now
                break
    return [newest, *counts], wait


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
