import ssl
from pathlib import Path
from typing import Any

import pytest
import trustme

from gateway.control.policy_upstreams import UpstreamEntry
from gateway.control.sharing import SharedObjects
from gateway.control.upstreams import UnusableFile, build_upstream
from gateway.dataplane.pool import PoolOptions
from gateway.dataplane.retry import Retry
from gateway.dataplane.upstream import Idempotent, Timeouts, Upstream


@pytest.fixture
def shared() -> SharedObjects:
    return SharedObjects()


def build(shared: SharedObjects, *, name: str = "backend", **given: Any) -> Upstream:
    entry = UpstreamEntry.model_validate({"url": "http://127.0.0.1:9000", **given})
    return build_upstream(name, entry, (), shared.lease())


def test_every_option_reaches_the_data_plane(shared: SharedObjects) -> None:
    built = build(
        shared,
        timeouts={"connect": "1s", "first_byte": "2s", "idle": "3s", "total": "4s"},
        pool={"connections": 5, "waiting": 6, "wait": "7s", "idle": "8s"},
        retry={"attempts": 2, "backoff": "250ms", "backoff_most": "10s", "statuses": [503], "budget": 0.5},
        idempotent={"window": "23h", "header": "x-key"},
        host="rewrite",
    )
    assert built.timeouts == Timeouts(2.0, 3.0, 4.0)
    assert built.pool.options == PoolOptions(5, 6, 7.0, 8.0, 1.0)
    assert built.retry == Retry(2, 0.25, 10.0, frozenset({503}), 0.5)
    assert built.idempotent == Idempotent(82800.0, "x-key")
    assert built.host == b"127.0.0.1:9000"


def test_the_defaults_of_a_policy_are_those_of_the_data_plane(shared: SharedObjects) -> None:
    built = build(shared)
    assert (built.timeouts, built.pool.options, built.retry) == (Timeouts(), PoolOptions(), Retry())
    assert built.idempotent is None
    assert built.host is None


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("http://a", ("http", "a", 80, "")),
        ("https://a", ("https", "a", 443, "")),
        ("https://[::1]:8443", ("https", "::1", 8443, "")),
        ("unix:/run/a.sock", ("http+unix", "localhost", 0, "/run/a.sock")),
    ],
)
def test_a_url_becomes_an_address(shared: SharedObjects, url: str, meant: tuple[str, str, int, str]) -> None:
    address = build(shared, url=url).pool.address
    assert (address.scheme, address.host, address.port, address.path) == meant
    assert (address.tls is not None) == url.startswith("https")


def test_a_pool_is_kept_while_nothing_of_it_changes(shared: SharedObjects) -> None:
    first = build(shared)
    assert build(shared, timeouts={"total": "1m"}).pool is first.pool
    assert build(shared, pool={"idle": "1s"}).pool is not first.pool
    assert build(shared, timeouts={"connect": "9s"}).pool is not first.pool
    assert build(shared, url="http://127.0.0.1:9001").pool is not first.pool
    assert build(shared, name="other").pool is not first.pool


@pytest.fixture
def files(tmp_path: Path) -> Path:
    authority = trustme.CA()
    issued = authority.issue_cert("backend.example")
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    return tmp_path


def test_https_is_verified_and_a_certificate_shown(shared: SharedObjects, files: Path) -> None:
    tls = {"ca_file": f"{files}/ca.pem", "certificate": f"{files}/cert.pem", "key": f"{files}/key.pem"}
    context = build(shared, url="https://a", tls=tls).pool.address.tls
    assert context is not None
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert len(context.get_ca_certs()) == 1


def test_a_renewed_certificate_makes_a_new_pool(shared: SharedObjects, files: Path) -> None:
    tls = {"ca_file": f"{files}/ca.pem"}
    first = build(shared, url="https://a", tls=tls)
    assert build(shared, url="https://a", tls=tls).pool is first.pool
    trustme.CA().cert_pem.write_to_path(files / "ca.pem")
    assert build(shared, url="https://a", tls=tls).pool is not first.pool


@pytest.mark.parametrize(
    ("options", "option", "problem"),
    [
        ({"ca_file": "none.pem"}, "ca_file", "none.pem cannot be read: No such file or directory"),
        ({"ca_file": "key.pem"}, "ca_file", "key.pem holds no certificates in PEM"),
        ({"certificate": "ca.pem", "key": "key.pem"}, "certificate", "are not a certificate in PEM and its open key"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_with_its_option(
    shared: SharedObjects, files: Path, options: dict[str, str], option: str, problem: str
) -> None:
    with pytest.raises(UnusableFile, match=problem) as caught:
        build(shared, url="https://a", tls={name: f"{files}/{file}" for name, file in options.items()})
    assert caught.value.option == option
