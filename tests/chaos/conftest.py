"""Payments and what became of them, made up."""

from __future__ import annotations

from chaos.plan import Fault, Kind, Payment


def payment(number: int = 7, kind: Kind = Kind.NAKED, fault: Fault = Fault.NONE, **changes: object) -> Payment:
    given = {"delay": 0.0, "owner": "ada", "key": f"1-{number}", "clicks": 1, "declines": False} | changes
    return Payment(number, kind, fault, **given)  # type: ignore[arg-type]
