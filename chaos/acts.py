"""Acts: what the upstream does with an arrival, by the fault that the plan has for it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from chaos.plan import Fault


class Executes(Enum):
    NOW = auto()
    LATER = auto()
    """After the payment's delay, whether or not anybody still waits."""
    PENDING = auto()
    """Taken, and done or declined after the payment's delay."""
    DECLINES = auto()
    NEVER = auto()
    """And it says so, where its answer comes whole."""


class Answers(Enum):
    WHOLE = auto()
    WHOLE_THEN_RESET = auto()
    HALF_THEN_RESET = auto()
    """Half of the answer's head."""
    TRUNCATED = auto()
    """A whole head, and less than the length that it announces."""
    CLOSE = auto()
    RESET = auto()
    HANG = auto()
    """Nothing, for as long as the other side waits."""
    DIES = auto()
    """The upstream kills itself."""


@dataclass(frozen=True, slots=True)
class Act:
    """``short`` is by how much less than asked is executed."""

    executes: Executes
    answers: Answers
    status: int = 201
    short: int = 0
    waits: bool = False


ACTS: dict[Fault, Act] = {
    Fault.NONE: Act(Executes.NOW, Answers.WHOLE),
    Fault.SLOW: Act(Executes.NOW, Answers.WHOLE, waits=True),
    Fault.HANG: Act(Executes.NEVER, Answers.HANG),
    Fault.HANG_AFTER_COMMIT: Act(Executes.NOW, Answers.HANG),
    Fault.RESET_BEFORE: Act(Executes.NEVER, Answers.RESET),
    Fault.RESET_WITHIN: Act(Executes.NOW, Answers.HALF_THEN_RESET),
    Fault.RESET_AFTER: Act(Executes.NOW, Answers.WHOLE_THEN_RESET),
    Fault.DROPPED: Act(Executes.NOW, Answers.CLOSE),
    Fault.ERROR_BEFORE: Act(Executes.NEVER, Answers.WHOLE, 500),
    Fault.ERROR_AFTER: Act(Executes.NOW, Answers.WHOLE, 500),
    Fault.BAD_GATEWAY_AFTER: Act(Executes.NOW, Answers.WHOLE, 502),
    Fault.TRUNCATED: Act(Executes.NOW, Answers.TRUNCATED),
    Fault.PENDING: Act(Executes.PENDING, Answers.WHOLE, 202),
    Fault.DECLINED: Act(Executes.DECLINES, Answers.WHOLE, 402),
    Fault.BUSY: Act(Executes.NEVER, Answers.WHOLE, 429),
    Fault.DELAYED: Act(Executes.LATER, Answers.HANG),
    Fault.KILLED_BEFORE: Act(Executes.NEVER, Answers.DIES),
    Fault.KILLED_AFTER: Act(Executes.NOW, Answers.DIES),
    Fault.OTHER_AMOUNT: Act(Executes.NOW, Answers.CLOSE, short=1),
}
