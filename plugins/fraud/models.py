"""Models from files: one door, whatever their kind."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, TypeAlias

import orjson
from pydantic import Field, TypeAdapter, ValidationError

from .files import FORM
from .linear import LinearFile, LinearModel
from .scoring import Model, ModelError
from .trees import TreesFile, TreesModel

AnyFile: TypeAlias = Annotated[LinearFile | TreesFile, Field(discriminator="kind")]

_FILE: TypeAdapter[LinearFile | TreesFile] = TypeAdapter(AnyFile)


def load_model(path: str | Path) -> Model:
    """The model in a file.  ModelError where it cannot be read, is none, or is of other features than this code's."""
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise ModelError(f"{path}: {error.strerror}") from error
    return parse_model(text, str(path))


def parse_model(text: bytes, source: str) -> Model:
    """The same from the bytes of a file."""
    try:
        file = _FILE.validate_python(_document(text))
    except (ValueError, ValidationError) as error:
        raise ModelError(f"{source}: {_said(error)}") from error
    version = hashlib.sha256(text).hexdigest()[:12]
    return LinearModel(file, version) if isinstance(file, LinearFile) else TreesModel(file, version)


def _document(text: bytes) -> object:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error}") from None
    form = document.get("payguard_fraud_model") if isinstance(document, dict) else None
    if form is None:
        raise ValueError("it is no fraud model of Payguard's")
    if form != FORM:
        raise ValueError(f"it has form {form}, this version reads form {FORM}: train it again")
    return document


def _said(error: ValueError) -> str:
    """The first thing that is wrong, and where."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"][1:]))
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}" if where else message
