"""The lists as a gateway knows them."""

from __future__ import annotations

from typing import Any

from gateway import Database
from gateway.crypto.salts import Salts
from gateway.testing import HandScope
from plugins.fraud import lists
from plugins.fraud.digests import Digests
from plugins.fraud.lists import Entry, Lists
from plugins.fraud.reading import Named
from tests.plugins.fraud.conftest import BOTH, event

pytestmark = BOTH

OLD, NEW = ("a", b"a salt of the tests, the older"), ("b", b"a salt of the tests, the newer")


def named(**given: Any) -> Named:
    return Named(**dict.fromkeys(Named._fields) | given)


def entry(digest: str, kind: str = "customer") -> Entry:
    return Entry("block", kind, digest, "human:ann", "chargebacks", 0.0, None)


async def test_an_entry_under_an_older_salt_still_holds(database: Database) -> None:
    before, after = (Digests(HandScope(salts=Salts(list(each)))) for each in ((OLD,), (NEW, OLD)))
    known = Lists(lambda: database, after)
    await known.put(entry(before.of("customer", "cus_1")), None)

    of = {each: event(customer=after.of("customer", each)) for each in ("cus_1", "cus_2")}
    assert known.hit("block", of["cus_1"], named(customer="cus_1"), 1.0) == "customer"
    assert known.hit("block", of["cus_2"], named(customer="cus_2"), 1.0) is None
    assert known.hit("allow", of["cus_1"], named(customer="cus_1"), 1.0) is None


async def test_there_is_room_for_so_many(database: Database, monkeypatch) -> None:
    monkeypatch.setattr(lists, "_PUT", lists._PUT.replace(str(lists.MOST), "2"))
    known = Lists(lambda: database, Digests(HandScope()))

    assert [await known.put(entry(f"1:{number}"), None) for number in range(3)] == [True, True, False]


async def test_what_has_ended_goes(database: Database) -> None:
    known = Lists(lambda: database, Digests(HandScope()))
    await known.put(entry("1:gone"), -1.0)
    await known.put(entry("1:stays"), 60.0)
    await known.purge()

    assert [each[0] for each in await database.read("SELECT digest FROM fraud_lists")] == ["1:stays"]
    assert [each.digest for each in await known.all()] == ["1:stays"]
