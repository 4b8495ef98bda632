"""Content codings: a body is looked into as its reader will unfold it, within bounds."""

from __future__ import annotations

import zlib

from .problems import AmbiguousBody, BodyExpands, BodyNotTaken

_WINDOWS = {"gzip": 31, "x-gzip": 31, "deflate": 15}
"""What zlib is told to expect (RFC 9110 §8.4.1: ``deflate`` is the zlib format)."""


def unfold(data: bytes, coding: str, *, most: int, ratio: int) -> bytes:
    """``data`` without its coding.

    415 ``body_not_taken`` for a coding that is not known here, 413 ``body_expands`` beyond ``most`` bytes or ``ratio``
    times what came, 400 ``ambiguous_body`` for what is damaged or stands behind the end.
    """
    window = _WINDOWS.get(coding.strip().lower())
    if window is None:
        raise BodyNotTaken("A body is taken as it is, or in one content coding: gzip or deflate")
    limit = min(most, ratio * len(data))
    unfolding = zlib.decompressobj(window)
    try:
        unfolded = unfolding.decompress(data, limit + 1)
    except zlib.error:
        raise AmbiguousBody("The body is not in the content coding that it says") from None
    if len(unfolded) > limit:
        raise BodyExpands(f"The body unfolds to more than the {limit} bytes that are taken here")
    if not unfolding.eof or unfolding.unused_data:
        raise AmbiguousBody("The body is cut off, or something stands behind its end")
    return unfolded
