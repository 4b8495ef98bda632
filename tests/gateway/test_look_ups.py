"""A URL with blanks, and what is made of the one who answers there."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from gateway.look_ups import Unclear, as_text, blanks, filled, look_up, url_template
from gateway.testing import backend

checked = url_template(("reference", "id"))


def test_what_may_stand_in_a_url_is_said_by_whoever_asks() -> None:
    assert checked("http://shop:9000/v1/{reference}?id={id}") == "http://shop:9000/v1/{reference}?id={id}"
    with pytest.raises(ValueError, match=r"\{key\} is nothing that a payment has: write one of \{reference\}, \{id\}"):
        checked("http://shop/{key}")
    with pytest.raises(ValueError, match=r"write what is filled in as \{reference\}, and no other braces"):
        checked("http://shop/{reference")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://{id}/v1", "its host without"),
        ("ftp://shop/{id}", "write http://host:port/path"),
        ("http://shop/a b", "characters that no URL holds"),
        ("http://ada:secret@shop/{id}", "no password stands here"),
    ],
)
def test_what_is_no_url_is_refused(url, why) -> None:
    with pytest.raises(ValueError, match=why):
        checked(url)


def test_blanks_are_filled_in_and_cannot_lead_elsewhere() -> None:
    url = "http://shop/v1/{reference}?id={id}"

    assert blanks(url) == {"reference", "id"}
    assert filled(url, {"reference": "a/../b?c", "id": 7}) == "http://shop/v1/a%2F..%2Fb%3Fc?id=7"
    assert [filled(url, {"reference": each, "id": 7}) for each in (None, "", ".", "..")] == [None] * 4


@pytest.mark.parametrize(("value", "text"), [("a", "a"), (True, "true"), (False, "false"), (12, "12")])
def test_a_single_value_is_read_as_a_policy_writes_it(value, text) -> None:
    assert as_text(value) == text


@pytest.mark.parametrize("value", [None, 1.5, [], {}])
def test_what_is_no_single_value_is_no_text(value) -> None:
    assert as_text(value) is None


async def asked(url: str, *, within: float = 5.0, most: int = 100) -> tuple[int, bytes]:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await look_up(http, url, {"authorization": "Bearer x"}, within=within, most=most)


async def test_it_is_asked_once_for_json_that_is_not_compressed() -> None:
    async with backend() as shop:
        shop.will_answer(404, body=b"{}")

        assert await asked(f"{shop.url}/v1/a?b=c") == (404, b"{}")

    [seen] = shop.seen
    assert (seen.method, seen.target, seen.headers["authorization"]) == ("GET", "/v1/a?b=c", "Bearer x")
    assert (seen.headers["accept"], seen.headers["accept-encoding"]) == ("application/json", "identity")


async def test_an_answer_without_an_end_or_compressed_is_not_read() -> None:
    async with backend() as shop:
        shop.will_answer(200, body=b"a" * 101)
        shop.will_answer(200, body=b"a", headers={"content-encoding": "gzip"})

        with pytest.raises(Unclear, match="larger than 100 bytes"):
            await asked(shop.url)
        with pytest.raises(Unclear, match="compressed"):
            await asked(shop.url)


async def test_a_redirect_is_an_answer_and_not_followed() -> None:
    async with backend() as shop:
        shop.will_answer(302, headers={"location": "/elsewhere"})

        assert (await asked(shop.url))[0] == 302

    assert len(shop.seen) == 1


async def test_whoever_does_not_answer_in_time_could_not_be_asked() -> None:
    async with backend() as shop:
        shop.will_answer(200, after=(go := asyncio.Event()))

        with pytest.raises(TimeoutError):
            await asked(shop.url, within=0.02)
        go.set()
