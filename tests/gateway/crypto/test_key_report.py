from __future__ import annotations

from gateway.crypto.key_checks import KeyChecks, KnownKeys
from gateway.crypto.key_report import report
from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.references import References
from gateway.crypto.salts import Salts
from gateway.ledger.bodies import STORED


async def test_it_says_of_each_key_and_salt_what_it_is_used_for(either_database) -> None:
    keyring = LocalKeyring.parse(",".join(f"{each}:{'00' * 32}" for each in ("a", "b", "c", "d")))
    values = {"ENCRYPTION_KEY": keyring.check_values(), "HASH_SALT": Salts.parse("00" * 16).check_values()}
    await KeyChecks(either_database, values).compare()
    known = KnownKeys(either_database)
    await known.retire("ENCRYPTION_KEY", "d")
    present = {"ENCRYPTION_KEY": ("b", "a"), "HASH_SALT": ("1",)}
    found = await report(known, present, References(either_database, STORED))

    assert {(each.setting, each.id): each.use for each in found} == {
        ("ENCRYPTION_KEY", "a"): "kept",
        ("ENCRYPTION_KEY", "b"): "first",
        ("ENCRYPTION_KEY", "c"): "missing",
        ("ENCRYPTION_KEY", "d"): "retired",
        ("HASH_SALT", "1"): "first",
    }
    assert {each.id: each.stored for each in found if each.setting == "HASH_SALT"} == {"1": None}
    assert all(each.since is not None for each in found)


async def test_without_a_gateway_nobody_says_what_is_in_use(either_database) -> None:
    await KeyChecks(either_database, {"ENCRYPTION_KEY": {"a": "1"}}).compare()
    [found] = await report(KnownKeys(either_database), None)

    assert (found.use, found.stored, found.uses) == ("unknown", None, 0)
