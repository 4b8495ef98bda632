from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.testing import backend, exchange, running_gateway, scope
from plugins.egress import Egress, EgressConfig, NotAllowedOut


def egress(**options) -> Egress:
    return Egress(EgressConfig.model_validate({"prefix": "/stripe", **options}), scope())


async def sent_to(made: Egress, path: str, peer: str = "127.0.0.1") -> str:
    passed = exchange(path=path, peer=peer)
    await made.on_request(passed)
    return passed.request.path


@pytest.mark.parametrize(
    ("path", "rest"),
    [
        ("/stripe/v1/charges", "/v1/charges"),
        ("/stripe/v1/charges/", "/v1/charges/"),
        ("/Stripe/v1/%41", "/v1/%41"),
        ("/%73tripe/v1", "/v1"),
        ("/stripe/", "/"),
        ("/stripe", "/"),
    ],
)
async def test_the_prefix_goes_however_it_is_spelled_and_the_rest_stays_as_it_came(path, rest) -> None:
    assert await sent_to(egress(), path) == rest


async def test_a_prefix_may_have_more_segments() -> None:
    assert await sent_to(egress(prefix="/out/stripe"), "/out/stripe/v1/charges") == "/v1/charges"


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.0.0.9", "::1", "unix"])
async def test_what_runs_beside_the_gateway_may_send_out(peer) -> None:
    assert await sent_to(egress(), "/stripe/v1", peer) == "/v1"


async def test_others_may_not_whatever_a_proxy_says_of_them() -> None:
    made = egress()
    for _ in range(2):
        with pytest.raises(NotAllowedOut) as refused:
            await made.on_request(exchange(path="/stripe/v1", peer="10.0.0.7", client="127.0.0.1"))
    assert (refused.value.status, refused.value.code) == (403, "egress_not_allowed")


async def test_networks_may_be_named() -> None:
    made = egress(**{"from": ["10.0.0.0/8"]})
    assert await sent_to(made, "/stripe/v1", "10.0.0.7") == "/v1"
    with pytest.raises(NotAllowedOut):
        await sent_to(made, "/stripe/v1", "127.0.0.1")


async def test_addresses_are_kept_within_a_bound() -> None:
    made = egress(**{"from": ["10.0.0.0/8"]})
    for number in range(1100):
        await sent_to(made, "/stripe/v1", f"10.0.{number // 256}.{number % 256}")
    assert len(made._known) <= 1000


@pytest.mark.parametrize("options", [{"prefix": "stripe"}, {"prefix": "/"}, {"from": ["10.0.0.7/8"]}, {"from": []}])
def test_options_that_make_no_sense_are_refused(options) -> None:
    with pytest.raises(ValidationError):
        EgressConfig.model_validate({"prefix": "/stripe", **options})


async def test_an_upstream_gets_the_rest_of_the_path_and_the_query() -> None:
    async with (
        backend() as upstream,
        running_gateway(upstream.url, filters=[{"egress": {"prefix": "/stripe"}}]) as client,
    ):
        await client.get("/stripe/v1/charges?limit=3")
    assert upstream.seen[0].target == "/v1/charges?limit=3"
