"""Attacks stop here, by field and by meaning."""
