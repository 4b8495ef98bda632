"""Where a Redis is: ``REDIS_URL`` read strictly, and without the driver."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

Kind = Literal["one", "sentinel", "cluster"]

FORMS = (
    "redis://[user:password@]host[:port][/database], unix:///path/to/socket, "
    "redis+sentinel://host[:port],host…/service[/database] or redis+cluster://host[:port],host…; "
    "with TLS rediss://, rediss+sentinel:// or rediss+cluster://"
)

FILES = ("ca", "cert", "key")
"""Options of a URL with TLS, each the path of a PEM file."""

PORTS = {"one": 6379, "cluster": 6379, "sentinel": 26379}

_KINDS: dict[str, tuple[Kind, bool]] = {
    "redis": ("one", False),
    "rediss": ("one", True),
    "redis+sentinel": ("sentinel", False),
    "rediss+sentinel": ("sentinel", True),
    "redis+cluster": ("cluster", False),
    "rediss+cluster": ("cluster", True),
}


@dataclass(frozen=True, slots=True)
class Address:
    """``hosts`` are the server, the sentinels, or some nodes of the cluster; ``path`` is a socket's, instead."""

    kind: Kind
    hosts: tuple[tuple[str, int], ...] = ()
    path: str = ""
    tls: bool = False
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    database: int = 0
    service: str = ""
    files: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Without its password."""
        where = self.path or ",".join(f"{host}:{port}" for host, port in self.hosts)
        return f"{self.service} by {where}" if self.service else where


def parse(url: str) -> Address:
    """ValueError says what is wrong, and repeats no password."""
    scheme, found, rest = url.partition("://")
    if not found or (scheme != "unix" and scheme not in _KINDS):
        raise ValueError(f"write it as {FORMS}")
    credentials, _, rest = rest.rpartition("@") if "@" in rest.partition("?")[0] else ("", "", rest)
    username, _, password = credentials.partition(":")
    place, _, query = rest.partition("?")
    options = dict(_options(query, tls=scheme.startswith("rediss"), socket=scheme == "unix"))
    user, word = unquote(username) or None, unquote(password) or None
    if scheme == "unix":
        if not place.startswith("/"):
            raise ValueError("the path of a socket begins with /: unix:///run/redis.sock")
        database = _database(options.pop("db", "0"))
        return Address("one", path=unquote(place), database=database, username=user, password=word)
    kind, tls = _KINDS[scheme]
    hosts, *path = place.split("/")
    return Address(
        kind,
        tuple(_host(word, PORTS[kind]) for word in hosts.split(",")),
        tls=tls,
        username=user,
        password=word,
        database=_database_of(kind, path),
        service=_service_of(kind, path),
        files=options,
    )


def _options(query: str, *, tls: bool, socket: bool) -> Iterator[tuple[str, str]]:
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name == "db" and socket:
            yield name, value
        elif name not in FILES:
            raise ValueError(f"there is no option {name!r}; with TLS there are ca, cert and key")
        elif not tls:
            raise ValueError(f"{name} goes with TLS: write rediss instead of redis")
        elif not Path(value).is_file():
            raise ValueError(f"{name}: there is no file {value}")
        else:
            yield name, value


def _host(word: str, port: int) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{word}")
        host, given = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{word!r} is no host and port") from None
    if not host:
        raise ValueError("a host is missing")
    return host, port if given is None else given


def _database_of(kind: Kind, path: list[str]) -> int:
    number = path[1:] if kind == "sentinel" else path
    if len(number) > 1 or (kind == "cluster" and any(number)):
        raise ValueError("a cluster has no databases" if kind == "cluster" else "there is too much behind the host")
    return _database(number[0]) if number and number[0] else 0


def _service_of(kind: Kind, path: list[str]) -> str:
    if kind != "sentinel":
        return ""
    if not path or not path[0]:
        raise ValueError("sentinels are asked for a service: redis+sentinel://host/service")
    return unquote(path[0])


def _database(word: str) -> int:
    if not word.isdecimal():
        raise ValueError(f"{word!r} is no number of a database")
    return int(word)
