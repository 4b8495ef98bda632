from __future__ import annotations

import httpx
import pytest
from structlog.testing import capture_logs

from gateway.admin.access import Tokens
from gateway.admin.app import admin
from tests.gateway.admin.admins import ELSEWHERE, HERE, TOKENS, client, state


@pytest.fixture(autouse=True)
def logged():
    with capture_logs() as logged:
        yield logged


async def code(answer: httpx.Response) -> tuple[int, str | None]:
    problem = answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"] if problem else None


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/startupz", "/metrics"])
async def test_anyone_may_ask_for_probes_and_metrics(path):
    async with client(state(), ELSEWHERE, host="gateway.shop.svc") as stranger:
        assert (await stranger.get(path)).status_code in (200, 503)


@pytest.mark.parametrize("path", ["/healthz", "/api/v1/policy", "/api/v1/jobs", "/nothing", "/livez/", "//livez"])
async def test_a_stranger_reads_nothing_else_and_is_told_how_to(path):
    async with client(state(), ELSEWHERE) as stranger:
        answer = await stranger.get(path)
    assert await code(answer) == (403, "no_token_configured")
    assert "PAYGUARD_ADMIN_TOKEN_READ" in answer.json()["detail"]


@pytest.mark.parametrize("peer", [HERE, "127.8.8.8", "::1", "::ffff:127.0.0.1"])
async def test_this_machine_may_do_everything_with_tokens_or_without(peer):
    for tokens in (Tokens(), TOKENS):
        async with client(state(tokens=tokens), peer) as local:
            assert (await local.get("/api/v1/policy")).status_code == 200
            assert (await local.post("/drain")).status_code == 202


@pytest.mark.parametrize(
    ("token", "read", "operate"),
    [
        (None, (401, "token_required"), (401, "token_required")),
        ("wrong", (401, "token_required"), (401, "token_required")),
        ("", (401, "token_required"), (401, "token_required")),
        (TOKENS.read, (200, None), (403, "insufficient_scope")),
        (TOKENS.operate, (200, None), (202, None)),
    ],
)
async def test_a_token_gives_its_scope(token, read, operate):
    async with client(state(tokens=TOKENS), ELSEWHERE, host="gateway.shop.svc", token=token) as stranger:
        asked, done = await stranger.get("/api/v1/policy"), await stranger.post("/drain")
    assert (await code(asked), await code(done)) == (read, operate)
    for answer in (asked, done):
        assert ("www-authenticate" in answer.headers) is (answer.status_code in (401, 403))


async def test_a_scope_without_a_token_is_given_to_nobody():
    async with client(state(tokens=Tokens(read=TOKENS.read)), ELSEWHERE, token="") as stranger:
        assert (await stranger.get("/healthz")).status_code == 401
        assert (await stranger.post("/drain", headers={"authorization": f"Bearer {TOKENS.read}"})).status_code == 403


async def test_another_scheme_is_no_token():
    async with client(state(tokens=TOKENS), ELSEWHERE) as stranger:
        answer = await stranger.get("/healthz", headers={"authorization": f"Basic {TOKENS.operate}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("header", ["x-forwarded-for", "forwarded", "x-real-ip"])
async def test_a_proxy_on_this_machine_does_not_lend_its_trust(header):
    async with client(state(), HERE) as proxy:
        assert (await proxy.get("/healthz", headers={header: "203.0.113.9"})).status_code == 403


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:9901", 503),
        ("127.0.0.1:9901", 503),
        ("[::1]:9901", 503),
        ("payguard.localhost", 503),
        ("evil.example", 403),
    ],
)
async def test_over_loopback_a_name_of_the_dns_is_refused(host, status):
    async with client(state(), HERE, host=host) as browser:
        assert (await browser.get("/healthz")).status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://localhost:9901"}, 202),
        ({"sec-fetch-site": "same-origin"}, 202),
        ({"origin": "http://localhost:3000"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
    ],
)
async def test_a_page_of_another_origin_changes_nothing_whoever_sends_it(headers, status):
    async with (
        client(state(), HERE) as here,
        client(state(tokens=TOKENS), ELSEWHERE, token=TOKENS.operate) as elsewhere,
    ):
        assert (await here.post("/drain", headers=headers)).status_code == status
        assert (await elsewhere.post("/drain", headers=headers)).status_code == status


async def test_a_refusal_is_logged_without_what_was_tried(logged):
    async with client(state(tokens=TOKENS), ELSEWHERE, token="guess-guess-guess") as stranger:
        await stranger.get("/healthz")
    [entry] = logged
    assert (entry["event"], entry["path"], entry["status"]) == ("refused", "/healthz", 401)
    assert "guess" not in str(entry)


async def test_a_websocket_is_closed_before_any_route_sees_it():
    sent = []

    async def send(message) -> None:
        sent.append(message)

    async def receive():
        return {"type": "websocket.connect"}

    scope = {"type": "websocket", "path": "/healthz", "headers": [], "client": (HERE, 1)}
    await admin(state())(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_tokens_do_not_show_themselves():
    assert TOKENS.operate not in repr(TOKENS)
