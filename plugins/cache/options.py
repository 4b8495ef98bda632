from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from gateway import Config, Duration, SecretRef, Size

FieldName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
Status = Annotated[int, Field(ge=200, le=599)]


_BLANK = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


class TagsConfig(Config):
    header: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")] | None = None
    """A field of the answer that names some, separated by spaces or commas, such as `surrogate-key`."""

    templates: list[str] = Field(default_factory=list, max_length=20)
    """Tags with blanks: parameters of the route, or pointers into the answer's JSON, such as `customer-{/customer}`."""


class RefreshConfig(Config):
    after: Annotated[int, Field(ge=1)] = 3
    """How many hits make it hot."""

    from_: Annotated[float, Field(alias="from", gt=0, lt=1)] = 0.8
    """The part of its freshness after which it is asked after."""

    at_once: Annotated[int, Field(ge=1, le=100)] = 10
    """How many are under way together, in the process."""


class WarmConfig(Config):
    """Targets to ask for, each for each principal."""

    path: Annotated[str, Field(pattern=r"^/")]
    """Such as `/v1/invoices/{id}`, with a query or without."""

    host: Annotated[str, Field(min_length=1)]
    """As clients write it, with its port: an answer is kept for the host that was asked."""

    values: dict[str, list[str] | Annotated[str, Field(pattern=r"^file:/")]] = Field(default_factory=dict)
    """For each blank of the path, what stands there: a list, or a file with one in each line."""

    principals: list[str] | Annotated[str, Field(pattern=r"^file:/")] = Field(default_factory=list)
    """Whose answers they are: a list, or a file with one in each line."""

    headers: dict[str, str] = Field(default_factory=dict)
    """What else a client would send, such as `accept`; `{principal}` stands for whose it is, as in
    `x-user-id: "{principal}"`, since the filters above the cache do not run."""

    every: Annotated[Duration, Field(ge=1)] = 600.0
    """How long after the end of one run the next begins; the first is at start."""

    rate: Annotated[float, Field(gt=0, le=1000)] = 20.0
    """Requests a second, at most."""

    most: Annotated[int, Field(ge=1, le=100_000)] = 1000
    """What lies beyond so many targets is left out, and said."""

    @model_validator(mode="after")
    def _fills_its_blanks(self) -> WarmConfig:
        blanks = set(_BLANK.findall(self.path))
        if blanks != self.values.keys():
            raise ValueError(f"values fill the blanks of the path, which are {', '.join(sorted(blanks)) or 'none'}")
        return self


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

    tags: TagsConfig | None = None
    """By what words an answer can be purged together with others."""

    refresh_ahead: RefreshConfig | None = None
    """Whether what is asked for often is asked after before it is stale."""

    warm: list[WarmConfig] = Field(default_factory=list)
    """What is asked for before anybody does: at start, and again and again."""

    @model_validator(mode="after")
    def _warms_whom(self) -> CacheConfig:
        for each in self.warm:
            if bool(each.principals) is not (self.partition == "principal"):
                needs = "needs principals: whose answers they are" if not each.principals else "has no principals"
                raise ValueError(f"warm with partition: {self.partition} {needs}")
        return self

    @model_validator(mode="after")
    def _private_is_of_one(self) -> CacheConfig:
        if self.keep_private and self.partition == "none":
            raise ValueError("keep_private needs partition: principal, else what is one caller's reaches all")
        return self


class RedisConfig(Config):
    url: SecretRef = "env:REDIS_URL"
    """Of a single Redis, or of sentinels, as REDIS_URL is written; not of a cluster."""

    timeout: Annotated[Duration, Field(ge=0.001, le=1)] = 0.03
    """How long an answer of it is waited for; after one that is late it is left alone until it answers again."""

    encrypt: Literal["with_key", "always"] = "with_key"
    """Whether values are sealed: where there is an ENCRYPTION_KEY, or else not at all."""

    compress_over: Size = 1 << 10
    """From how many bytes a value is compressed."""

    largest: Annotated[Size, Field(ge=1 << 10, le=64 << 20)] = 1 << 20
    """A longer value is kept in memory alone."""

    longest: Annotated[Duration, Field(ge=1)] = 86400.0
    """Nothing lies there for longer."""

    coalesce: Duration = 0.0
    """How long requests wait for one that another replica has under way for the same; 0 does not."""


class MemoryConfig(Config):
    bytes: Annotated[Size, Field(ge=1 << 16)] = 32 << 20
    """What entries may take, about."""

    entries: Annotated[int, Field(ge=0)] = 10_000
    """How many; 0 keeps none there."""


class TiersConfig(Config):
    """Of the component: where entries lie, for all routes of the process."""

    memory: MemoryConfig = Field(default_factory=MemoryConfig)

    redis: RedisConfig | None = None
    """A second tier that replicas share."""
