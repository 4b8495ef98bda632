"""A message's body: whole, or streaming with back-pressure."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from gateway.errors import BodyTooLarge


class Body:
    """Either whole (``data`` holds it) or streaming (``data`` is None, and ``chunks`` may be pulled, once).

    ``length`` is the size in bytes where it is known before the last chunk.
    """

    __slots__ = ("_prefix", "_source", "data", "length")

    def __init__(
        self, data: bytes | None = b"", *, source: AsyncGenerator[bytes, None] | None = None, length: int | None = None
    ) -> None:
        self._source = source
        self._prefix: tuple[bytes, ...] = ()
        self.data = data
        self.length: int | None
        if source is None:
            self.length = len(data or b"")
        else:
            self.data, self.length = None, length

    async def buffer(self, limit: int) -> bytes:
        """Make it whole.  BodyTooLarge beyond ``limit`` bytes; what was pulled so far can still be streamed."""
        if self.data is not None:
            if len(self.data) > limit:
                raise BodyTooLarge(f"The body has {len(self.data)} bytes; {limit} are taken here")
            return self.data
        if self.length is not None and self.length > limit:
            raise BodyTooLarge(f"The body has {self.length} bytes; {limit} are taken here")
        assert self._source is not None
        size = sum(map(len, self._prefix))
        if size > limit:  # an earlier reader had pulled that much
            raise BodyTooLarge(f"The body has more than the {limit} bytes that are taken here")
        pulled = list(self._prefix)
        try:
            async for chunk in self._source:
                pulled.append(chunk)
                size += len(chunk)
                if size > limit:
                    raise BodyTooLarge(f"The body has more than the {limit} bytes that are taken here")
        finally:
            self._prefix = tuple(pulled)
        self.data = b"".join(pulled)
        self.length = len(self.data)
        self._source, self._prefix = None, ()
        return self.data

    async def chunks(self) -> AsyncGenerator[bytes, None]:
        """The body piece by piece, as the receiver is ready for it."""
        if self.data is not None:
            if self.data:
                yield self.data
            return
        prefix, self._prefix = self._prefix, ()
        for chunk in prefix:
            yield chunk
        assert self._source is not None
        async for chunk in self._source:
            yield chunk

    def copy(self) -> Body:
        """A second body of the same bytes; of one that still streams, an empty one."""
        if self.data is not None:
            return Body(self.data)
        return Body(b"")
