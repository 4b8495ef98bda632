"""Alembic's own command finds the migrations, and writes them for either dialect."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

from gateway.database import migrations


@pytest.mark.parametrize(("dialect", "kind"), [("sqlite", "BLOB"), ("postgresql", "BYTEA")])
def test_each_dialect_has_its_own_types(dialect, kind) -> None:
    said = io.StringIO()
    config = Config(output_buffer=said, attributes={"dialect": dialect})
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    command.upgrade(config, "base:head", sql=True)

    assert kind in said.getvalue()
    assert said.getvalue().startswith("CREATE TABLE schema_version")
