"""Which database a URL names."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from gateway.database.opening import check_url, open_database, postgres_url, shown, sqlite_path, sqlite_url
from gateway.database.postgres import PostgresDatabase
from gateway.database.sqlite import SqliteDatabase


def test_a_url_of_a_file_is_sqlite() -> None:
    database = open_database("sqlite:////var/lib/pay%20guard.db", most=3)
    assert isinstance(database, SqliteDatabase)
    assert database.path == Path("/var/lib/pay guard.db")


@pytest.mark.parametrize("scheme", ["postgres", "postgresql"])
def test_a_url_of_a_server_is_postgresql(scheme) -> None:
    assert isinstance(open_database(f"{scheme}://gate@db/shop"), PostgresDatabase)


@pytest.mark.parametrize("path", [Path("data/payguard.db"), Path("/data/with space/a%b.db")])
def test_a_path_comes_back_from_its_url(path) -> None:
    assert sqlite_path(sqlite_url(path)) == path


def test_what_a_password_is_made_of_does_not_matter() -> None:
    url = postgres_url("::1", 5432, "shop", "gate", "p@ss:/?#%")
    assert check_url(url) == "postgresql://gate:p%40ss%3A%2F%3F%23%25@[::1]:5432/shop"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "payguard.db",
        "sqlite://payguard.db",
        "sqlite:///",
        "sqlite:///a.db?mode=ro",
        "mysql://u:secret@h/d",
        "postgresql:///shop",
        "postgresql://u:secret@h:port/d",
        "postgresql://u:sec/ret@h/d",
        "postgresql://u:secret@h:70000/d",
        "postgresql://u:secret@[::1/d",
    ],
)
def test_what_is_no_url_of_a_database_is_refused_without_its_password(url) -> None:
    with pytest.raises(ValueError, match=r"^(begins|is|has) ") as refused:
        check_url(url)
    assert "secret" not in str(refused.value)
    assert "sec/ret" not in str(refused.value)


def test_a_socket_may_be_named() -> None:
    url = "postgresql:///shop?host=/var/run/postgresql&user=gate"
    assert check_url(url) == url
    assert shown(url) == "postgresql:///shop"


def test_several_servers_may_be_named() -> None:
    url = "postgresql://gate:secret@a:5432,b/shop?target_session_attrs=read-write"
    assert check_url(url) == url
    assert shown(url) == "postgresql://gate@a:5432,b/shop"


def test_a_file_is_shown_as_its_path() -> None:
    assert shown("sqlite:///data/payguard.db") == "data/payguard.db"


@pytest.mark.parametrize(
    ("url", "others"),
    [
        ("sqlite:///a.db", {"asyncpg", "alembic", "sqlalchemy"}),
        ("postgresql://h/d", {"sqlite3", "alembic", "sqlalchemy"}),
    ],
)
def test_no_driver_is_imported_but_that_of_the_url(url, others) -> None:
    program = (
        f"import sys; from gateway.database.opening import open_database; open_database({url!r}); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert others.isdisjoint(done.stdout.split())
