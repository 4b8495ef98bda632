import json
from pathlib import Path

from click.testing import CliRunner

from gateway.cli.schema import schema


def test_the_schema_holds_the_options_of_every_loaded_plugin(tmp_path: Path) -> None:
    (tmp_path / "greet.py").write_text(
        "from gateway import Config, Filter, hookimpl\n"
        "class Options(Config):\n    word: str\n"
        "class Greet(Filter[Options]):\n    name = 'greet'\n    Config = Options\n"
        "@hookimpl\ndef register_filters(): return [Greet]\n"
    )
    result = CliRunner().invoke(schema, ["--plugin-dir", str(tmp_path)])
    assert result.exit_code == 0
    definitions = json.loads(result.output)["$defs"]
    assert {"filter.greet", "filter.principal", "filter.body_limit"} <= definitions.keys()
    assert definitions["filter.greet"]["properties"].keys() == {"word", "mode"}


def test_it_is_json_in_one_line_or_in_many() -> None:
    runner = CliRunner()
    one, many = runner.invoke(schema, ["--json"]).output, runner.invoke(schema).output
    assert json.loads(one) == json.loads(many)
    assert one.count("\n") == 1 < many.count("\n")
