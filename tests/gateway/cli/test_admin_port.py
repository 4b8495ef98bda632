from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import click
import pytest
from click.testing import CliRunner

from gateway.cli.admin_port import AdminPort, asks_gateway


class Server(HTTPServer):
    status, body, seen = 200, b"{}", ""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.seen = self.headers.get("authorization", "")
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(self.server.body)))
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *_: object) -> None:
        """Tests are quiet."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def test_what_it_says_is_handed_on(server: Server) -> None:
    server.body = b'{"items": []}'
    assert AdminPort(server.url + "/", "secret").get("/api/v1/payments") == {"items": []}
    assert server.seen == "Bearer secret"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (409, b'{"code": "payment_settled", "detail": "It is."}', r"It is. \(payment_settled\)"),
        (401, b"{}", "PAYGUARD_ADMIN_TOKEN"),
        (403, b"{}", "PAYGUARD_ADMIN_TOKEN"),
        (200, b"<html>", "is not a gateway's admin port"),
        (500, b"oh", "is not a gateway's admin port"),
    ],
)
def test_what_it_refuses_is_one_line_that_says_how_to_mend_it(
    server: Server, status: int, body: bytes, said: str
) -> None:
    server.status, server.body = status, body
    with pytest.raises(click.ClickException, match=said):
        AdminPort(server.url, None).get("/")


def test_what_is_not_there_may_be_asked_for(server: Server) -> None:
    server.status, server.body = 404, b'{"code": "payment_not_found", "detail": "None."}'
    assert AdminPort(server.url, None).get("/", missing=True) is None


def test_nobody_there_says_where_a_gateway_is_looked_for() -> None:
    with pytest.raises(click.ClickException, match=r"no gateway can be asked at http://127.0.0.1:1.*--admin"):
        AdminPort("http://127.0.0.1:1", None).get("/")


def test_a_url_that_is_none_says_so() -> None:
    with pytest.raises(click.ClickException):
        AdminPort("http://[", None).get("/")


def test_a_command_is_told_where_by_option_or_environment(server: Server) -> None:
    @click.command()
    @asks_gateway
    def ask(port: AdminPort) -> None:
        click.echo(port.url)

    assert CliRunner().invoke(ask, ["--admin", "http://a:1"]).output == "http://a:1\n"
    assert CliRunner().invoke(ask, env={"PAYGUARD_ADMIN_URL": server.url}).output == f"{server.url}\n"
