"""Records as the ledger has them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

import pytest

from gateway import Record, State

NOTHING = dict.fromkeys((field.name for field in fields(Record)), None)


@pytest.fixture
def record() -> Callable[..., Record]:
    """Makes one, with nothing in it but what is said."""

    def make(**known: Any) -> Record:
        usual = {"id": "abc", "state": State.SUCCEEDED, "fingerprint": "1:aa", "history": (), "trail": {}}
        return Record(**(NOTHING | usual | known))

    return make
