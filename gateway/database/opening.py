"""The database that a URL names.  A driver is imported only where its URL is used."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, quote, unquote, urlsplit

from gateway.database.protocol import Database

POSTGRES = ("postgresql", "postgres")


def open_database(url: str, **options: Any) -> Database:
    """One that is not opened yet; ``options`` are those of SqliteDatabase and PostgresDatabase."""
    check_url(url)
    if (path := sqlite_path(url)) is not None:
        from gateway.database.sqlite import SqliteDatabase  # noqa: PLC0415 - a driver

        return SqliteDatabase(path, **options)
    from gateway.database.postgres import PostgresDatabase  # noqa: PLC0415 - a driver

    return PostgresDatabase(url, **options)


def sqlite_url(path: Path) -> str:
    return f"sqlite:///{quote(str(path))}"


def sqlite_path(url: str) -> Path | None:
    """None for another engine.  Three slashes begin a path from the working directory, four one from the root."""
    return Path(unquote(url.removeprefix("sqlite:///"))) if url.startswith("sqlite:///") else None


def postgres_url(host: str, port: int, name: str, user: str, password: str) -> str:
    word = f":{quote(password, safe='')}" if password else ""
    return f"postgresql://{quote(user, safe='')}{word}@{_bracketed(host)}:{port}/{quote(name, safe='')}"


def check_url(url: str) -> str:
    """The same; ValueError, which tells nothing of a password, where it is no URL of a database."""
    if url.startswith("sqlite:///"):
        if url == "sqlite:///" or "?" in url:
            raise ValueError("is sqlite:///path, or sqlite:////path from the root, with no options")
        return url
    parts = _split(url)
    if parts is None or parts.scheme not in POSTGRES or not (parts.netloc or "host=" in parts.query):
        raise ValueError("begins with postgresql://, postgres:// or sqlite:///, and names a host or a file")
    for host in parts.netloc.rpartition("@")[2].split(","):
        port = host.rpartition("]")[2].partition(":")[2]
        if port and not (port.isdecimal() and int(port) < 1 << 16):
            raise ValueError(
                "has a port that is no number; a password's @ / : ? # % are written %40 %2F %3A %3F %23 %25"
            )
    return url


def shown(url: str) -> str:
    """Without its password and options."""
    if (path := sqlite_path(url)) is not None:
        return str(path)
    parts = _split(url)
    assert parts is not None
    user, at, hosts = parts.netloc.rpartition("@")
    return f"postgresql://{user.partition(':')[0]}{at}{hosts}{parts.path}"


def _split(url: str) -> SplitResult | None:
    try:
        return urlsplit(url)
    except ValueError:
        return None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else quote(host, safe="")
