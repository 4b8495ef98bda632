"""The options of ``hash``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway import FieldsConfig


class HashConfig(FieldsConfig):
    on: Literal["request", "response", "both"] = "request"
    """Where they are replaced: in requests, in answers of the upstream, or in both."""

    purpose: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,63}$")] = "field"
    """What they are hashed for: the same value has another hash for another purpose, and for another tenant."""

    fold: bool = False
    """Whether spaces around a text are left out and its case is, as in e-mail addresses, before it is hashed."""
