from __future__ import annotations

import orjson
import pytest
from starlette.exceptions import HTTPException

from gateway.admin.answers import Json, Problem, http_problem, moment, text


def test_a_problem_has_the_members_of_rfc_9457_and_a_code():
    problem = Problem(401, "token_required", "A bearer token is needed.", {"www-authenticate": "Bearer"})
    assert orjson.loads(problem.body) == {
        "type": "urn:payguard:problem:token_required",
        "title": "Unauthorized",
        "status": 401,
        "code": "token_required",
        "detail": "A bearer token is needed.",
    }
    assert problem.headers["content-type"] == "application/problem+json"
    assert problem.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("answer", [Json({}), text("ok\n"), Problem(404, "not_found", "")])
def test_nothing_may_be_kept_by_a_cache_or_taken_for_something_else(answer):
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_what_starlette_raises_becomes_a_problem_with_its_headers():
    problem = await http_problem(None, HTTPException(405, headers={"allow": "POST"}))
    assert (problem.status_code, problem.headers["allow"]) == (405, "POST")
    assert orjson.loads(problem.body)["code"] == "method_not_allowed"


def test_a_moment_is_written_in_utc():
    assert orjson.loads(Json({"at": moment(0.0), "never": moment(None)}).body) == {
        "at": "1970-01-01T00:00:00Z",
        "never": None,
    }


async def test_a_card_number_that_was_asked_for_is_not_repeated():
    problem = Problem(404, "x", "No payment has the id '4111111111111111'.", parameter="4111 1111 1111 1111")
    assert b"4111" not in problem.body.replace(b"*1111", b"")
    assert orjson.loads(problem.body)["parameter"] == "[card *1111]"
