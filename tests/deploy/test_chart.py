"""What of the chart is generated is what would be generated now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jsonschema
from ruamel.yaml import YAML

from deploy import chart
from gateway.control.compiler import Compiler
from gateway.control.core_parts import COMPONENTS
from gateway.control.plugins import load_plugins
from gateway.control.scope import Services
from gateway.control.settings import load_settings, variables
from gateway.crypto.salts import Salts
from gateway.store.memory import MemoryStore
from tests.deploy.helm.rendering import CI, EXAMPLE, PAYGUARD, ci

SCHEMA = json.loads(chart.SCHEMA.read_text())
STALE = "run: .venv/bin/python -m deploy.chart"


def test_the_readme_s_table_is_that_of_the_values() -> None:
    assert chart.README.read_text() == chart.readme(), STALE


def test_the_schema_has_the_descriptions_of_the_values_and_the_gateway_s_settings() -> None:
    assert chart.SCHEMA.read_text() == chart.schema(), STALE


def test_a_change_of_a_comment_is_found(monkeypatch, tmp_path) -> None:
    changed = tmp_path / "values.yaml"
    changed.write_text(chart.VALUES.read_text().replace("# How the gateway stands", "# Where the gateway stands"))
    monkeypatch.setattr(chart, "VALUES", changed)
    assert "Where the gateway stands" in chart.readme()
    assert "Where the gateway stands" in chart.schema()


def properties(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every value that a schema speaks of, with its path."""
    inner = [*schema.get("properties", {}).items(), *schema.get("patternProperties", {}).items()]
    for name, each in inner:
        yield f"{path}/{name}", each
        yield from properties(each, f"{path}/{name}")
    if isinstance(items := schema.get("items"), dict):
        yield from properties(items, f"{path}/[]")


def test_every_value_has_a_description() -> None:
    for path, each in properties(SCHEMA):
        assert each.get("description", "").endswith("."), path


def test_nothing_is_taken_that_no_one_has_named() -> None:
    for path, each in [("", SCHEMA), *properties(SCHEMA)]:
        if each.get("type") == "object" and "properties" in each:
            assert "additionalProperties" in each, path


def test_every_value_of_the_schema_has_a_default_but_what_is_refused_or_helm_s() -> None:
    defaults = {"/" + "/".join(path) for path, *_ in chart.values()}
    lists = ("/plugins/sources/[]", "/networkPolicy/clients/[]", "/networkPolicy/admin/[]", "/settings/")
    lists += ("/secrets/", "/keyFiles/")
    said = {path for path, _ in properties(SCHEMA) if not path.startswith(lists)}
    assert said - defaults == {"/global", "/policy/subPath"}
    assert defaults - said == set()


def test_each_comment_is_a_sentence_of_one_line() -> None:
    for path, comment, _ in chart.values():
        assert comment[0].isupper(), path
        assert comment.endswith("."), path


def test_every_setting_is_said_by_the_chart_or_can_be() -> None:
    secrets = {"ENCRYPTION_KEY", "HASH_SALT", "DATABASE_URL", "DB_PASSWORD"}
    tokens = {name for name in variables() if "TOKEN" in name}
    own = {name for name in variables() if name.removeprefix("PAYGUARD_").lower() in chart.OWN}
    listed = set(chart.settings()["properties"])
    assert set(variables()) - listed - own >= secrets | tokens
    assert listed & (secrets | tokens | own) == set()


def test_every_example_of_values_is_valid() -> None:
    for name in CI:
        jsonschema.Draft202012Validator(SCHEMA).validate(ci(name))


def metadata(folder: Path) -> dict[str, Any]:
    return YAML(typ="safe").load((folder / "Chart.yaml").read_text())


def test_the_chart_is_of_the_version_that_it_installs() -> None:
    assert metadata(PAYGUARD)["appVersion"] == version("payguard")
    [dependency] = metadata(EXAMPLE)["dependencies"]
    assert dependency["version"] == metadata(PAYGUARD)["version"]


def test_the_example_s_policy_compiles_and_fits_its_values() -> None:
    text = (EXAMPLE / "files" / "policy.yaml").read_text()
    compiler = Compiler(
        load_plugins(load_settings({})).registry,
        Services(store=MemoryStore(), salts=Salts.parse("00" * 16), environ={}),
        components=COMPONENTS,
    )
    assert compiler.check(text, "policy.yaml") == []
    values = YAML(typ="safe").load((EXAMPLE / "values.yaml").read_text())
    upstream = YAML(typ="safe").load(text)["upstreams"]["backend"]
    assert upstream["url"].endswith(f":{values['backend']['port']}")
    defaults = YAML(typ="safe").load(chart.VALUES.read_text())
    assert int(upstream["timeouts"]["total"].removesuffix("s")) <= defaults["longestRequestSeconds"]
