"""The schema's history: one file in ``versions`` for each revision, written with alembic's operations."""
