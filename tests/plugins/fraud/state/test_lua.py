"""The Lua of the updates has the numbers of the Python: what it does is compared in ``test_protocol``."""

from __future__ import annotations

from plugins.fraud import records, tallies
from plugins.fraud.state import lua


def test_lua_packs_what_python_unpacks() -> None:
    assert f"'{records.LAYOUT.format.replace('18d', 'd' * 18)}'" in lua.SEEN
    assert f"'{tallies.LAYOUT.format.replace('11d', 'd' * 11)}'" in lua.COUNTED


def test_marks_begin_where_the_numbers_end() -> None:
    assert f"string.sub(text, {records.LAYOUT.size + 1})" in lua.SEEN
    assert f"string.sub(text, {records.LAYOUT.size + 1})" in lua.ANSWERED
