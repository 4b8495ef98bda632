"""What people ask, read and checked."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.exceptions import HTTPException

from plugins.fraud.asked import Adding, Labelling, body_of, parameters_of

ENTRY = b'{"list": "block", "kind": "card", "value": "4242", "for": "30d", "reason": "stolen", "by": "ann"}'


def test_an_entry_is_read_with_its_time() -> None:
    assert body_of(Adding, ENTRY).for_ == 30 * 86400.0


@pytest.mark.parametrize("body", [b"{", b"[]", ENTRY.replace(b"30d", b"-1d"), ENTRY.replace(b"ann", b"ann bob")])
def test_what_is_none_is_refused_without_repeating_it(body: bytes) -> None:
    with pytest.raises(HTTPException) as refused:
        body_of(Adding, body)
    assert refused.value.status_code == 400
    assert "4242" not in refused.value.detail


def test_labels_come_at_least_one_at_a_time() -> None:
    with pytest.raises(HTTPException, match="labels"):
        body_of(Labelling, b'{"labels": [], "by": "ann"}')


@pytest.mark.parametrize(
    "items", [[("limit", "0")], [("limit", "501")], [("limit", "x")], [("a", "1")], [("b", "1")] * 2]
)
def test_parameters_are_known_and_given_once(items: Any) -> None:
    with pytest.raises(HTTPException):
        parameters_of(items, ("limit", "b"))
