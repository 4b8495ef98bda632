from __future__ import annotations

import orjson
import pytest

from gateway import errors
from gateway.dataplane.problem import document, render
from gateway.errors import GatewayError, InternalError, Rejected


def all_errors(kind: type[GatewayError] = GatewayError) -> list[type[GatewayError]]:
    return [
        kind,
        *(found for each in kind.__subclasses__() if each.__module__ == errors.__name__ for found in all_errors(each)),
    ]


@pytest.mark.parametrize("kind", all_errors())
def test_every_error_is_a_problem_of_its_own_status_and_code(kind):
    problem = orjson.loads(document(kind(), "request-1"))
    assert problem["status"] == kind.status
    assert problem["type"] == f"urn:payguard:problem:{kind.code}"
    assert problem["code"] == kind.code
    assert problem["title"]
    assert problem["request_id"] == "request-1"


def test_members_and_detail_are_shown_and_an_empty_detail_is_not():
    assert orjson.loads(document(Rejected("why", pointer="/a"), "1"))["pointer"] == "/a"
    assert orjson.loads(document(Rejected("why"), "1"))["detail"] == "why"
    assert "detail" not in orjson.loads(document(InternalError(), "1"))


def test_a_rendered_problem_is_not_cached_and_carries_the_errors_headers():
    response = render(Rejected(headers={"Retry-After": "3"}), "1")
    assert response.status == 403
    assert dict(response.headers) == {
        "content-type": "application/problem+json",
        "cache-control": "no-store",
        "retry-after": "3",
    }
    assert response.json()["code"] == "rejected"
