"""An entry: one answer as it is kept, with what its freshness was read to be."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import Any

import orjson

from gateway import Pieces

MAGIC = b"PGC1"
_HEAD = struct.Struct(">4sII")
"""The magic, the checksum of all that follows, the length of the description; then that, then the body."""


class CorruptEntry(ValueError):
    """What was kept is not what was put, or is of another version."""


@dataclass(slots=True)
class Entry:
    """One answer under one key, or what names the variants that are kept beside it.

    Times are seconds since the epoch.  An entry whose ``status`` is 0 is no answer: it says by which fields of a
    request its variants are told apart (``vary``), and under which ``generation`` they lie; without it none is found.
    """

    key: str
    """That under which it lies: a tier that answers with another's finds nothing."""

    uri: str
    """The target it answers for, as ``http://host/path?query``, in whatever partition and variant."""

    partition: str
    """The digest of the principal whose it is; empty where it is everybody's."""

    status: int
    pieces: Pieces
    """Its header fields as they go out, without ``Age`` and without what frames the body."""

    body: bytes
    requested: float
    """When the request was sent that it answers."""

    born: float
    """When its age was 0: before it was received, where other caches had kept it."""

    lifetime: float
    """Seconds of age until which it is fresh."""

    kept_until: float
    """When no tier needs it any more: neither fresh, nor served stale, nor to be validated."""

    vary: tuple[bytes, ...] = ()
    generation: str = ""
    validate: bool = False
    """Whether it is never used without asking (``no-cache``)."""

    strict: bool = False
    """Whether it is never used stale (``must-revalidate`` and the like)."""

    stale_while_revalidate: float = 0.0
    stale_if_error: float = 0.0
    etag: bytes | None = None
    last_modified: bytes | None = None
    tags: tuple[str, ...] = ()
    route: str = ""
    hits: int = field(default=0, compare=False)
    """How often this copy answered; it is not kept with it."""

    @property
    def size(self) -> int:
        """Bytes that it takes in memory, about: its body, its fields, its names, and what Python needs around them."""
        names = len(self.key) + 2 * len(self.uri)  # its path is a name by which it is found
        return len(self.body) + sum(map(len, self.pieces)) + 48 * len(self.pieces) + names + 1024

    def age(self, now: float) -> float:
        return max(0.0, now - self.born)

    def encode(self) -> bytes:
        """All of it as bytes, with a checksum."""
        described = orjson.dumps(
            [
                *(self.key, self.uri, self.partition, self.status, _texts(self.pieces)),
                *(self.requested, self.born, self.lifetime, self.kept_until),
                *(_texts(self.vary), self.generation),
                *(self.validate, self.strict, self.stale_while_revalidate, self.stale_if_error),
                *(_text(self.etag), _text(self.last_modified), self.tags, self.route),
            ]
        )
        rest = len(described).to_bytes(4, "big") + described + self.body
        return MAGIC + zlib.crc32(rest).to_bytes(4, "big") + rest

    @classmethod
    def decode(cls, data: bytes) -> Entry:
        """What ``encode`` made.  CorruptEntry where it is anything else."""
        if len(data) < _HEAD.size:
            raise CorruptEntry("it is cut short")
        magic, checksum, length = _HEAD.unpack_from(data)
        if magic != MAGIC:
            raise CorruptEntry("it is no entry, or one of another version")
        if zlib.crc32(memoryview(data)[8:]) != checksum:
            raise CorruptEntry("its checksum is another")
        end = _HEAD.size + length
        try:
            return _described(orjson.loads(data[_HEAD.size : end]), data[end:])
        except (ValueError, TypeError) as error:
            raise CorruptEntry(f"its description cannot be read: {error}") from None


def _described(said: list[Any], body: bytes) -> Entry:
    key, uri, partition, status, pieces, requested, born, lifetime, kept_until, vary, generation, *rest = said
    validate, strict, while_revalidate, if_error, etag, last_modified, tags, route = rest
    return Entry(
        *(key, uri, partition, status, [each.encode("latin-1") for each in pieces], body),
        *(requested, born, lifetime, kept_until),
        vary=tuple(each.encode("latin-1") for each in vary),
        generation=generation,
        validate=validate,
        strict=strict,
        stale_while_revalidate=while_revalidate,
        stale_if_error=if_error,
        etag=_bytes(etag),
        last_modified=_bytes(last_modified),
        tags=tuple(tags),
        route=route,
    )


def _texts(values: Pieces | tuple[bytes, ...]) -> list[str]:
    return [each.decode("latin-1") for each in values]


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else text.encode("latin-1")
