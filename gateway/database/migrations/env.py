"""What alembic runs to write a migration as SQL; there is no connection here."""

from __future__ import annotations

from alembic import context

from gateway.database.schema import VERSION_TABLE

context.configure(
    dialect_name=context.config.attributes["dialect"],
    version_table=VERSION_TABLE,
    transactional_ddl=False,  # who runs the statements begins and commits
)
context.run_migrations()
