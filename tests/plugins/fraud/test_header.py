"""The signed header."""

from __future__ import annotations

import pytest

from plugins.fraud.header import signed, verified

KEY = b"a key that the backend has as well"
HEADER = signed(KEY, 67, "aipn", 1_764_212_400.9)


def test_what_was_signed_is_read() -> None:
    assert HEADER.startswith("score=67, decision=review, id=aipn, t=1764212400, v1=")
    assert verified(KEY, HEADER, 1_764_212_500.0) == {
        "score": "67",
        "decision": "review",
        "id": "aipn",
        "t": "1764212400",
    }


@pytest.mark.parametrize(
    "header",
    ["", "score=67", HEADER.replace("67", "07"), HEADER[:-1], HEADER + ", v1=0", HEADER.replace("aipn", "aipm")],
)
def test_what_was_changed_is_not(header: str) -> None:
    assert verified(KEY, header, 1_764_212_400.0) is None


def test_nor_what_is_old_or_signed_with_another_key() -> None:
    assert verified(KEY, HEADER, 1_764_212_400.0 + 301) is None
    assert verified(b"another", HEADER, 1_764_212_400.0) is None
