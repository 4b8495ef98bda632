"""An export: every entry's very text, every seal, and whether the file is whole."""

from __future__ import annotations

import orjson
import pytest

from gateway.audit import export
from gateway.audit.entries import Entry
from gateway.audit.export import NoExport, first, items, line
from tests.gateway.audit.conftest import SIGNER
from tests.gateway.audit.test_verification import Trail


def exported(*of: object) -> list[str]:
    given = list(of)
    entries = sum(isinstance(each, Entry) for each in given)
    ends = export.end(entries, len(given) - entries)
    return [f"{each}\n" for each in (export.head([SIGNER.public], 1e9), *map(line, given), ends)]


def test_what_is_written_is_read_again_and_each_line_is_json() -> None:
    trail = Trail()
    lines = exported(*trail.items())

    assert list(items(lines)) == list(trail.items())
    assert orjson.loads(lines[1])["entry"]["subject"] == "subject 1"
    assert orjson.loads(lines[0]) == {"payguard_audit": 1, "exported_at": 1e9, "keys": [SIGNER.public]}


@pytest.mark.parametrize("text", ["no JSON", "[1]", '"text"', '{"a":1}\n', '{"a":\n1}', "", '{"seal":"}'])
def test_a_text_that_is_no_entry_s_is_read_as_it_was(text) -> None:
    given = Entry("w", 1, "hash", text)

    assert list(items(exported(given))) == [given]


def test_the_seals_of_what_was_removed_stand_first() -> None:
    trail = Trail()
    seal, pledge = SIGNER.seal("w", 10, "kept", trail.at(10).hash, 2e9), SIGNER.seal("a:b", 0, "key", "c", 2e9)

    assert first(exported(seal, pledge, *trail.items())) == [seal, pledge]
    assert first(exported(*trail.items())) == []


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda lines: lines[1:], "line 1: this is no export"),
        (lambda lines: [], "line 1: it is no JSON"),
        (lambda lines: lines[:-1], "it ends after 20 entries and 5 seals, without the line that counts them"),
        (lambda lines: [*lines[:3], *lines[4:]], "line 26: it has 19 entries and 5 seals, and says"),
        (lambda lines: [lines[0], "{]\n"], "line 2: it is no JSON"),
        (lambda lines: [lines[0], "[]\n"], "line 2: it is no object"),
        (lambda lines: [lines[0], '{"seal": {"writer": "w"}}\n'], "line 2: it is neither an entry nor a seal"),
        (lambda lines: [lines[0], "{}\n"], "line 2: it is neither an entry nor a seal"),
    ],
)
def test_a_file_that_is_none_or_not_whole_is_refused(spoil, problem) -> None:
    with pytest.raises(NoExport, match=problem):
        list(items(spoil(exported(*Trail().items()))))
