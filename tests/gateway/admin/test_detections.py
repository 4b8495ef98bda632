from __future__ import annotations

from typing import Any

import pytest

from gateway.detections import Detections, Field
from tests.gateway.admin.admins import client, state


def detections() -> Detections:
    made = Detections(lambda: 1_700_000_000.0)
    for name in ("/b", "/a", "/c"):
        made.add("pay", [Field("body", name, "card")])
    made.add("rest", [Field("query", "cvc", "security_code")])
    made.pass_over("rest")
    return made


async def asked(**parameters: str) -> Any:
    async with client(state(detections=detections())) as asking:
        return (await asking.get("/api/v1/detections", params=parameters)).json()


async def test_fields_are_listed_with_counts_and_never_with_values() -> None:
    said = await asked(route="rest")
    assert said == {
        "items": [
            {
                "route": "rest",
                "where": "query",
                "field": "cvc",
                "kind": "security_code",
                "count": 1,
                "first_at": "2023-11-14T22:13:20Z",
                "last_at": "2023-11-14T22:13:20Z",
            }
        ],
        "next": None,
        "passed_over": {"rest": 1},
    }


async def test_they_come_in_pages() -> None:
    first = await asked(limit="3")
    assert [each["field"] for each in first["items"]] == ["/a", "/b", "/c"]
    second = await asked(limit="3", cursor=first["next"])
    assert ([each["field"] for each in second["items"]], second["next"]) == (["cvc"], None)


@pytest.mark.parametrize(("name", "value"), [("rout", "pay"), ("limit", "many")])
async def test_what_cannot_be_asked_is_a_problem_that_says_so(name: str, value: str) -> None:
    said = await asked(**{name: value})
    assert (said["code"], said["parameter"]) == ("invalid_parameter", name)
