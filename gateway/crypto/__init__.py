"""Cryptography: keys by purpose, and salts with ids."""
