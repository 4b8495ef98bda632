import pytest
from pydantic import ValidationError

from gateway.control.policy_upstreams import UpstreamEntry, socket_path


def upstream(**given: object) -> UpstreamEntry:
    return UpstreamEntry.model_validate({"url": "http://127.0.0.1:9000", **given})


@pytest.mark.parametrize(
    "url",
    ["http://a", "http://a/", "http://127.0.0.1:9000", "https://[::1]:8443", "unix:/run/a.sock", "http+unix:///run/a"],
)
def test_an_upstream_is_a_host_or_a_socket(url: str) -> None:
    assert upstream(url=url).url == url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("a:9000", "write http://host:port"),
        ("ftp://a", "write http://host:port"),
        ("http://", "write http://host:port"),
        ("unix:relative.sock", "write http://host:port"),
        ("http://a/base", "an upstream's url ends with its port"),
        ("http://a?x", "an upstream's url ends with its port"),
        ("http://user:secret@a", "an upstream's url ends with its port"),
        ("http://a:99999", "Port out of range"),
        ("http://a:0", "no upstream listens on port 0"),
    ],
)
def test_what_no_upstream_can_be_is_refused(url: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem):
        upstream(url=url)


def test_a_socket_has_one_path_however_it_is_written() -> None:
    assert socket_path("unix:/run/a.sock") == socket_path("http+unix:///run/a.sock") == "/run/a.sock"
    assert socket_path("http://a") is None


def test_an_upstream_promises_nothing_unless_it_is_said() -> None:
    assert upstream().idempotent is None
    assert upstream(idempotent=False).idempotent is None
    promise = upstream(idempotent={"window": "23h"}).idempotent
    assert promise is not None
    assert (promise.window, promise.header) == (82800.0, "idempotency-key")
    with pytest.raises(ValidationError):
        upstream(idempotent=True)


def test_an_upstream_is_tried_once_unless_it_is_said() -> None:
    assert upstream().retry.attempts == 1
    with pytest.raises(ValidationError):
        upstream(retry={"attempts": 0})
    with pytest.raises(ValidationError):
        upstream(retry={"statuses": [200]})


def test_tls_needs_an_https_url_and_a_whole_pair() -> None:
    with pytest.raises(ValidationError, match="tls is for an https url"):
        upstream(tls={"ca_file": "/ca.pem"})
    with pytest.raises(ValidationError, match="certificate and key are given together"):
        upstream(url="https://a", tls={"certificate": "/c.pem"})
