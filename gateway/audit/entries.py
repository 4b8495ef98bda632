"""Entries of the audit trail: how one is written, how each is chained to the one before, and what a seal says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, TypeAlias

import orjson

POLICY, ADDRESS = 16, 32
"""Hexadecimal digits of a policy's digest, and of an address's hash, that an entry holds: they tell one from another,
and each byte is written once more by each commit."""

LIMIT = 16_384
"""Bytes of an entry.  A detail that makes it longer is left out, and the entry says so."""

Kind: TypeAlias = Literal["seal", "end", "kept", "key"]
"""``end`` is a writer's last word: nothing follows.  ``kept``: what stands before was removed because it was old.
``key`` seals no chain: its ``hash`` is a public key of ours, which has sealed before."""


class Entry(NamedTuple):
    """One as it is kept.  ``text`` is canonical: what is hashed are its very bytes."""

    writer: str
    seq: int
    hash: str
    text: str


class Seal(NamedTuple):
    """That a writer's chain was at ``hash`` after its entry ``seq``; ``at`` is in seconds since the epoch.

    ``key`` is the public key of the Ed25519 ``signature`` (RFC 8032); hash, key and signature are hexadecimal.
    """

    writer: str
    seq: int
    kind: Kind
    hash: str
    at: float
    key: str
    signature: str

    def message(self) -> bytes:
        """What is signed."""
        return message(self.writer, self.seq, self.kind, self.hash, self.at)


def message(writer: str, seq: int, kind: Kind, hash: str, at: float) -> bytes:  # noqa: A002
    return b"payguard audit seal 1\n" + orjson.dumps([writer, seq, kind, hash, at])


def genesis(writer: str) -> str:
    """What the first entry of a writer says to be before it: no entry fits another writer's chain."""
    return digest(b"payguard audit chain 1\n" + writer.encode())


def digest(line: bytes) -> str:
    """The hash of an entry is that of its text, which names the hash of the entry before: that is the chain."""
    return hashlib.sha256(line).hexdigest()


def beginning(seq: int, previous: str) -> str:
    """How the text of the entry ``seq`` begins, where ``previous`` is the hash of the one before."""
    return f'{{"seq":{seq},"prev":"{previous}",'


def linked(seq: int, previous: str, said: bytes, *, at: float, ip: str | None, policy: str) -> bytes:
    """The text of an entry.  ``said`` is the JSON object of what it says; the others hold nothing to be escaped."""
    milliseconds = int(at * 1000)
    return b'%b"at":%d.%03d,"ip":%b,"policy":"%b",%b' % (
        beginning(seq, previous).encode(),
        milliseconds // 1000,
        milliseconds % 1000,
        b"null" if ip is None else b'"%b"' % ip.encode(),
        policy[:POLICY].encode(),
        said[1:],
    )


def written(document: Mapping[str, Any]) -> bytes:
    """What an entry says, as JSON.

    Of one that is too long, without its detail; of text that UTF-8 has no bytes for, with question marks.
    """
    try:
        line = orjson.dumps(document)
    except TypeError:
        line = orjson.dumps(_encodable(document))
    if len(line) > LIMIT:
        shown = {name: value[:200] if isinstance(value, str) else value for name, value in document.items()}
        line = orjson.dumps(_encodable({**shown, "detail": {"cut": len(line)}}))
    return line


def _encodable(value: Any) -> Any:
    """Halves of characters and whole numbers beyond 64 bits are written as JSON can hold them."""
    match value:
        case str():
            return value.encode("utf-8", "replace").decode()
        case Mapping():
            return {_encodable(str(name)): _encodable(each) for name, each in value.items()}
        case list() | tuple():
            return [_encodable(each) for each in value]
        case int() if not -(1 << 63) <= value < 1 << 64:
            return str(value)
    return value
