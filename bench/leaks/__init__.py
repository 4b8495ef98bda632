"""Leaks: payments with cards wherever a client could put them, and a search for them in all that is written."""
