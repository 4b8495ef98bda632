"""``payguard drain``, against an admin port that answers what it is told to."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from click.testing import CliRunner, Result

from gateway.cli.drain import drain


class Admin(HTTPServer):
    """Answers every POST alike and remembers what it was asked."""

    status, body = 202, b'{"draining": true, "remaining": 0.0}'

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.asked: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Answer(BaseHTTPRequestHandler):
    server: Admin

    def do_POST(self) -> None:
        self.server.asked.append((self.path, self.headers["authorization"]))
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_) -> None:
        pass


@contextmanager
def serving(server: Admin) -> Iterator[Admin]:
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def admin() -> Iterator[Admin]:
    with serving(Admin()) as server:
        yield server


def run(*arguments: str, **env: str) -> Result:
    return CliRunner().invoke(drain, arguments, env=env)


def test_it_asks_the_admin_port_and_says_how_long_the_gateway_serves_on(admin) -> None:
    admin.body = b'{"remaining": 4.25}'
    result = run("--admin", admin.url)
    assert result.exit_code == 0
    assert result.stdout == "draining: the gateway serves new connections for another 4.2 s\n"
    assert admin.asked == [("/drain", None)]


def test_it_finds_the_port_and_the_token_in_the_environment(admin) -> None:
    assert run(PAYGUARD_ADMIN_URL=admin.url + "/", PAYGUARD_ADMIN_TOKEN="secret").exit_code == 0
    assert admin.asked == [("/drain", "Bearer secret")]


def test_it_can_wait_until_the_delay_is_over(admin) -> None:
    admin.body = b'{"remaining": 0.001}'
    assert run("--admin", admin.url, "--wait").exit_code == 0


@pytest.mark.parametrize("status", [401, 403])
def test_one_who_may_not_is_told_what_it_takes(admin, status) -> None:
    admin.status = status
    result = run("--admin", admin.url)
    assert result.exit_code == 1
    assert "PAYGUARD_ADMIN_TOKEN" in result.stderr


@pytest.mark.parametrize(("status", "body"), [(404, b""), (200, b"<html>"), (200, b"[]"), (200, b"{}")])
def test_what_is_no_admin_port_is_said(admin, status, body) -> None:
    admin.status, admin.body = status, body
    result = run("--admin", admin.url)
    assert result.exit_code == 1
    assert "admin port" in result.stderr


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "nonsense", "http://[::1"])
def test_where_nobody_can_be_asked_it_says_so(url) -> None:
    result = run("--admin", url)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: ")
    assert url in result.stderr
