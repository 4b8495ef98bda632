"""Gateways as processes of their own, with policies/vault.yaml and one PostgreSQL: a card and its token."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx

from gateway.database.opening import open_database
from gateway.testing import Backend, backend
from tests.process.conftest import Start

POLICY = Path(__file__).parents[2] / "policies" / "vault.yaml"
CARD = "4242424242424242"
FORM = "payment_method_data[card][number]"
OLD, NEW = "old:" + "ab" * 32, "new:" + "cd" * 32


async def test_a_card_is_stored_charged_and_forgotten(
    start: Start, upstream: Backend, tmp_path: Path, postgres_url: str
) -> None:
    async with backend() as stripe, httpx.AsyncClient(trust_env=False) as client:
        policy = tmp_path / "vault.yaml"
        text = POLICY.read_text().replace("http://127.0.0.1:9000", upstream.url)
        policy.write_text(text.replace("https://api.stripe.com", stripe.url))
        here = await start(policy, settings={"DATABASE_URL": postgres_url, "ENCRYPTION_KEY": OLD})
        there = await start(policy, settings={"DATABASE_URL": postgres_url, "ENCRYPTION_KEY": f"{NEW},{OLD}"})
        stored = {"customer": "ada", "card": {"number": CARD, "cvc": "123"}}
        storing = [
            client.post(f"{(here, there)[number % 2].url}/v1/cards", json=stored, headers={"x-user-id": "ada"})
            for number in range(50)
        ]
        assert {answer.status_code for answer in await asyncio.gather(*storing)} == {200}
        [token] = {seen.json()["card"]["number"] for seen in upstream.seen}
        charged = await client.post(f"{there.url}/stripe/v1/payment_intents", data={FORM: token})
        asked = {"token": token, "reason": "the card was reported stolen"}
        forgotten = await client.post(f"{here.admin}/api/v1/vault/forget", json=asked)
        again = await client.post(f"{there.url}/stripe/v1/payment_intents", data={FORM: token})
        told = (await client.get(f"{there.admin}/metrics")).text

    assert token.endswith("_4242")
    assert charged.status_code == 200
    [sent] = stripe.seen
    assert (sent.target, httpx.QueryParams(sent.body.decode())[FORM]) == ("/v1/payment_intents", CARD)
    assert forgotten.json() == {"forgotten": 1}
    assert (again.status_code, again.json()["code"]) == (422, "token_unknown")
    assert 'payguard_vault_operations_total{operation="reveals"} 1.0' in told
    entries = [json.loads(entry) for entry in await everything(postgres_url, "SELECT entry FROM audit")]
    vaults = [each for each in entries if each["action"].startswith("vault.")]
    assert sorted((each["action"], each["outcome"]) for each in vaults) == [
        ("vault.forget", "begun"),
        ("vault.forget", "done"),
        ("vault.reveal", "done"),
    ]
    assert len({each["subject"] for each in vaults}) == 1
    said = json.dumps([dict(here.said), dict(there.said), entries])
    assert CARD not in said
    assert "token_unknown" in said


async def everything(url: str, query: str) -> list[str]:
    database = open_database(url)
    await database.open()
    rows = await database.read(query)
    await database.close()
    return [str(row[0]) for row in rows]
