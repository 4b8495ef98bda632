from __future__ import annotations

import asyncio

import orjson
import pytest
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from gateway.component_routes import author_of, body_of, done, json_answer
from gateway.errors import DependencyDown


class Asked(BaseModel):
    reason: str


def test_a_body_is_read_and_what_is_wrong_is_named_without_its_value() -> None:
    assert body_of(Asked, b'{"reason": "a"}').reason == "a"
    with pytest.raises(HTTPException, match=r"reason: Input should be a valid string") as refused:
        body_of(Asked, b'{"reason": 4242424242424242}')
    assert refused.value.status_code == 400
    assert "4242" not in refused.value.detail


@pytest.mark.parametrize(("example", "said"), [("", "The body is no JSON"), ("{}", "The body is no JSON: send {}")])
def test_of_what_is_no_json_the_example_is_shown(example: str, said: str) -> None:
    with pytest.raises(HTTPException) as refused:
        body_of(Asked, b"{", example)
    assert (refused.value.status_code, refused.value.detail) == (400, said)


def test_who_gives_no_name_is_unnamed() -> None:
    assert author_of("ada", {"payguard.via": "loopback"}) == "human:ada via loopback"
    assert author_of(None, {"payguard.via": "token"}) == "human:unnamed via token"


async def test_a_dependency_that_is_down_is_503() -> None:
    down = asyncio.get_running_loop().create_future()
    down.set_exception(DependencyDown("away"))
    with pytest.raises(HTTPException) as refused:
        await done(down, "look at it before you repeat it")
    assert (refused.value.status_code, refused.value.detail) == (503, "look at it before you repeat it")
    assert await done(asyncio.sleep(0, "kept"), "") == "kept"


def test_no_cache_keeps_an_answer() -> None:
    answer = json_answer({"a": 1}, 201)
    assert (answer.status_code, answer.headers["cache-control"]) == (201, "no-store")
    assert orjson.loads(answer.body) == {"a": 1}
