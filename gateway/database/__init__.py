"""The database: the one writer that commits in groups, over SQLite or PostgreSQL, and its migrations."""
