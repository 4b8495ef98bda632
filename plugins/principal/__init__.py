"""Say who is calling: by a header that a trusted proxy sets, or by a JWT that is verified here."""

from __future__ import annotations

from gateway import hookimpl

from .filter import PrincipalFilter


@hookimpl
def register_filters() -> list[type[PrincipalFilter]]:
    return [PrincipalFilter]
