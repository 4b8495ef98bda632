"""People: they write numbers where the admin API takes text, and read all that it lists."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import httpx

LISTS = (
    *("/api/v1/payments", "/api/v1/payments/retries", "/api/v1/blocks", "/api/v1/detections"),
    *("/api/v1/decisions", "/api/v1/fraud/lists"),
)
WITHOUT_LIMIT = ("/api/v1/blocks",)


async def ask_as_people_do(url: str, some: Sequence[str]) -> list[bytes]:
    """With numbers where people write something: as whom they look for, as why they decide; what they are answered."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as client:
        told = [
            await client.get("/api/v1/payments", params={"state": "in_doubt", "limit": 5}),
            await client.get("/api/v1/payments", params={"state": "held", "limit": 6}),
            *[await client.get("/api/v1/payments", params={"owner": each, "key": each}) for each in some],
            *[await client.get("/api/v1/decisions", params={"payment": each}) for each in some],
            *[await client.get("/api/v1/cache/entries", params={"path": f"/v1/invoices/{each}"}) for each in some],
            *[await client.get(f"/api/v1/{path}{each}") for each in some for path in ("payments/", "decisions/", "")],
        ]
        doubted, held = (answer.json()["items"] for answer in told[:2])
        for number in some:
            told += [await client.post(path, json=said) for path, said in _said(number)]
        for number, payment in zip(some, doubted, strict=False):
            said = {"state": "failed", "reason": f"the bank says {number} was refused", "by": number}
            told.append(await client.post(f"/api/v1/payments/{payment['id']}/resolve", json=said))
        for at, (number, payment) in enumerate(zip(some, held, strict=False)):
            said = {"reason": f"the card is {number}", "by": number if at % 3 else "ada", "revision": 1}
            said["revision"] = (await client.get(f"/api/v1/payments/{payment['id']}")).json()["revision"]
            told.append(
                await client.post(f"/api/v1/payments/{payment['id']}/{('approve', 'reject')[at % 2]}", json=said)
            )
    return [each.content for each in told]


def _said(number: str) -> list[tuple[str, dict[str, Any]]]:
    block = {"kind": "card", "value": number, "reason": "stolen", "for": "15m"}
    listed = {"list": "block", "kind": "card", "value": number, "reason": "stolen", "by": "ada"}
    label = {"payment": number, "label": "fraud", "source": "chargeback"}
    purge = {"kind": "path", "value": f"/v1/invoices/{number}", "reason": "wrong total"}
    dotted = ".".join(number[at : at + 4] for at in range(0, len(number), 4))
    return [
        *[("/api/v1/blocks", block | more) for more in ({}, {"reason": f"says {number}"}, {"by": number})],
        *[("/api/v1/fraud/lists", listed | more) for more in ({}, {"reason": f"says {number}"}, {"by": number})],
        ("/api/v1/fraud/lists", listed | {"reason": f"says {dotted}"}),
        ("/api/v1/fraud/lists/remove", listed | {"reason": f"was {dotted}"}),
        ("/api/v1/fraud/labels", {"labels": [label], "by": "ada"}),
        ("/api/v1/fraud/labels", {"labels": [label], "by": number}),
        *[("/api/v1/cache/purge", purge | more) for more in ({}, {"reason": f"says {dotted}"}, {"by": number})],
        ("/api/v1/cache/purge", {"kind": "tag", "value": f"note-{number}", "reason": "wrong"}),
        ("/api/v1/cache/purge", {"kind": "principal", "value": number, "reason": "wrong"}),
        (f"/api/v1/payments/retries/{number}/cancel", {"reason": "paid", "by": "ada"}),
        (f"/api/v1/keys/{number}/retire", {"by": number}),
    ]


async def read_pages(url: str, folder: Path) -> None:
    """Every page of the API that lists something, and the metrics."""
    async with httpx.AsyncClient(base_url=url, timeout=60) as client:
        (folder / "metrics").write_bytes((await client.get("/metrics")).content)
        with (folder / "pages").open("wb") as pages:
            for path in ("/healthz", "/api/v1/policy", "/api/v1/jobs", "/api/v1/keys", "/api/v1/cache"):
                pages.write((await client.get(path)).content + b"\n")
            for path in LISTS:
                async for page in _collection(client, path):
                    pages.write(page.content + b"\n")
                    for item in page.json()["items"][:2] if path == "/api/v1/payments" else ():
                        pages.write((await client.get(f"{path}/{item['id']}")).content + b"\n")


async def _collection(client: httpx.AsyncClient, path: str) -> AsyncIterator[httpx.Response]:
    cursor: str | None = ""
    while cursor is not None:
        asked = {"cursor": cursor} if path in WITHOUT_LIMIT else {"limit": "100", "cursor": cursor}
        page = (
            await client.get(path, params={name: value for name, value in asked.items() if value})
        ).raise_for_status()
        yield page
        cursor = page.json()["next"]
