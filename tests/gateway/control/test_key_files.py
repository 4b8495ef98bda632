from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from pathlib import Path
from typing import Any

import pytest

from gateway.audit.protocol import Unkept
from gateway.control.key_files import KeyFile, KeyFiles, file_of
from gateway.control.key_watch import KeyWatch, LocalKeys
from gateway.crypto.key_uses import KeyUses
from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.references import References
from gateway.crypto.salts import Salts
from gateway.database.sqlite import SqliteDatabase
from gateway.ledger.bodies import STORED, Bodies

OLD, NEW = f"old:{'00' * 32}", f"new:{'ff' * 32}"
PAYMENT = """INSERT INTO payments (id, state, epoch, revision, route, operation, upstream, request_id, trace_id, policy,
  keep, created_at, asked, attempts, reason, history, answer)
  VALUES ($1, 'succeeded', 1, 1, '', '', '', '', '', '', 0, 0, 0, 0, '', '', $2)"""


class Trail(Unkept):
    """Keeps what was added to it."""

    def __init__(self) -> None:
        self.actions: list[str] = []

    def add(self, action: str, /, **entry: Any) -> Awaitable[None]:
        self.actions.append(action)
        return super().add(action, **entry)


class Mounted:
    """Keys and salts in files, as a gateway has them."""

    def __init__(self, folder: Path, database: SqliteDatabase) -> None:
        self.told: list[tuple[str, Any]] = []
        self.masked: list[str] = []
        self.trail = Trail()
        self.keys, self.salts = folder / "keys", folder / "salts"
        self.keys.write_text(OLD)
        self.salts.write_text(OLD)
        self.keyring, self.salt = LocalKeyring.parse(OLD), Salts.parse(OLD)
        self.watch = KeyWatch(
            database,
            self.keyring,
            self.salt,
            lambda code, **detail: self.told.append((code, detail.get("now") or detail.get("reason"))),
            local=LocalKeys(self.keyring, KeyUses(database, lambda work: work.close())),
            references=References(database, STORED),
            audit=lambda: self.trail,
        )
        self.taken: list[str] = []
        files = [
            KeyFile("ENCRYPTION_KEY", self.keys, LocalKeyring.parse, self.taken.append),
            KeyFile("HASH_SALT", self.salts, Salts.parse),
        ]
        self.files = KeyFiles(files, self.watch, self.masked.append)

    async def edit(self, file: Path, text: str) -> None:
        await asyncio.to_thread(file.write_text, text)
        await self.files.look()
        await self.files.look()


@pytest.fixture
async def mounted(tmp_path, sqlite_path):
    database = SqliteDatabase(sqlite_path)
    await database.open()
    made = Mounted(tmp_path, database)
    await made.watch.at_start()
    await made.files.look()
    await made.files.look()
    assert made.told == []
    sealed = Bodies(made.keyring, "shop").answer("p1", 200, [], b"kept")
    await database.write(PAYMENT, "p1", sealed)
    yield made
    await database.close()


def test_a_setting_names_a_file_or_holds_what_it_says() -> None:
    assert file_of("file:/run/secrets/key") == Path("/run/secrets/key")
    assert file_of(OLD) is None
    assert file_of(None) is None


async def test_a_new_first_key_seals_and_the_old_one_opens_without_a_restart(mounted) -> None:
    before = mounted.keyring.seal("field", b"data", b"")
    await mounted.edit(mounted.keys, f"{NEW}\n{OLD}\n")

    assert mounted.keyring.key_of(mounted.keyring.seal("field", b"", b"")) == "new"
    assert mounted.keyring.open("field", before, b"") == b"data"
    assert mounted.told == [("keys_changed", "new,old")]
    assert mounted.taken == [OLD, f"{NEW}\n{OLD}\n"]
    assert mounted.trail.actions == ["key.rotate"]
    assert NEW.partition(":")[2] in mounted.masked


async def test_a_new_salt_hashes_and_the_old_one_is_tried_in_look_ups(mounted) -> None:
    before = mounted.salt.hash("card", "4242")
    await mounted.edit(mounted.salts, f"{NEW},{OLD}")

    assert mounted.salt.hash("card", "4242").startswith("new:")
    assert before in mounted.salt.hashes("card", "4242")


async def test_what_was_seen_once_only_is_not_taken_for_it_may_be_half_written(mounted) -> None:
    mounted.keys.write_text(f"{NEW},{OLD}")
    await mounted.files.look()

    assert mounted.keyring.first == "old"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("old:zz", "key 1 is not hex"),
        ("", "key 1 has 0 bytes"),
        (f"old:{'11' * 32}", "the one with the id old is not the one that this database knows"),
        (NEW, "the key old is missing, and 1 stored values need it (payments.answer: 1)"),
    ],
    ids=["broken", "empty", "wrong", "needed"],
)
async def test_a_bad_edit_leaves_the_last_good_keys_and_is_told_once_until_it_is_taken_back(
    mounted, text, reason
) -> None:
    await mounted.edit(mounted.keys, text)
    await mounted.files.look()
    [(code, said)] = mounted.told
    assert (code, reason in said) == ("keys_rejected", True)
    with pytest.raises(RuntimeError, match="those before it serve on"):
        await mounted.watch.check().run()
    assert mounted.keyring.first == "old"
    assert mounted.trail.actions == ["key.reject"]
    assert mounted.taken == [OLD]

    await mounted.edit(mounted.keys, OLD)
    assert await mounted.watch.check().run() == "those that the database knows"


async def test_a_file_that_is_away_is_told_and_the_keys_stay(mounted) -> None:
    mounted.keys.unlink()
    await mounted.files.look()
    await mounted.files.look()

    assert mounted.told == [("keys_rejected", f"{mounted.keys} cannot be read: no such file or directory")]
    assert mounted.keyring.first == "old"
