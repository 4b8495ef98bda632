from __future__ import annotations

import zlib

import pytest

from gateway import FieldCipher
from plugins.cache.sealing import MAGIC, Sealing, Unusable
from tests.plugins.cache.replicas import keyring


def sealing(key: str | None = None, most: int = 1000) -> Sealing:
    return Sealing(None if key is None else FieldCipher(keyring(key), "shop", "cache.tier"), 100, most)


@pytest.mark.parametrize("key", [None, "k1"])
@pytest.mark.parametrize("data", [b"", b"short", b"long " * 100])
def test_what_is_packed_is_unpacked_as_it_was_under_its_own_name_alone(key, data) -> None:
    packed = sealing(key).pack("a", data)
    assert sealing(key).unpack("a", packed) == data
    if key is not None:
        with pytest.raises(Unusable, match="belongs elsewhere"):
            sealing(key).unpack("b", packed)


def test_only_what_is_long_is_compressed_and_only_where_that_helps() -> None:
    assert len(sealing().pack("a", b"a" * 1000)) < 100
    assert sealing().pack("a", b"a" * 100) == MAGIC + b"\0" + b"a" * 100
    random = bytes(range(200))
    assert sealing().pack("a", random) == MAGIC + b"\0" + random


@pytest.mark.parametrize(
    ("key", "packed", "why"),
    [
        (None, b"", "none of ours"),
        (None, b"PGT0\0abc", "none of ours"),
        (None, MAGIC + b"\1abc", "cannot be decompressed"),
        (None, MAGIC + b"\1" + zlib.compress(b"a" * 10_000), "larger than what may be kept"),
        (None, MAGIC + b"\1" + zlib.compress(b"a" * 500)[:-6], "cut short"),
        (None, sealing("k1").pack("a", b"b"), "there is no key"),
        ("k1", MAGIC + b"\0clear", "it is not sealed, and is to be"),
        ("k1", sealing("k2").pack("a", b"b"), "which this gateway does not have"),
        ("k1", sealing("k1").pack("a", b"b")[:-1] + b"?", "it was changed"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_anything_else_is_unusable_and_says_why(key, packed, why) -> None:
    with pytest.raises(Unusable, match=why):
        sealing(key).unpack("a", packed)
