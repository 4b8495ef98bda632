import re
from pathlib import Path
from typing import Any, Literal

import httpx
import orjson
import pytest

from gateway import Component, Config, Filter
from gateway.audit.signing import Sealer, Signer
from gateway.audit.writer import AuditWriter
from gateway.control.background import PolicyTasks
from gateway.control.scope import PartScope, Services
from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.protocol import Unreadable
from gateway.crypto.salts import Salts
from gateway.database.sqlite import SqliteDatabase
from gateway.dataplane.snapshot import Snapshot
from gateway.store.memory import MemoryStore
from gateway.store.protocol import StoreDown
from gateway.store.table import BoundedTable
from gateway.telemetry.masking import Masking
from gateway.testing import backend


class One(Filter[Config]):
    name = "one"


class Two(Filter[Config]):
    name = "two"


class Options(Config):
    most: int = 1


class Others(Config):
    most: int = 1


def services(**given: Any) -> Services:
    return Services(**{"store": MemoryStore(), "salts": Salts.parse("00" * 16), "environ": {}, **given})


def scope(
    lent: Services, kind: type = One, mode: Literal["enforce", "shadow"] = "enforce", place: str = "here"
) -> PartScope:
    tasks = PolicyTasks(lent.background)
    return PartScope(lent, lent.shared.lease(), kind, place=place, mode=mode, tasks=tasks, component=lambda kind: kind)  # type: ignore[return-value, arg-type]


