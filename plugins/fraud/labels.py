"""Labels: what a payment turned out to be, and from when on that may count.  Pure, and in memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from .event import Event, Keys


class Label(NamedTuple):
    """What somebody says of a payment.  ``at``, in seconds since the epoch, is when it was said."""

    payment: str
    fraud: bool
    source: str
    at: float


class Count(NamedTuple):
    """What ``State.count`` is told."""

    keys: Keys
    at: float
    frauds: int
    payments: int


def count_of(keys: Keys, at: float, *, fraud: bool, was_fraud: bool, was_counted: bool) -> Count | None:
    """What a label, or the day on which a payment's label is due, adds to its keys' tallies; None where nothing.

    A payment is counted once, whether by a label or by its due day, and as a fraud at most once, also where the fraud
    is reported after the payment was counted as legitimate.  A fraud that is taken back counts as one fewer.
    """
    frauds = int(fraud) - int(was_fraud)
    payments = 0 if was_counted else 1
    return Count(keys, at, frauds, payments) if frauds or payments else None


class Maturity:
    """Payments that wait for their labels: one that has none when its label is due counts as legitimate.

    ``delay`` is in seconds.  At most ``entries`` wait; of more, the oldest count early.  Payments must come in the
    order of their time.
    """

    def __init__(self, delay: float, entries: int = 1_000_000) -> None:
        self.delay, self.entries = delay, entries
        self._waiting: dict[str, tuple[float, Keys]] = {}
        self._due: deque[str] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, event: Event) -> None:
        """A payment that was scored; one of the same id that waits already stays as it is."""
        if event.id not in self._waiting:
            self._waiting[event.id] = event.at + self.delay, event.keys
            self._due.append(event.id)

    def label(self, label: Label) -> Count | None:
        """What it adds now; None for a payment that does not wait, as after its first label.

        Of a payment that is legitimate, too, a label says so at once: nothing is left to wait for.
        """
        waiting = self._waiting.pop(label.payment, None)
        if waiting is None:
            return None
        return count_of(waiting[1], label.at, fraud=label.fraud, was_fraud=False, was_counted=False)

    def due(self, now: float) -> Iterator[Count]:
        """Those whose labels are due, as legitimate payments, each once."""
        while self._due:
            waiting = self._waiting.get(self._due[0])
            if waiting is not None and waiting[0] > now and len(self._waiting) <= self.entries:
                return
            self._waiting.pop(self._due.popleft(), None)
            if waiting is not None:
                yield Count(waiting[1], waiting[0], 0, 1)
