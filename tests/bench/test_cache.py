"""What bench.cache calls a hit never reaches the backend, and what it calls a miss always does."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from bench.cache import measure


def test_the_backend_is_asked_for_all_but_hits() -> None:
    with Path(os.devnull).open("wb") as null:
        rows, asked = asyncio.run(measure(1, 100, null.fileno()))
    assert {each.name: asked[each.name] for each in rows} == {
        "pass-through": 100,
        "hit": 0,
        "miss, kept": 100,
        "miss, not kept": 100,
    }
