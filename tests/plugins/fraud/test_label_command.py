"""``payguard fraud label`` against an admin port over a real database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from plugins.fraud.commands import fraud
from tests.gateway.cli.serving import Serving
from tests.plugins.fraud.desks import serving_desks


@pytest.fixture
def port(sqlite_path: Path) -> Iterator[Serving]:
    with serving_desks(sqlite_path) as server:
        yield server


def run(port: Serving, *words: str) -> Result:
    return CliRunner().invoke(fraud, ["label", *words, "--by", "ann", "--admin", port.url])


def test_one_is_told_and_told_again(port: Serving) -> None:
    words = ("p1", "fraud", "--source", "chargeback", "--at", "2026-11-20T10:00:00Z")

    assert [run(port, *words).output for _ in range(2)] == ["1 stored\n", "1 known\n"]
    assert run(port, "p1", "legitimate", "--source", "review").output == "1 changed\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("labels.csv", "payment,label,source,at\np1,fraud,bank,2026-11-20T10:00:00Z\np2,legitimate,,\n"),
        (
            "labels.jsonl",
            '{"payment": "p1", "label": "fraud", "source": "bank"}\n\n{"payment": "p2", "label": "fraud"}\n',
        ),
    ],
)
def test_many_are_told_from_a_file_as_often_as_one_likes(port: Serving, tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    words = ("--file", str(tmp_path / name), "--source", "chargeback")

    assert [run(port, *words).output for _ in range(2)] == ["2 stored\n", "2 known\n"]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("labels.csv", "id,label\np1,fraud\n", "labels.csv:2: a line has payment and label"),
        ("labels.jsonl", "{", "is no JSON lines"),
        ("labels.csv", "payment,label\n", "labels.csv has no labels"),
        ("labels.csv", "payment,label\n\udce9", "labels.csv is no text in UTF-8"),
        ("labels.csv", "payment,label\np1,perhaps\n", "Input should be 'fraud' or 'legitimate'"),
    ],
)
def test_a_line_that_is_no_label_is_named(port: Serving, tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_bytes(text.encode("utf-8", "surrogateescape"))
    told = run(port, "--file", str(tmp_path / name), "--source", "bank")

    assert told.exit_code == 1
    assert said in told.stderr


@pytest.mark.parametrize("words", [(), ("p1",), ("p1", "fraud"), ("p1", "fraud", "--file", __file__)])
def test_what_is_missing_is_asked_for(port: Serving, words: tuple[str, ...]) -> None:
    assert run(port, *words).exit_code == 2
