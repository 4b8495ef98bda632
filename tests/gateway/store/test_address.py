"""REDIS_URL: what it may say, and what is wrong with it in a sentence that repeats no password."""

from __future__ import annotations

import pytest

from gateway.store.address import Address, parse


@pytest.fixture
def authority(tmp_path) -> str:
    path = tmp_path / "ca.pem"
    path.write_text("-")
    return str(path)


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("redis://redis", Address("one", (("redis", 6379),))),
        ("redis://:secret@redis:7000/3", Address("one", (("redis", 7000),), password="secret", database=3)),
        (
            "redis://app:s%40@[::1]:7000/",
            Address("one", (("::1", 7000),), username="app", password="s@"),
        ),
        ("rediss://redis", Address("one", (("redis", 6379),), tls=True)),
        ("unix:///run/redis.sock?db=2", Address("one", path="/run/redis.sock", database=2)),
        (
            "redis+sentinel://a,b:7000/main/1",
            Address("sentinel", (("a", 26379), ("b", 7000)), service="main", database=1),
        ),
        ("rediss+sentinel://a/main", Address("sentinel", (("a", 26379),), service="main", tls=True)),
        ("redis+cluster://a,b:7000", Address("cluster", (("a", 6379), ("b", 7000)))),
    ],
)
def test_each_form_says_where_it_is(url, address) -> None:
    assert parse(url) == address


def test_a_url_with_tls_names_files(authority) -> None:
    assert parse(f"rediss://redis?ca={authority}").files == {"ca": authority}


def test_an_address_is_told_without_its_password() -> None:
    assert str(parse("redis+sentinel://app:secret@a,b/main")) == "main by a:26379,b:26379"
    assert "secret" not in repr(parse("redis://:secret@a"))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://redis", "write it as redis://"),
        ("redis", "write it as redis://"),
        ("redis://", "a host is missing"),
        ("redis://a:port", "is no host and port"),
        ("redis://a/b", "is no number of a database"),
        ("redis://a/1/2", "too much behind the host"),
        ("redis+cluster://a/1", "a cluster has no databases"),
        ("redis+sentinel://a", "are asked for a service"),
        ("redis://a?timeout=1", "there is no option 'timeout'"),
        ("redis://a?ca=/x", "goes with TLS"),
        ("rediss://a?ca=/nowhere", "there is no file /nowhere"),
        ("unix://run/redis.sock", "begins with /"),
    ],
)
def test_what_is_wrong_is_said(url, why) -> None:
    with pytest.raises(ValueError, match=why):
        parse(url)


def test_what_is_wrong_repeats_no_password() -> None:
    with pytest.raises(ValueError, match="database") as error:
        parse("redis://app:secret@a/b")
    assert "secret" not in str(error.value)
