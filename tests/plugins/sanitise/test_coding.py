from __future__ import annotations

import gzip
import zlib

import pytest

from plugins.sanitise.coding import unfold
from plugins.sanitise.problems import AmbiguousBody, BodyExpands, BodyNotTaken

BODY = b'{"amount": 4200}'


def unfolded(data: bytes, coding: str, *, most=1000, ratio=100) -> bytes:
    return unfold(data, coding, most=most, ratio=ratio)


@pytest.mark.parametrize(
    ("coding", "fold"), [("gzip", gzip.compress), ("X-GZIP ", gzip.compress), ("deflate", zlib.compress)]
)
def test_a_body_is_what_it_unfolds_to(coding, fold) -> None:
    assert unfolded(fold(BODY), coding) == BODY


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "gzip,deflate", ""])
def test_another_coding_or_two_are_not_taken(coding) -> None:
    with pytest.raises(BodyNotTaken) as refused:
        unfolded(gzip.compress(BODY), coding)

    assert (refused.value.status, refused.value.code) == (415, "body_not_taken")


@pytest.mark.parametrize(("size", "bounds"), [(1001, {}), (1000, {"ratio": 10})])
def test_what_unfolds_to_too_much_is_refused(size, bounds) -> None:
    with pytest.raises(BodyExpands) as refused:
        unfolded(gzip.compress(b"0" * size), "gzip", **bounds)

    assert (refused.value.status, refused.value.code) == (413, "body_expands")


def test_what_unfolds_to_what_is_taken_passes() -> None:
    assert unfolded(gzip.compress(b"0" * 1000), "gzip") == b"0" * 1000


@pytest.mark.parametrize(
    "data",
    [gzip.compress(BODY)[:-1], gzip.compress(BODY) + b"x", gzip.compress(BODY) * 2, b"plain", zlib.compress(BODY)],
    ids=["cut off", "garbage behind", "two members", "not folded", "another coding"],
)
def test_what_is_damaged_or_has_something_behind_it_is_refused(data) -> None:
    with pytest.raises(AmbiguousBody):
        unfolded(data, "gzip")
