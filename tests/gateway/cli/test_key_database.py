from __future__ import annotations

import pytest

from gateway.cli.key_database import give_up, status
from gateway.cli.policies import Refused


def test_a_database_that_cannot_be_reached_is_refused(monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "sqlite:////dev/null/payguard.db")
    for ask in (lambda: status(count=False), lambda: give_up("1")):
        with pytest.raises(Refused, match="cannot use the database"):
            ask()


def test_settings_that_are_wrong_are_refused(monkeypatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "mysql://nowhere")
    with pytest.raises(Refused, match="DATABASE_URL"):
        status(count=True)
