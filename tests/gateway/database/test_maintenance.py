"""What people ask of a database; the command line's tests ask more."""

from __future__ import annotations

import pytest

from gateway.database.maintenance import SchemaStatus, migrate, schema_status
from gateway.database.protocol import Unfit
from gateway.database.schema import HEAD


@pytest.mark.parametrize(("found", "state"), [(None, "empty"), (HEAD, "current"), ("9999", "ahead")])
def test_the_state_follows_from_what_was_found(found, state) -> None:
    assert SchemaStatus("payguard.db", found).state == state


async def test_a_file_is_asked_without_being_made(tmp_path) -> None:
    url = f"sqlite:///{tmp_path / 'payguard.db'}"
    assert await schema_status(url) == SchemaStatus(str(tmp_path / "payguard.db"), None)
    assert list(tmp_path.iterdir()) == []
    assert (await migrate(url)).state == "empty"
    assert (await schema_status(url)).state == "current"


async def test_a_server_is_asked_and_migrated(postgres) -> None:
    name = await postgres.create()
    before = await migrate(postgres.url(name))
    assert before == SchemaStatus(f"postgresql://payguard@127.0.0.1:{postgres.port}/{name}", None)
    assert (await schema_status(postgres.url(name))).state == "current"
    await postgres.drop(name)


async def test_a_server_that_is_not_there_is_said_without_the_password() -> None:
    with pytest.raises(Unfit, match=r"^cannot use the database postgresql://gate@127\.0\.0\.1:9/shop: "):
        await schema_status("postgresql://gate:word@127.0.0.1:9/shop")
