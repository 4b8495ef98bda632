"""Prints the SQL that takes a schema from a revision to the newest: a process of its own, for alembic's imports.

``python -m gateway.database.migrations sqlite|postgresql REVISION``, where a revision of ``base`` is an empty database.
The statements change the schema and the version that it says it has; who runs them begins and commits.
"""

from __future__ import annotations

import sys
from pathlib import Path

from alembic import command
from alembic.config import Config

_, dialect, revision = sys.argv
config = Config(output_buffer=sys.stdout, attributes={"dialect": dialect})
config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
command.upgrade(config, f"{revision}:head", sql=True)