def test_a_secret_is_read_from_where_its_name_says_and_masked_from_then_on(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("s3cret\n")
    masked: list[str] = []
    lent = services(environ={"KEY": "t0ken"}, on_secret=masked.append)
    assert scope(lent).secret("env:KEY") == "t0ken"
    assert scope(lent).secret(f"file:{tmp_path}/key") == "s3cret"
    assert masked == ["t0ken", "s3cret"]


@pytest.mark.parametrize(
    ("reference", "problem"),
    [
        ("env:NONE", "the environment variable NONE is not set"),
        ("env:EMPTY", "the environment variable EMPTY is not set"),
        ("file:/no/such", "the secret's file /no/such cannot be read: No such file or directory"),
        ("file:/dev/null", "the secret's file /dev/null is empty"),
        ("hunter2", "a secret is named env:NAME or file:/path"),
    ],
)
def test_a_missing_secret_is_a_clear_problem(reference: str, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(problem)}$"):
        services(environ={"EMPTY": ""}).secret(reference)


async def test_what_a_shadowed_part_keeps_nobody_else_sees() -> None:
    lent = services()
    live, shadow = scope(lent).store, scope(lent, mode="shadow").store
    await live.put("key", b"live", 60)
    assert await shadow.get("key") is None
    assert await shadow.add("key", b"shadow", 60)
    assert await shadow.count("hits", 1, 60) == 1
    assert await live.count("hits", 1, 60) == 1
    assert await shadow.remove("key")
    await shadow.put("key", b"again", 60)
    await shadow.close()
    assert await live.get("key") == b"live"
    assert await shadow.get("key") == b"again"


async def test_a_store_that_is_away_has_a_local_one_in_its_place() -> None:
    local = MemoryStore()
    lent = scope(services(store=Away(), local=local))
    assert lent.local is local
    await lent.store_or_local.put("key", b"1", 60)
    assert await local.get("key") == b"1"
    with pytest.raises(StoreDown):
        await lent.store.get("key")


async def test_one_in_shadow_keeps_to_its_namespace_there_as_well() -> None:
    local = MemoryStore()
    lent = scope(services(store=Away(), local=local), mode="shadow")
    await lent.store_or_local.put("key", b"1", 60)
    await lent.local.put("other", b"1", 60)
    assert sorted(key for key, _, _ in await local.scan("")) == ["shadow:key", "shadow:other"]
    assert sorted(key for key, _, _ in await lent.local.scan("")) == ["key", "other"]


class Away(MemoryStore):
    def _now(self) -> BoundedTable:
        raise StoreDown("a test says so")


def test_a_database_is_lent_where_there_is_one() -> None:
    with pytest.raises(RuntimeError, match="this process has no database"):
        scope(services()).database  # noqa: B018 - it raises
    known = SqliteDatabase(Path("nowhere.db"))
    assert scope(services(database=known)).database is known


def test_state_is_shared_by_parts_of_one_kind_and_mode_at_one_place_with_equal_options() -> None:
    lent = services()
    state = scope(lent).share(Options(), dict)
    assert scope(lent).share(Options(), dict) is state
    assert scope(lent).share(Options(most=2), dict) is not state
    assert scope(lent).share(Others(), dict) is not state
    assert scope(lent, Two).share(Options(), dict) is not state
    assert scope(lent, mode="shadow").share(Options(), dict) is not state
    assert scope(lent, place="there").share(Options(), dict) is not state


async def test_plugins_speak_plain_httpx() -> None:
    lent = services()
    client = scope(lent).http
    assert isinstance(client, httpx.AsyncClient)
    assert scope(lent).http is client
    async with backend() as asked:
        assert (await client.get(f"{asked.url}/v1")).json() == {}
    await lent.close()
    assert client.is_closed


def test_a_component_is_found_by_its_class() -> None:
    class Alarm(Component[Config]):
        name = "alarm"

    assert scope(services()).component(Alarm) is Alarm  # type: ignore[comparison-overlap]


def test_the_clock_tells_the_time_and_intervals() -> None:
    clock = scope(services()).clock
    assert clock.now() > 1_700_000_000
    assert clock.monotonic() <= clock.monotonic()


def test_fields_are_sealed_for_the_tenant_of_the_policy_and_not_without_a_key() -> None:
    lent = services(keyring=LocalKeyring([("k1", bytes(32))]))
    tasks, held = PolicyTasks(lent.background), lent.shared.lease()
    shop, other = (
        PartScope(lent, held, One, tenant=tenant, mode="enforce", tasks=tasks, component=lambda kind: kind)  # type: ignore[return-value, arg-type]
        for tenant in ("shop", "other")
    )
    token = shop.cipher("card").seal("/card", "4242")
    assert shop.cipher("card").open("/card", token) == "4242"
    with pytest.raises(Unreadable):
        other.cipher("card").open("/card", token)
    with pytest.raises(ValueError, match="set ENCRYPTION_KEY"):
        scope(services()).cipher("card")


async def test_an_entry_of_the_audit_trail_is_of_the_policy_in_force_and_one_in_shadow_makes_none(
    sqlite_path: Path,
) -> None:
    database = SqliteDatabase(sqlite_path)
    await database.open()
    lent = services(database=database)
    lent.audit = AuditWriter(
        database,
        Sealer([Signer(bytes(32))]),
        masks=Masking(),
        hash=lent.salts.hash,
        now=lent.clock.now,
        policy=lambda: lent.policy,
    )
    lent.active = lambda: Snapshot("5ba1", [])
    await scope(lent).audit("vault.reveal", subject="tok_1", principal="ann", ip="203.0.113.7", route="egress")
    await scope(lent, mode="shadow").audit("vault.reveal", subject="tok_2")
    [(entry,)] = await database.read("SELECT entry FROM audit")
    await lent.close()

    said = orjson.loads(entry)
    assert (said["action"], said["subject"], said["outcome"]) == ("vault.reveal", "tok_1", "done")
    assert (said["principal"], said["policy"], said["detail"]) == ("ann", "5ba1", {"route": "egress"})
    assert said["ip"] == lent.salts.hash("audit ip", "203.0.113.7")[: len("1:") + 32]


async def test_where_no_trail_is_kept_an_entry_is_nowhere() -> None:
    await scope(services()).audit("vault.reveal", subject="tok_1")
