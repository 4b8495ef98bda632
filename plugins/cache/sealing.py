"""Sealing: what goes to Redis as bytes, compressed where that pays and sealed where there is a key."""

from __future__ import annotations

import zlib

from gateway import FieldCipher, Unreadable

MAGIC = b"PGT1"
_COMPRESSED, _SEALED = 1, 2
_LEVEL = 1


class Unusable(ValueError):
    """What lies there is not what was put, or is under a key that is not here.  The text is for people."""


class Sealing:
    """``cipher`` None: nothing is sealed, and what is sealed cannot be opened.

    What is put is bound to its name: under another it does not open.  ``most`` is the size beyond which nothing is
    unpacked, whatever it claims to be.
    """

    def __init__(self, cipher: FieldCipher | None, compress_over: int, most: int) -> None:
        self._cipher = cipher
        self._compress_over = compress_over
        self._most = most

    def pack(self, name: str, data: bytes) -> bytes:
        flags = 0
        if len(data) > self._compress_over and len(packed := zlib.compress(data, _LEVEL)) < len(data):
            data, flags = packed, _COMPRESSED
        if self._cipher is not None:
            data, flags = self._cipher.seal_bytes(name, bytes([flags]) + data), flags | _SEALED
        return MAGIC + bytes([flags]) + data

    def unpack(self, name: str, packed: bytes) -> bytes:
        """What ``pack`` was given; Unusable where it is anything else."""
        if packed[: len(MAGIC)] != MAGIC or len(packed) <= len(MAGIC):
            raise Unusable("it is none of ours, or of another version")
        flags, data = packed[len(MAGIC)], packed[len(MAGIC) + 1 :]
        if bool(flags & _SEALED) is not (self._cipher is not None):  # else who can write there could leave out the seal
            raise Unusable("it is sealed, and there is no key" if flags & _SEALED else "it is not sealed, and is to be")
        if self._cipher is not None:
            flags, data = self._opened(self._cipher, name, data)
        return self._inflated(data) if flags & _COMPRESSED else data

    def _opened(self, cipher: FieldCipher, name: str, sealed: bytes) -> tuple[int, bytes]:
        try:
            opened = cipher.open_bytes(name, sealed)
        except Unreadable as error:
            raise Unusable(str(error)) from None
        return opened[0], opened[1:]

    def _inflated(self, data: bytes) -> bytes:
        inflating = zlib.decompressobj()
        try:
            whole = inflating.decompress(data, self._most)
        except zlib.error:
            raise Unusable("it cannot be decompressed") from None
        if not inflating.eof:
            raise Unusable("it is cut short, or larger than what may be kept")
        return whole
