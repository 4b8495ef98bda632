"""Keeping: from an answer and its terms to an entry, and what is done where requests select among several."""

from __future__ import annotations

from dataclasses import dataclass
from secrets import token_hex

from gateway import BEGINNINGS, Pieces

from .component import Cache
from .dates import text
from .entry import Entry
from .fields import Fields, kept
from .freshness import Terms, born
from .keys import Asked, variant_key
from .options import CacheConfig

_DATE = BEGINNINGS[b"date"]


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer that may be kept, on its terms; when it was asked for, and when it came."""

    status: int
    pieces: Pieces
    fields: Fields
    """The same as ``pieces``, by name."""

    body: bytes
    terms: Terms
    requested: float
    received: float


def entry_of(asked: Asked, answered: Answered, config: CacheConfig) -> Entry:
    """It, under the key of the request."""
    terms, requested, received = answered.terms, answered.requested, answered.received
    fields = answered.fields
    begun = born(fields, requested, received)
    stored = dated(kept(answered.pieces), received)
    validators = fields.get(b"etag"), fields.get(b"last-modified")
    beyond = max(terms.stale_while_revalidate, terms.stale_if_error, config.keep if any(validators) else 0.0)
    until = min(begun + terms.lifetime + beyond, received + config.longest)
    return Entry(
        *(asked.key, asked.uri, asked.partition, answered.status, stored, answered.body),
        *(requested, begun, terms.lifetime, until),
        vary=vary_of(fields),
        validate=terms.validate,
        strict=terms.strict,
        stale_while_revalidate=terms.stale_while_revalidate,
        stale_if_error=terms.stale_if_error,
        etag=validators[0][0] if validators[0] else None,
        last_modified=validators[1][0] if validators[1] else None,
    )


def dated(pieces: Pieces, received: float) -> Pieces:
    """With the time at which it came, where it does not say when it was made (RFC 9110 §6.6.1)."""
    return pieces if _DATE in pieces else [*pieces, _DATE, text(received)]


def vary_of(fields: Fields) -> tuple[bytes, ...]:
    """The fields of a request that select among answers, in one order."""
    if b"vary" not in fields:
        return ()
    names = {name.strip().lower() for value in fields[b"vary"] for name in value.split(b",")}
    return tuple(sorted(names - {b""}))


async def keep(cache: Cache, entry: Entry, asked: Asked, longest: float) -> bool:
    """Put it where a request like this one finds it; whether it is kept."""
    marker = cache.memory.get(asked.key)  # where one lay below, the look for an answer has brought it here
    if marker is None and entry.vary:
        marker = await cache.find_below(asked.key)
    if marker is not None and marker.status:
        marker = None
    if entry.vary or marker is not None:
        marker = await _marker(cache, entry, marker, longest)
        entry.vary, entry.generation = marker.vary, marker.generation
        entry.key = variant_key(marker, asked.pieces)
    return await cache.put(entry)


async def _marker(cache: Cache, entry: Entry, known: Entry | None, longest: float) -> Entry:
    """What says by which fields the variants are told apart.

    By all that any of them named: then none is given to a request that another answer would have been for.  Where a
    name is new, variants that were kept without it are left behind with their generation.
    """
    vary = entry.vary if known is None else tuple(sorted({*known.vary, *entry.vary}))
    until = entry.requested + longest
    if known is not None and known.vary == vary and known.kept_until >= entry.kept_until:
        return known
    same = known is not None and known.vary == vary
    generation = known.generation if known is not None and same else token_hex(8)
    made = Entry(
        *(entry.key, entry.uri, entry.partition, 0, [], b"", entry.requested, entry.born, longest, until),
        vary=vary,
        generation=generation,
        tags=entry.tags,
        route=entry.route,
    )
    await cache.put(made)
    return made
