"""The policy's upstreams: where to send, how long it may take, how often it is tried."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic_core import CoreSchema, core_schema

from gateway.control.policy_parts import PartEntries
from gateway.parts import Config
from gateway.units import Duration

Count = Annotated[int, Field(ge=1)]
Status = Annotated[int, Field(ge=400, le=599)]

_SOCKET = re.compile(r"(?:http\+unix://|unix:)(/[^?#]+)")


def _upstream_url(url: str) -> str:
    if _SOCKET.fullmatch(url):
        return url
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("write http://host:port, https://host:port or unix:/path/of/socket")
    if parts.path not in ("", "/") or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("an upstream's url ends with its port: paths go on as they came, and no password stands here")
    if parts.port == 0:  # raises ValueError itself beyond 65535
        raise ValueError("no upstream listens on port 0")
    return url


Url = Annotated[
    str,
    AfterValidator(_upstream_url),
    Field(examples=["http://127.0.0.1:9000", "https://psp:443", "unix:/run/app.sock"]),
]


def socket_path(url: str) -> str | None:
    """The path of the socket that a ``unix:`` url names."""
    found = _SOCKET.fullmatch(url)
    return found and found[1]


class TimeoutsEntry(Config):
    """How long an upstream may take.  Each limit has its own problem code."""

    connect: Duration = 1.0
    """To accept a connection, TLS included."""

    first_byte: Duration = 8.0
    """From the request's last byte to the answer's first."""

    idle: Duration = 30.0
    """Between two pieces of an answer."""

    total: Duration = 10.0
    """All attempts together, to the answer's last byte; for a safe request whose answer streams, to its head."""


class PoolEntry(Config):
    """The connections that are kept to an upstream."""

    connections: Count = 100
    """The most at once."""

    waiting: Annotated[int, Field(ge=0)] = 1000
    """The most requests that wait for one."""

    wait: Duration = 1.0
    """How long each of them waits."""

    idle: Duration = 4.0
    """How long an unused one is kept: less than the upstream keeps it."""


class RetryEntry(Config):
    """How often a request that may be sent again is.  Whether it may is not the policy's to say."""

    attempts: Annotated[int, Field(ge=1, le=10)] = 1
    """The most, the first included.  A stale connection costs none of them."""

    backoff: Duration = 0.025
    """The pause before the second attempt is drawn from 0 to this, and doubles."""

    backoff_most: Duration = 1.0
    """The longest pause."""

    statuses: frozenset[Status] = frozenset()
    """Answers after which a request that may be sent again is."""

    budget: Annotated[float, Field(ge=0, le=1)] = 0.2
    """The share of requests that may be retried, so that retries never become a storm."""


class IdempotentEntry(Config):
    """The upstream's own promise: it executes a key once."""

    window: Duration
    """For how long after a key's first arrival."""

    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")] = "idempotency-key"
    """The header that carries the key."""


class LookUpEntry(Config):
    """The upstream's own promise of what a look-up by our key tells."""

    linearizable: bool = False
    """Whether a look-up finds whatever was executed before it began: no replica that lags, no index that is late."""

    never_executes_after: Duration | None = None
    """How long after it arrived, at the latest, the upstream begins to execute a request.  Only with this, and where
    look-ups are linearizable, does absence mean that a payment was never executed."""


class TlsEntry(Config):
    """Whom an ``https`` upstream must prove to be, and who the gateway is to it."""

    ca_file: Path | None = None
    """Authorities in PEM, instead of the system's."""

    certificate: Path | None = None
    """The gateway's certificate, in PEM."""

    key: Path | None = None
    """Its private key, in PEM."""

    @model_validator(mode="after")
    def _whole_pair(self) -> Self:
        if (self.certificate is None) != (self.key is None):
            raise ValueError("certificate and key are given together")
        return self


class _OrFalse:
    """``false`` in the place of options says that there are none."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(
            lambda given: None if given is False else given, handler(source)
        )

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        choices = handler(schema)["anyOf"]
        return {"anyOf": [{"const": False} if each == {"type": "null"} else each for each in choices]}


class UpstreamEntry(Config):
    """One place to send to.  It alone makes attempts, and alone decides whether one may be made again."""

    url: Url
    """`http://host:port`, `https://host:port` or `unix:/path/of/socket`."""

    timeouts: TimeoutsEntry = TimeoutsEntry()
    """How long it may take."""

    pool: PoolEntry = PoolEntry()
    """The connections that are kept to it."""

    retry: RetryEntry = RetryEntry()
    """How often a request that may be sent again is."""

    idempotent: Annotated[IdempotentEntry | None, _OrFalse()] = None
    """Whether the upstream executes an idempotency key once; only then is what may have arrived sent again."""

    look_up: LookUpEntry = LookUpEntry()
    """What a resolver's look-ups on it tell; recovery calls a payment failed for being absent only by this."""

    tls: TlsEntry | None = None
    """For an `https` url."""

    host: Literal["preserve", "rewrite"] = "preserve"
    """Whether the upstream sees the client's Host header or its own."""

    guards: PartEntries = ()
    """What stands before each attempt, in this order."""

    @model_validator(mode="after")
    def _tls_where_it_is_used(self) -> Self:
        if self.tls is not None and not self.url.startswith("https:"):
            raise ValueError("tls is for an https url")
        return self
