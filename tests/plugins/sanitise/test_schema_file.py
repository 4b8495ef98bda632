from __future__ import annotations

import pytest

from plugins.sanitise.schema_file import UnusableSchema, parse_schema, read_schema


def test_a_file_is_read_as_it_is(tmp_path) -> None:
    (tmp_path / "a.json").write_bytes(b"{}")

    assert read_schema(str(tmp_path / "a.json")) == b"{}"


def test_a_file_that_is_not_there_is_said(tmp_path) -> None:
    with pytest.raises(UnusableSchema, match=r"a\.json cannot be read: No such file or directory"):
        read_schema(str(tmp_path / "a.json"))


def test_json_and_yaml_are_read_alike() -> None:
    assert parse_schema(b'{"a": [1, null]}', "a.json") == {"a": [1, None]}
    assert parse_schema(b"a: [1, null]\n200: 2020-01-02", "a.yaml") == {"a": [1, None], "200": "2020-01-02"}


@pytest.mark.parametrize(
    ("data", "file", "said"),
    [
        (b"{", "a.json", "a.json is not JSON: "),
        (b"a: [", "a.yaml", "a.yaml is not YAML: "),
        (b"\xff", "a.yaml", "a.yaml is not UTF-8"),
        (b"[]", "a.json", "a.json holds no schema: it is no object"),
        (b"", "a.yaml", "a.yaml holds no schema"),
    ],
)
def test_what_is_no_schema_is_said(data, file, said) -> None:
    with pytest.raises(UnusableSchema) as refused:
        parse_schema(data, file)

    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)
