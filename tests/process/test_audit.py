"""A gateway as a process of its own: what it does is on the audit trail, and who touches that is named."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import NamedTuple

from click.testing import CliRunner

from gateway.cli import payguard
from tests.process.conftest import Gateway, environment

POLICY = """\
version: 1
components:
  audit: {{keep: 400d}}
upstreams:
  backend: {{url: "{url}"}}
routes:
  - name: pay
    match: {{methods: [POST], path: /v1/payments}}
    upstream: backend
    payment: {{operation: payment.create, amount: /amount, currency: /currency}}
    filters:
      - principal: {{header: x-user-id, from: any}}
      - rate_limit: {{limits: [{{per: user, limit: {limit}/minute}}]}}
      - sanitise
      - idempotency
"""


class Done(NamedTuple):
    code: int
    out: str
    err: str


async def audit(folder: Path, *words: str, **settings: str) -> Done:
    """The command, in this process: starting one takes longer than all that it does."""
    said = await asyncio.to_thread(CliRunner().invoke, payguard, ["audit", *words], env=environment(folder, **settings))
    return Done(said.exit_code, said.stdout, said.stderr)


def log_of(gateway: Gateway, folder: Path) -> str:
    path = folder / "gateway.log"
    path.write_text("".join(json.dumps(line) + "\n" for lines in gateway.said.values() for line in lines))
    return str(path)


async def test_what_a_gateway_does_is_on_the_trail_and_proved_to_be_all(
    postgres_url, start, tmp_path, upstream, client
) -> None:
    settings = {"DATABASE_URL": postgres_url}
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.format(url=upstream.url, limit=9))
    gateway = await start(policy, settings=settings)
    ada = {"x-user-id": "ada", "idempotency-key": "order-1"}
    upstream.will_answer(201, json={"id": "pay_1"})
    paid = await client.post(f"{gateway.url}/v1/payments", json={"amount": 1999, "currency": "eur"}, headers=ada)
    hostile = {"amount": 1, "currency": "eur", "note": "' OR 1=1 --"}
    refused = await client.post(
        f"{gateway.url}/v1/payments", json=hostile, headers={**ada, "idempotency-key": "order-2"}
    )
    policy.write_text(POLICY.format(url=upstream.url, limit=8))
    await gateway.event("policy activated", 2)
    blocked = {"kind": "ip", "value": "203.0.113.7", "for": "1h", "reason": "scans", "by": "bob"}
    await client.post(f"{gateway.admin}/api/v1/blocks", json=blocked)
    policy.write_text("version: 2")
    await gateway.event("policy rejected")
    gateway.terminate()
    assert await gateway.ended() == 0

    exported = tmp_path / "trail.jsonl"
    assert await audit(tmp_path, "export", "--output", str(exported), **settings) == (0, "", "")
    lines = [json.loads(line) for line in exported.read_text().splitlines()]
    entries = [line["entry"] for line in lines if "entry" in line]
    said = [(each["action"], each["outcome"], each["principal"]) for each in entries]
    assert said == [
        ("policy.activate", "done", None),
        ("payment.decide", "succeeded", "ada"),
        ("payment.decide", "refused", "ada"),
        ("policy.activate", "done", None),
        ("block.add", "done", "human:bob via loopback"),
        ("admin.change", "201", "loopback"),
        ("policy.reject", "rejected", None),
    ]
    assert (paid.status_code, refused.status_code) == (201, 403)
    assert entries[1]["subject"] == paid.headers["payguard-payment-id"]
    assert entries[1]["detail"]["amount"] == 1999
    assert entries[1]["policy"] == entries[0]["subject"][:16]
    assert entries[1]["ip"].startswith("1:")
    assert entries[3]["detail"]["previous"] == entries[0]["subject"]
    assert "9/minute" in entries[3]["detail"]["diff"]

    log = log_of(gateway, tmp_path)
    whole = await audit(tmp_path, "verify", "--log", log, "--json", **settings)
    assert (whole.code, json.loads(whole.out)["entries"], json.loads(whole.out)["unsealed"]) == (0, 7, 0)
    [public] = (await audit(tmp_path, "key")).out.split()
    elsewhere = await audit(tmp_path / "nowhere", "verify", str(exported), "--public-key", public, ENCRYPTION_KEY="")
    assert elsewhere.code == 0, elsewhere
    assert elsewhere.out.startswith("whole: 7 entries of 1 writers, ")


async def test_of_a_gateway_that_was_killed_the_chain_hangs_together_and_who_edits_or_cuts_one_is_found(
    start, tmp_path, upstream, client
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.format(url=upstream.url, limit=9))

    async def pay(gateway: Gateway, number: int) -> None:
        headers = {"x-user-id": "ada", "idempotency-key": f"order-{number}"}
        await client.post(f"{gateway.url}/v1/payments", json={"amount": 1999, "currency": "eur"}, headers=headers)

    killed = await start(policy)
    await pay(killed, 0)
    killed.process.kill()
    await killed.ended()
    gateway = await start(policy)
    for number in range(1, 5):
        await pay(gateway, number)
    gateway.terminate()
    await gateway.ended()
    log = log_of(gateway, tmp_path)
    whole = json.loads((await audit(tmp_path, "verify", "--json")).out)
    assert (whole["found"], whole["writers"], whole["entries"], whole["unsealed"]) == (0, 2, 7, 2)

    of_it = "writer = (SELECT writer FROM audit_seals WHERE kind = 'end')"
    connection = sqlite3.connect(tmp_path / "payguard-data" / "payguard.db")
    with connection:
        for trigger in ("audit_unchanged", "audit_kept", "audit_seals_kept"):
            connection.execute(f"DROP TRIGGER {trigger}")
        connection.execute(f"UPDATE audit SET entry = replace(entry, '1999', '1') WHERE {of_it} AND seq = 3")
    edited = await audit(tmp_path, "verify")
    with connection:
        connection.execute(f"DELETE FROM audit WHERE {of_it} AND seq >= 3")
        connection.execute("DELETE FROM audit_seals")
    connection.close()
    cut, unseen = await audit(tmp_path, "verify", "--log", log), await audit(tmp_path, "verify")

    assert edited.code == 1
    assert " entry 3: edited: its text is not that of its hash\n1 findings: 7 entries of 2 writers" in edited.out
    assert cut.code == 1
    assert " entries 3 to 5: removed: a seal in the log says that the chain went on" in cut.out
    assert unseen.code == 0
    assert unseen.out.startswith("whole: 4 entries of 2 writers, 0 seals; 4 entries after the last seal")
