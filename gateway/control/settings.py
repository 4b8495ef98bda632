"""Settings: what the process is told by its environment and its command line.  All else is policy."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AliasGenerator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, InitSettingsSource, NoDecode, SettingsConfigDict

from gateway.database.opening import check_url, postgres_url, sqlite_url
from gateway.spelling import did_you_mean
from gateway.store.address import parse as parse_redis
from gateway.units import Duration, Size

BUILT_IN = (
    "principal",
    "rate_limit",
    "body_limit",
    "require_json",
    "sanitise",
    "egress",
    "tokenise",
    "encrypt",
    "hash",
    "fraud",
    "idempotency",
    "circuit_breaker",
    "concurrency",
    "status_url",
    "cache",
)
"""The plugins that are loaded where the settings name none."""

CLIENT_VARIABLES = frozenset({"PAYGUARD_ADMIN_URL", "PAYGUARD_ADMIN_TOKEN"})
"""Those of commands that speak to a running gateway; a gateway takes no notice of them."""

SHORTEST_TOKEN = 22
"""Characters: 128 bits in base64url.  `payguard keys generate --token` makes one of 256."""

_PREFIX = "PAYGUARD_"
_DATABASE = ("db_host", "db_port", "db_name", "db_user", "db_password")
"""Settings that say piece by piece what ``database_url`` says."""

_SHARED = frozenset(
    {"log_level", "monitoring_enabled", "encryption_key", "hash_salt", "database_url", "redis_url", *_DATABASE}
)
"""Settings whose variable has no prefix: other programs of the pod have them too."""

Port = Annotated[int, Field(ge=0, le=65535)]


def _variable(name: str) -> str:
    return name.upper() if name in _SHARED else _PREFIX + name.upper()


def _words(text: Any) -> Any:
    return tuple(filter(None, map(str.strip, text.split(",")))) if isinstance(text, str) else text


def _directories(text: Any) -> Any:
    return tuple(map(Path, filter(None, text.split(os.pathsep)))) if isinstance(text, str) else text


def _networks(text: Any) -> Any:
    words = _words(text)
    return tuple(ip_network(word) for word in words) if isinstance(words, tuple) else words


def _field_names(names: tuple[str, ...]) -> tuple[str, ...]:
    for name in names:
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
            raise ValueError(f"a field's name has letters, digits, - and _, unlike {name!r}")
    return names


def _unguessable(token: SecretStr) -> SecretStr:
    if len(token.get_secret_value()) < SHORTEST_TOKEN:
        raise ValueError(f"a token has at least {SHORTEST_TOKEN} characters")
    return token


def _database_url(url: SecretStr | None) -> SecretStr | None:
    if url is not None:
        check_url(url.get_secret_value())
    return url


def _redis_url(url: SecretStr | None) -> SecretStr | None:
    if url is not None:
        parse_redis(url.get_secret_value())
    return url


Token = Annotated[SecretStr, AfterValidator(_unguessable)]


class Settings(BaseSettings):
    """Every setting with its default.  ``PAYGUARD_PORT`` sets ``port``; ``load_settings`` says what is wrong."""

    model_config = SettingsConfigDict(
        alias_generator=AliasGenerator(validation_alias=_variable),
        case_sensitive=True,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        populate_by_name=True,
        use_attribute_docstrings=True,
        validate_default=False,  # a default duration is in seconds, a given one has its unit
    )

    host: str = "127.0.0.1"
    """The data port's address."""

    port: Port = 8080
    """The data port; 0 takes a free one."""

    admin_host: str = "127.0.0.1"
    """The admin port's address."""

    admin_port: Port = 9901
    """The admin port; 0 takes a free one."""

    admin_token_read: Token | None = None
    """What a peer that is not on loopback shows to read the admin API."""

    admin_token_operate: Token | None = None
    """What it shows to change something."""

    tls_certificate: Path | None = None
    """A certificate chain in PEM: the data port then speaks TLS."""

    tls_key: Path | None = None
    """The private key of the certificate, in PEM."""

    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)] = ()
    """Networks whose forwarded headers are believed, separated by commas.  Nobody else's are, not even loopback's."""

    plugins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)] = BUILT_IN
    """Entry points of the plugins to load, separated by commas."""

    plugin_dirs: Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_directories)] = ()
    """Directories that plugins are dropped into, separated as PATH is."""

    data_dir: Path = Path("payguard-data")
    """Where the gateway keeps what must survive it."""

    encryption_key: SecretStr | None = None
    """Hex of 32 bytes, ``id:hex,…`` or ``file:/path``: the first encrypts, all decrypt.  Unset, no bodies are kept."""

    hash_salt: SecretStr | None = None
    """Hex of 16 bytes or more, ``id:hex,…`` or ``file:/path``.  Unset, one is made and kept in the data folder."""

    key_delay: Duration = 180.0
    """How long PostgreSQL has known a new key or salt before it is used, so that by then every gateway has it."""

    database_url: Annotated[SecretStr | None, AfterValidator(_database_url)] = None
    """Where payments are recorded: `postgresql://…`, or `sqlite:///path`.  Unset, `payguard.db` in the data folder."""

    db_host: str | None = None
    """The PostgreSQL server, instead of `DATABASE_URL`."""

    db_port: Port = 5432
    """Its port."""

    db_name: str | None = None
    """The database there."""

    db_user: str | None = None
    """The role that the gateway has there."""

    db_password: SecretStr | None = None
    """Its password."""

    redis_url: Annotated[SecretStr | None, AfterValidator(_redis_url)] = None
    """The Redis that replicas share their limits by.  Unset, each gateway counts for itself."""

    redis_timeout: Annotated[Duration, Field(ge=0.001, le=1)] = 0.010
    """How long it may take to answer, before what can be decided without it is."""

    ledger_migrate: Literal["auto", "manual"] = "auto"
    """Who brings the database's schema up to date: the gateway as it starts, or by hand `payguard ledger migrate`."""

    reload_interval: Annotated[Duration, Field(ge=0.001)] = 1.0
    """How often the policy file is looked at for changes."""

    drain_delay: Duration = 5.0
    """How long a draining gateway still takes connections, while whoever sends to it learns of it."""

    drain_deadline: Duration = 30.0
    """How long requests in flight may then take."""

    client_header_timeout: Duration = 10.0
    """How long a client may take to send a request's headers."""

    client_body_timeout: Duration = 15.0
    """How long a body may take before its average rate counts."""

    client_write_timeout: Duration = 30.0
    """How long a client may leave an answer unread."""

    client_keep_alive: Duration = 75.0
    """How long an idle connection of a client is kept."""

    client_header_bytes: Size = 32 << 10
    """The most that all headers of a request may take."""

    client_target_bytes: Size = 8 << 10
    """The most that a request's target may take."""

    client_header_count: Annotated[int, Field(ge=1)] = 100
    """The most headers of a request."""

    client_connections: Annotated[int, Field(ge=1)] = 10_000
    """The most connections of clients at once."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least that is logged."""

    monitoring_enabled: bool = True
    """False: no exporters and no alerts.  Probes stay."""

    mask_fields: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words), AfterValidator(_field_names)] = ()
    """Names of fields whose values are masked in every output, beside the usual ones, separated by commas."""

    spared_fields: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words), AfterValidator(_field_names)] = ()
    """Names of fields whose numbers, such as an order's of 16 digits, are never a card's, separated by commas."""

    log_query: bool = False
    """True: the log line of a request has its query, masked."""

    trace_sample: Annotated[float, Field(ge=0, le=1)] = 0.01
    """The share of traces begun here that is sampled.  A trace that is continued keeps its caller's choice."""

    otlp_endpoint: str | None = Field(None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    """Where spans are sent."""

    @model_validator(mode="before")
    @classmethod
    def _any_case(cls, given: dict[str, Any]) -> dict[str, Any]:
        return {name: value.lower() if name in ("LOG_LEVEL", "log_level") else value for name, value in given.items()}

    @model_validator(mode="after")
    def _whole_pairs(self) -> Self:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("PAYGUARD_TLS_CERTIFICATE and PAYGUARD_TLS_KEY are given together or not at all")
        pieces = self.db_host and self.db_name and self.db_user
        if self.database_url is None and self.model_fields_set & {*_DATABASE} and not pieces:
            raise ValueError("DB_HOST, DB_NAME and DB_USER are given together or not at all")
        return self

    @property
    def database(self) -> str:
        """The URL of the ledger's database, password and all."""
        if self.database_url is not None:
            return self.database_url.get_secret_value()
        if self.db_host and self.db_name and self.db_user:
            password = "" if self.db_password is None else self.db_password.get_secret_value()
            return postgres_url(self.db_host, self.db_port, self.db_name, self.db_user, password)
        return sqlite_url(self.data_dir / "payguard.db")


class SettingsError(Exception):
    """Settings that no gateway can start with.  ``problems`` holds a line for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load_settings(environ: Mapping[str, str], **overrides: Any) -> Settings:
    """The settings in ``environ``, and over them what ``overrides`` says of a setting by its name, unless it is None.

    Raises SettingsError with all that is wrong.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    problems = [*_unknown(environ), *_contradictions(environ)]
    try:
        settings = Settings(_build_sources=((InitSettingsSource(Settings, given), _Environment(environ)), {}))
    except ValidationError as invalid:
        raise SettingsError([*_told(invalid), *problems]) from None
    if problems:
        raise SettingsError(problems)
    return settings


def variables() -> tuple[str, ...]:
    """Every environment variable that is a setting."""
    return tuple(str(field.validation_alias) for field in Settings.model_fields.values())


class _Environment(EnvSettingsSource):
    """The variables of an environment that is handed in, not the process's own."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        super().__init__(Settings)

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return {name: value for name, value in self._environ.items() if value or not self.env_ignore_empty}


def _unknown(environ: Mapping[str, str]) -> Iterator[str]:
    known = {*variables(), *CLIENT_VARIABLES}
    for name in sorted(environ):
        if name.startswith(_PREFIX) and name not in known:
            hint = did_you_mean(name, known)
            yield f"{name}: no setting has this name{_SERVICE_LINK if _is_service_link(name) else hint}"


_SERVICE_LINK = " (Kubernetes sets it for a Service named payguard: give the pod enableServiceLinks: false)"


def _is_service_link(name: str) -> bool:
    return name.startswith((f"{_PREFIX}SERVICE_", f"{_PREFIX}PORT_"))


def _contradictions(environ: Mapping[str, str]) -> Iterator[str]:
    parts = sorted(name for name, value in environ.items() if name.startswith("DB_") and value)
    if environ.get("DATABASE_URL") and parts:
        yield f"DATABASE_URL: {', '.join(parts)} would say the same again; keep one or the other"


def _told(invalid: ValidationError) -> Iterator[str]:
    for error in invalid.errors(include_input=False, include_url=False):
        name = ".".join(map(str, error["loc"][:1]))
        message = error["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
        yield f"{name}: {message}" if name else message
