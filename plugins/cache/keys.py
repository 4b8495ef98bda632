"""Keys: under what an answer lies, and what a request asks of a cache."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import lru_cache
from hashlib import blake2b
from urllib.parse import quote, unquote_plus

from gateway import BEGINNINGS, Exchange, Pieces, Principal, Request

from .directives import NONE, Directives, directives
from .entry import Entry
from .fields import selecting, value_in, values_in
from .options import CacheConfig

PURPOSE = "cache.partition"
"""The purpose under which principals are hashed: no tier holds a name."""

KNOWN = 10_000
"""Principals whose digest is remembered."""

_HOST, _FORWARDED_HOST, _PROTO = (BEGINNINGS[name] for name in (b"host", b"x-forwarded-host", b"x-forwarded-proto"))
_CONTROL, _PRAGMA = BEGINNINGS[b"cache-control"], BEGINNINGS[b"pragma"]
_CONDITIONS = frozenset(
    BEGINNINGS[name] for name in (b"if-none-match", b"if-modified-since", b"if-match", b"if-unmodified-since")
)
_NOT_ANSWERED = frozenset(BEGINNINGS[name] for name in (b"range", b"if-range", b"if-match", b"if-unmodified-since"))
_SPECIAL = frozenset({_CONTROL, _PRAGMA, *_CONDITIONS, *_NOT_ANSWERED})


class Asked:
    """What a request asks for: its key, the target without what makes no difference, its directives.

    ``conditional``: it asks whether what it has changed.  ``passes``: nothing that is kept can answer it.
    """

    __slots__ = ("below", "conditional", "directives", "key", "partition", "passes", "pieces")

    def __init__(self, key: str, partition: str, pieces: Pieces) -> None:
        self.key = key
        self.partition = partition
        self.pieces = pieces
        self.directives: Directives = NONE
        self.below = False
        """Whether it was looked for below the memory."""
        self.conditional = False
        self.passes = False

    @property
    def uri(self) -> str:
        """The target: a key ends with it, and neither a route nor a digest holds what begins it."""
        return self.key.split(" ", 2)[2]


class Keys:
    """Makes the keys of one route."""

    def __init__(self, route: str, config: CacheConfig, hashed: Callable[[str, str], str]) -> None:
        self._route = quote(route, safe="")
        self._partitioned = config.partition == "principal"
        self._honours = config.request_directives == "honour"
        self._ignored = frozenset(name for name in config.ignore_query if not name.endswith("*"))
        self._ignored_beginnings = tuple(name[:-1] for name in config.ignore_query if name.endswith("*"))
        self._ignores = bool(config.ignore_query)
        self._hashed = hashed
        self._digests: OrderedDict[str, str] = OrderedDict()

    def key(self, exchange: Exchange, pieces: Pieces) -> str:
        """Under which an answer to it lies, where no variants do; ``pieces`` are the request's fields."""
        partition = self.digest(exchange.require(Principal).id) if self._partitioned else ""
        return f"{self._route} {partition} {self.uri(exchange.request, pieces)}"

    def asked(self, key: str, pieces: Pieces) -> Asked:
        asked = Asked(key, key.split(" ", 2)[1], pieces)
        if not is_plain(pieces):
            asked.conditional = not _CONDITIONS.isdisjoint(pieces)
            asked.passes = not _NOT_ANSWERED.isdisjoint(pieces)
            if self._honours:
                asked.directives = _directives(pieces)
        return asked

    def uri(self, request: Request, pieces: Pieces) -> str:
        """The target as the upstream is told it, without the parameters that make no difference."""
        query = self._without_ignored(request.query) if self._ignores and request.query else request.query
        return f"{_origin_of(pieces)}{request.path}?{query}" if query else f"{_origin_of(pieces)}{request.path}"

    def digest(self, principal: str) -> str:
        """What stands for a principal in keys."""
        if (known := self._digests.get(principal)) is not None:
            return known
        if len(self._digests) >= KNOWN:
            self._digests.popitem(last=False)
        made = self._digests[principal] = self._hashed(PURPOSE, principal)
        return made

    def _without_ignored(self, query: str) -> str:
        return "&".join(each for each in query.split("&") if not self._is_ignored(each))

    def _is_ignored(self, parameter: str) -> bool:
        name = unquote_plus(parameter.partition("=")[0])
        return name in self._ignored or (bool(self._ignored_beginnings) and name.startswith(self._ignored_beginnings))


def is_plain(pieces: Pieces) -> bool:
    """Whether a request has no word for caches: what is kept and fresh answers it."""
    return _SPECIAL.isdisjoint(pieces[::2])


def _origin_of(pieces: Pieces) -> str:
    """Where the gateway has written it, nobody need look for it."""
    if len(pieces) >= 8 and pieces[-6] == _FORWARDED_HOST and pieces[-8] == _PROTO:
        return _origin(pieces[-7], pieces[-5])
    host = value_in(pieces, _FORWARDED_HOST) or value_in(pieces, _HOST) or b""
    return _origin(value_in(pieces, _PROTO) or b"http", host)


@lru_cache(1000)
def _origin(scheme: bytes, host: bytes) -> str:
    return f"{scheme.decode('latin-1')}://{host.decode('latin-1').lower()}"


def _directives(pieces: Pieces) -> Directives:
    """Of the request; ``Pragma: no-cache`` counts where it has no Cache-Control (RFC 9111 §5.4)."""
    said = directives(values_in(pieces, _CONTROL))
    if not said and _PRAGMA in pieces and "no-cache" in directives(values_in(pieces, _PRAGMA)):
        return {"no-cache": None}
    return said


def variant_key(marker: Entry, pieces: Pieces) -> str:
    """Where the variant lies that a request with these fields gets."""
    said = b"\n".join(b"-" if each is None else b"=" + each for each in selecting(pieces, marker.vary))
    return f"{marker.key} {marker.generation} {blake2b(said, digest_size=16).hexdigest()}"
