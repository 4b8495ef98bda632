"""Which revisions this program knows, and what it makes of another."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from gateway.database import migrations, schema
from gateway.database.protocol import SchemaMismatch
from gateway.database.schema import HEAD, REVISIONS, behind, refuse_manual, statements


def test_the_revisions_that_are_known_are_those_that_there_are() -> None:
    script = ScriptDirectory(str(Path(migrations.__file__).parent))
    assert tuple(each.revision for each in script.walk_revisions())[::-1] == REVISIONS
    assert script.get_current_head() == HEAD


def test_a_schema_is_behind_up_to_date_or_of_somebody_newer(monkeypatch) -> None:
    monkeypatch.setattr(schema, "REVISIONS", ("0001", "0002"))
    monkeypatch.setattr(schema, "HEAD", "0002")
    assert [behind(each) for each in (None, "0001", "0002")] == [True, True, False]
    with pytest.raises(SchemaMismatch, match=r"is at 0003, which this payguard does not know: it is newer.* with 0002"):
        behind("0003")


def test_what_a_person_has_to_do_is_said() -> None:
    assert "is empty and this payguard needs" in str(refuse_manual(None))
    assert "is at 0001 and this payguard needs" in str(refuse_manual("0001"))


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_statements_make_the_schema_and_say_its_version(dialect) -> None:
    sql = statements(dialect, None)
    assert "CREATE TABLE schema_version" in sql
    assert "CREATE TABLE payments" in sql
    assert f"SET version_num='{HEAD}'" in sql
    assert "COMMIT" not in sql


def test_from_the_newest_there_is_nothing_to_do() -> None:
    assert statements("sqlite", HEAD).strip() == ""


def test_a_revision_that_there_is_not_is_one_line() -> None:
    with pytest.raises(SchemaMismatch, match=r"^the schema's migrations cannot be read: .*7777"):
        statements("sqlite", "7777")


def test_alembic_is_imported_by_the_child_alone() -> None:
    program = (
        "import sys, gateway.control.process, gateway.database.sqlite, gateway.database.postgres; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert {"alembic", "sqlalchemy"}.isdisjoint(done.stdout.split())
