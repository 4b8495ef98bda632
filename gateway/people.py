"""What people write on the admin port: who they are and why they decide, which is kept and shown as they wrote it."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

_CARD = re.compile(r"(?:\d[\W_]{0,3}){12,}")
"""Whether it is one matters to nobody: so many digits name no person, and are no reason."""


def _of_no_card(text: str) -> str:
    if _CARD.search(text):
        raise ValueError("it holds no number of a card")
    return text


def _line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("it is a line of text")
    return text


Uncarded = AfterValidator(_of_no_card)
"""Of a text that is kept in clear: refused where it may hold a card's number."""

PersonName = Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z._@+-]{0,63}$"), Uncarded]
"""A name or an e-mail address; who says so is not known by it."""

Reason = Annotated[str, Field(min_length=3, max_length=500), AfterValidator(_line), Uncarded]
