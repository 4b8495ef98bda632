"""Faults on demand: slow, failing and lost answers, before or after the payment happened."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from examples.stripe.idempotency import Answer, error

RETRY = {409: "true", 429: "true", 500: "false", 502: "true", 503: "true", 504: "true"}


class Fault(BaseModel):
    """What goes wrong with the next requests that match.

    ``delay`` alone is a slow answer.  ``status`` answers instead of executing; ``drop`` cuts the connection.  With
    ``commit`` the request is executed first: what happened has happened, and only the answer is wrong or lost.
    """

    model_config = ConfigDict(extra="forbid")

    method: str = "POST"
    path: str = "/v1/payment_intents"
    """The start of the paths that match."""
    times: int = Field(default=1, ge=1)
    delay: float = Field(default=0, ge=0)
    status: int | None = Field(default=None, ge=400, le=599)
    drop: bool = False
    commit: bool = False

    def answer(self) -> Answer:
        assert self.status is not None
        refusal = error(self.status, f"A fault was asked for: {self.status}", type="api_error")
        return Answer(refusal.status, refusal.document, {"Stripe-Should-Retry": RETRY.get(self.status, "false")})


class Faults:
    """The faults that still wait for their request, oldest first."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []

    def add(self, fault: Fault) -> None:
        self._waiting.append(fault)

    def clear(self) -> None:
        self._waiting.clear()

    def take(self, method: str, path: str) -> Fault:
        """The fault for this request; one that does nothing where none waits for it."""
        for fault in self._waiting:
            if fault.method == method and path.startswith(fault.path):
                fault.times -= 1
                if not fault.times:
                    self._waiting.remove(fault)
                return fault
        return Fault()
