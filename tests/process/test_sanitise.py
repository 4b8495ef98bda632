"""Sanitise as people meet it: what `check` says of its options, and what becomes of an attack on a running gateway."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import httpx
import pytest

from gateway.testing import Backend
from tests.process.conftest import Start, command, environment

POLICY = """\
version: 1
upstreams:
  backend: {url: "http://127.0.0.1:9000"}
routes:
  - name: everything
    match: {path: "/{rest:path}"}
    upstream: backend
    filters:
      - sanitise:
"""


def payguard(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments), cwd=folder, env=environment(folder), capture_output=True, text=True, check=False
    )


NOPE = "\"nope\" is not valid under any of the schemas listed in the 'anyOf' keyword"
SANITISE = "routes[0].filters[0].sanitise"


@pytest.mark.parametrize(
    ("options", "column", "said"),
    [
        (
            "families: {sqly: block}",
            22,
            f"{SANITISE}.families.sqly: no family has this name; did you mean 'sqli'?",
        ),
        (
            "fields: [{at: /notes, allow: [xss.elemnt]}]",
            41,
            f"{SANITISE}.fields[0].allow[0]: no rule and no family has this name; did you mean 'xss.element'?",
        ),
        (
            "schema: {file: missing.json}",
            26,
            f"{SANITISE}.schema.file: missing.json cannot be read: No such file or directory",
        ),
        (
            "schema: {file: broken.json}",
            26,
            f"{SANITISE}.schema.file: broken.json cannot be compiled: {NOPE}",
        ),
    ],
)
def test_check_says_what_is_wrong_where_it_stands(tmp_path: Path, options: str, column: int, said: str) -> None:
    (tmp_path / "policy.yaml").write_text(f"{POLICY}          {options}\n")
    (tmp_path / "broken.json").write_text('{"type": "nope"}')
    checked = payguard(tmp_path, "check", "policy.yaml")

    assert checked.returncode == 1
    assert checked.stdout.splitlines() == [f"policy.yaml:10:{column}: {said}"]


def test_plugins_show_lists_every_rule_with_its_family(tmp_path: Path) -> None:
    shown = " ".join(payguard(tmp_path, "plugins", "show", "sanitise").stdout.split())
    listed = json.loads(payguard(tmp_path, "plugins", "show", "sanitise", "--json").stdout)
    [part] = listed["parts"]

    assert {rule["family"] for rule in part["catalogue"]["rules"]} >= {"sqli", "xss", "ssrf"}
    for rule in part["catalogue"]["rules"]:
        assert f"{rule['id']} {rule['family']} {rule['score']}" in shown


async def test_an_attack_is_refused_and_the_log_says_why_and_nothing_of_what_was_sent(
    start: Start, tmp_path: Path, upstream: Backend, client: httpx.AsyncClient
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(POLICY.replace("http://127.0.0.1:9000", upstream.url) + "          threshold: 5\n")
    gateway = await start(policy)
    attack = {"card": {"name": "Lovelace' UNION SELECT pan FROM vault-- "}}
    answer = await client.post(f"{gateway.url}/v1/payments", json=attack)
    line = await gateway.event("exchange")

    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (
        403,
        "attack_suspected",
        "/card/name",
    )
    assert upstream.seen == []
    [note] = [each for each in line["notes"] if each["code"] == "attack_suspected"][:1]
    assert (note["filter"], note["detail"]["rule"]) == ("sanitise", answer.json()["rule"])
    assert (note["detail"]["field"], note["detail"]["outcome"]) == ("/card/name", "block")
    for told in (answer.text, json.dumps(gateway.said)):
        assert "Lovelace" not in told
        assert "vault" not in told
