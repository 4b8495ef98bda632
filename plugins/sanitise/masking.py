"""What may be written of an attack: its own language, and nothing of a customer."""

from __future__ import annotations

import re

LONGEST = 60

_WORD = re.compile(r"\w+")
_LANGUAGE = """
all alert and any as async begin bin body by case cast char concat create data database delay delete div document
drop dual else end etc eval exec execute false file form from get group having href html http https if iframe img in
information_schema insert into is javascript jndi join ldap like limit link load location math ne not null object
on onclick onerror onload onmouseover or order outfile passwd php ping regex regexp rmi script select self set
shutdown sleep src style svg table tables then top true union update user values version waitfor wget when where
window xp_cmdshell
"""
_KEPT = frozenset(_LANGUAGE.split())


def masked(excerpt: str) -> str:
    """What convinced a rule, with every word that is not of an attack's own language taken out."""
    return _WORD.sub(_word, excerpt[:LONGEST])


def _word(found: re.Match[str]) -> str:
    word = found[0]
    if word.lower() in _KEPT:
        return word
    return "0" if word.isdecimal() else "…"
