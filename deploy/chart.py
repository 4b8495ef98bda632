"""What of the chart is generated: ``python -m deploy.chart`` writes it anew.

What a value is for is said once, in the comment above it in ``values.yaml``.  From there it goes into the schema and
into the README's table; the gateway's settings come from the gateway.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap

from gateway.control.settings import Settings

CHART = Path(__file__).parent / "helm" / "payguard"
VALUES = CHART / "values.yaml"
SCHEMA = CHART / "values.schema.json"
README = CHART / "README.md"
BEGIN, END = "<!-- values -->\n", "<!-- end of values -->\n"

OWN = frozenset(
    {"host", "port", "admin_host", "admin_port", "data_dir", "plugin_dirs", "drain_delay", "drain_deadline"}
    | {"ledger_migrate", "db_host", "db_port", "db_name", "db_user"}
)
"""Settings that the chart has values of its own for."""

SECRET = frozenset(name for name, field in Settings.model_fields.items() if "SecretStr" in repr(field.annotation))
"""Settings that come from Secrets alone."""


def main() -> None:
    SCHEMA.write_text(schema())
    README.write_text(readme())


def schema() -> str:
    """The schema as it should be: the checked-in one's types with the descriptions of ``values.yaml``."""
    document = json.loads(SCHEMA.read_text())
    document["properties"]["settings"] = settings()
    for path, comment, _ in values():
        found = document
        for name in path:
            found = found["properties"][name]
        found["description"] = comment
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def settings() -> dict[str, Any]:
    """Every setting that is no secret and not the chart's to say; and those of OpenTelemetry's SDK."""
    fields = {name: field for name, field in Settings.model_fields.items() if name not in OWN | SECRET}
    found = {str(field.validation_alias): setting(field) for field in fields.values()}
    sdk = {"^OTEL_[A-Z_]+$": {"type": "string", "description": "A variable of OpenTelemetry's SDK."}}
    return {"type": "object", "additionalProperties": False, "properties": found, "patternProperties": sdk}


def setting(field: FieldInfo) -> dict[str, Any]:
    """One setting: a text, in any case where it is one of a few words."""
    few = (
        {"pattern": f"^(?i:{'|'.join(get_args(field.annotation))})$"} if get_origin(field.annotation) is Literal else {}
    )
    return {"type": "string", **few, "description": (field.description or "").replace(".  ", ". ")}


def readme() -> str:
    """The README as it should be: the checked-in one with the table of ``values.yaml``."""
    before, _, rest = README.read_text().partition(BEGIN)
    return before + BEGIN + "".join(f"{line}\n" for line in table()) + END + rest.partition(END)[2]


def table() -> Iterator[str]:
    yield "| value | default | what |"
    yield "|---|---|---|"
    for path, comment, value in values():
        default = "" if isinstance(value, dict) and value else f"`{json.dumps(value, ensure_ascii=False)}`"
        yield f"| `{'.'.join(path)}` | {default} | {comment} |"


def values() -> Iterator[tuple[tuple[str, ...], str, Any]]:
    """Each value's path, the comment above it, and its default."""
    text = VALUES.read_text()
    yield from _below((), YAML().load(text), text.splitlines())


def _below(path: tuple[str, ...], node: CommentedMap, lines: list[str]) -> Iterator[tuple[tuple[str, ...], str, Any]]:
    for name, value in node.items():
        line, _ = node.lc.key(name)
        yield (*path, name), lines[line - 1].strip().removeprefix("# "), value
        if isinstance(value, CommentedMap):
            yield from _below((*path, name), value, lines)


if __name__ == "__main__":
    main()
