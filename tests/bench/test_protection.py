"""What bench.protection measures is what a gateway does."""

from __future__ import annotations

import orjson

from bench.protection import measure, steps
from bench.steps import exchange
from gateway import is_token
from plugins.tokenise.tokens import is_vault_token


async def test_each_step_does_what_it_says() -> None:
    sent = {}
    async with steps() as all_:
        for name, step in all_.items():
            made = exchange()
            await step(made)
            sent[name] = orjson.loads(made.request.body.data or b"")["card"]["number"]
    assert sent["nothing"] == sent["JSON read and written anew"] == "4242424242424242"
    assert is_token(sent["one field encrypted"])
    assert is_vault_token(sent["one known card tokenised"])


async def test_what_doing_nothing_costs_is_in_no_figure() -> None:
    assert (await measure(2, 100)).keys() == {
        "JSON read and written anew",
        "one field encrypted",
        "one known card tokenised",
    }
