from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway import Config, Duration, Size

FieldName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
Status = Annotated[int, Field(ge=200, le=599)]


class CacheConfig(Config):
    """Of the filter: what is kept on its route, for whom, and for how long."""

    partition: Literal["principal", "none"] = "principal"
    """Whose answers are kept apart.  `principal`: each caller gets only what the upstream answered that caller.
    `none`: what one was answered, all may get, as far as the answer itself allows."""

    keep_private: bool = False
    """Whether a principal's part is that principal's own cache: what is `private` is kept there too, and answers to
    requests with `Authorization` that do not say they may be.  Two tokens of one principal then get the same."""

    ttl: Duration | None = None
    """How long an answer is fresh that does not say so itself, and whose status may be kept without being told."""

    heuristic: bool = False
    """Whether such an answer is fresh for a tenth of the time since it was last modified, a day at most."""

    negative: dict[Status, Duration] = Field(default_factory=dict)
    """By status, how long an answer is fresh that does not say so itself, such as `404: 5s`."""

    longest: Duration = 86400.0
    """Nothing is kept longer than this, whatever it says."""

    largest: Size = 1 << 20
    """A longer body passes as it comes, and is not kept."""

    keep: Duration = 3600.0
    """How long an answer that can be validated is kept beyond its freshness, so as to ask only whether it changed."""

    stale_while_revalidate: Duration = 0.0
    """How long beyond its freshness an answer is given while it is asked after, where it does not say so itself."""

    stale_if_error: Duration = 0.0
    """How long beyond its freshness an answer is given while the upstream fails, where it does not say so itself."""

    ignore_query: list[str] = Field(default_factory=list)
    """Names of query parameters that make no difference; `utm_*` names all that begin so.  They are sent on."""

    request_directives: Literal["honour", "ignore"] = "honour"
    """Whether a client's `Cache-Control` and `Pragma` can make the gateway ask the upstream."""

    targeted: list[FieldName] = Field(default_factory=list)
    """Fields that are for this cache (RFC 9213), such as `CDN-Cache-Control`: the first that an answer has stands for
    its `Cache-Control` and `Expires`."""

    coalesce: bool = True
    """Whether requests for the same that is not here wait for the first of them."""

    wait: Duration = 5.0
    """How long they do; then they go themselves."""

    status: bool = True
    """Whether answers say in `Cache-Status` (RFC 9211) what became of them."""

    @model_validator(mode="after")
    def _private_is_of_one(self) -> CacheConfig:
        if self.keep_private and self.partition == "none":
            raise ValueError("keep_private needs partition: principal, else what is one caller's reaches all")
        return self


class MemoryConfig(Config):
    bytes: Annotated[Size, Field(ge=1 << 16)] = 32 << 20
    """What entries may take, about."""

    entries: Annotated[int, Field(ge=1)] = 10_000


class TiersConfig(Config):
    """Of the component: where entries lie, for all routes of the process."""

    memory: MemoryConfig = Field(default_factory=MemoryConfig)
