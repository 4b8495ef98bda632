from __future__ import annotations

from starlette.responses import PlainTextResponse
from starlette.routing import Route
from structlog.testing import capture_logs

from gateway.control.jobs import Jobs
from gateway.control.reloader import PolicyStatus, Rejection
from gateway.parts import Component, Config, Job
from tests.gateway.admin.admins import ELSEWHERE, TOKENS, client, state
from tests.gateway.control.pauses import Pauses


class Recovery(Component[Config]):
    name = "recovery"

    def admin_routes(self):
        async def stuck(request):
            return PlainTextResponse(f"stuck {request.path_params['id']}")

        async def retry(request):
            return PlainTextResponse("retried")

        async def found(request):
            return PlainTextResponse("all")

        return [Route("/", found), Route("/stuck/{id}", stuck), Route("/retry", retry, methods=["POST"])]


async def test_draining_says_how_long_it_serves_on():
    async with client(state()) as local:
        answer = await local.post("/drain")
    assert (answer.status_code, answer.json()) == (202, {"draining": True, "remaining": 4.5})


async def test_draining_is_not_asked_for_with_get():
    async with client(state()) as local:
        answer = await local.get("/drain")
    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["code"] == "method_not_allowed"


async def test_the_policy_says_which_serves_and_why_the_last_edit_does_not():
    status = PolicyStatus("policy.yaml", "abc123", 1_700_000_000.0, Rejection(1_700_000_060.0, ("line 3: no",), False))
    status.reloads["rejected"] = 1
    async with client(state(policy=lambda: status)) as local:
        document = (await local.get("/api/v1/policy")).json()
    assert document == {
        "digest": "abc123",
        "source": "policy.yaml",
        "activated_at": "2023-11-14T22:13:20Z",
        "rejection": {"at": "2023-11-14T22:14:20Z", "reasons": ["line 3: no"], "transient": False},
        "unreadable": None,
        "reloads": {"activated": 0, "unchanged": 0, "rejected": 1, "unreadable": 0},
    }


async def test_jobs_say_when_they_ran_how_it_went_and_when_they_run_next():
    pauses = Pauses()
    jobs = Jobs(sleep=pauses.sleep, now=lambda: 1_700_000_000.0)

    async def fails() -> None:
        raise ValueError("no luck")

    with capture_logs():
        await jobs.replace([Job("tidy", fails, every=60)])
        await pauses.pass_by()
        await pauses.next()
    async with client(state(jobs=jobs)) as local:
        [job] = (await local.get("/api/v1/jobs")).json()["items"]
    await jobs.stop()
    assert job.pop("duration_ms") >= 0
    assert job.pop("next_at") > "2023-11-14T22:14"
    assert job == {
        "name": "tidy",
        "every_seconds": 60,
        "running": False,
        "started_at": "2023-11-14T22:13:20Z",
        "result": "failed",
        "error": "ValueError: no luck",
        "results": {"failed": 1},
    }


async def test_a_component_has_its_routes_under_its_name_for_as_long_as_the_policy_has_it():
    components = [Recovery(Config(), None)]
    async with client(state(components=lambda: components)) as local:
        assert (await local.get("/api/v1/recovery/stuck/7")).text == "stuck 7"
        assert (await local.get("/api/v1/recovery/nothing")).status_code == 404
        components.clear()
        gone = await local.get("/api/v1/recovery/stuck/7")
    assert (gone.status_code, gone.json()["detail"]) == (404, "No component of the policy is called recovery")


async def test_a_components_own_root_is_at_its_name():
    async with client(state(components=lambda: [Recovery(Config(), None)])) as local:
        assert [(await local.get(f"/api/v1/recovery{end}")).text for end in ("", "/")] == ["all", "all"]
        assert (await local.post("/api/v1/recovery")).status_code == 405
        assert (await local.get("/api/v1/other")).json()["detail"] == "No component of the policy is called other"


async def test_to_change_something_in_a_component_takes_the_scope_operate():
    given = state(components=lambda: [Recovery(Config(), None)], tokens=TOKENS)
    with capture_logs():
        async with client(given, ELSEWHERE, token=TOKENS.read) as reader:
            assert (await reader.get("/api/v1/recovery/stuck/7")).status_code == 200
            assert (await reader.post("/api/v1/recovery/retry")).status_code == 403
        async with client(given, ELSEWHERE, token=TOKENS.operate) as operator:
            assert (await operator.post("/api/v1/recovery/retry")).text == "retried"
