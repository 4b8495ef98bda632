"""A file that describes bodies: read, and told from what is none."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import orjson


class UnusableSchema(ValueError):
    """What is wrong with a schema file, to whoever wrote the policy."""


def read_schema(file: str) -> bytes:
    try:
        return Path(file).read_bytes()
    except OSError as error:
        raise UnusableSchema(f"{file} cannot be read: {error.strerror}") from None


def parse_schema(data: bytes, file: str) -> dict[str, Any]:
    """The document in it, which is JSON or YAML, as JSON has it."""
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        if file.endswith(".json"):
            raise UnusableSchema(f"{file} is not JSON: {error}") from None
        document = _yaml(data, file)
    if not isinstance(document, dict):
        raise UnusableSchema(f"{file} holds no schema: it is no object")
    return document


def _yaml(data: bytes, file: str) -> Any:
    from ruamel.yaml import YAML  # noqa: PLC0415 - for schemas in YAML
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415 - as above

    try:
        document = YAML(typ="safe", pure=True).load(StringIO(data.decode()))
    except UnicodeDecodeError:
        raise UnusableSchema(f"{file} is not UTF-8") from None
    except YAMLError as error:
        said = " ".join(str(error).split())
        raise UnusableSchema(f"{file} is not YAML: {said}") from None
    # dates are text and statuses are names in JSON
    return orjson.loads(orjson.dumps(document, default=str, option=orjson.OPT_NON_STR_KEYS))
