"""Export: the trail as JSON Lines with its proof, which is verified without the database.

The first line says whose keys sealed it.  Each other is an entry, whose ``entry`` is the very text that was hashed, or
a seal; the last counts both.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

import orjson

from gateway.audit.entries import Entry, Seal

FORMAT = 1

_ENTRY = re.compile(r'\{"writer":"([^"\\]+)","seq":(-?\d+),"hash":"([^"\\]*)","entry":(.*)\}', re.DOTALL)


class NoExport(Exception):
    """The file is no export.  The text says what is wrong, and where."""


def head(keys: Iterable[str], at: float) -> str:
    return _json({"payguard_audit": FORMAT, "exported_at": at, "keys": list(keys)})


def line(item: Entry | Seal) -> str:
    if isinstance(item, Seal):
        return _json({"seal": item._asdict()})
    text = item.text if _is_plain(item.text) else _json(item.text)
    return f'{{"writer":{_json(item.writer)},"seq":{item.seq},"hash":{_json(item.hash)},"entry":{text}}}'


def end(entries: int, seals: int) -> str:
    return _json({"end": {"entries": entries, "seals": seals}})


def items(lines: Iterable[str]) -> Iterator[Entry | Seal]:
    """Of an export's lines.  NoExport where they are none, or end too early."""
    numbered = enumerate(lines, 1)
    first = _document(next(numbered, (1, ""))[1], 1)
    if first.get("payguard_audit") != FORMAT:
        raise NoExport("line 1: this is no export of an audit trail that this payguard knows")
    entries = seals = 0
    for number, text in numbered:
        match _read(text.rstrip("\n"), number):
            case Entry() as entry:
                entries += 1
                yield entry
            case Seal() as seal:
                seals += 1
                yield seal
            case _:
                return _counted(text, number, entries, seals)
    raise NoExport(f"it ends after {entries} entries and {seals} seals, without the line that counts them")


def first(lines: Iterable[str]) -> list[Seal]:
    """The seals that are needed before the others, as ``Reading.first`` has them: they stand first."""
    found: list[Seal] = []
    for number, text in enumerate(lines, 1):
        if number == 1:
            continue
        item = _read(text.rstrip("\n"), number) if text.startswith('{"seal":') else None
        if not isinstance(item, Seal) or item.kind not in ("kept", "key"):
            break
        found.append(item)
    return found


def _counted(text: str, number: int, entries: int, seals: int) -> None:
    said = _document(text, number).get("end")
    if said != {"entries": entries, "seals": seals}:
        raise NoExport(f"line {number}: it has {entries} entries and {seals} seals, and says {_json(said)}")


def _read(text: str, number: int) -> Entry | Seal | Literal["end"]:
    found = _ENTRY.fullmatch(text)
    if found is not None:
        entry = found[4]
        return Entry(found[1], int(found[2]), found[3], orjson.loads(entry) if entry[:1] == '"' else entry)
    document = _document(text, number)
    if "end" in document:
        return "end"
    try:
        return Seal(**document["seal"])
    except (KeyError, TypeError):
        raise NoExport(f"line {number}: it is neither an entry nor a seal") from None


def _document(text: str, number: int) -> dict[str, Any]:
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise NoExport(f"line {number}: it is no JSON: {error}") from None
    if not isinstance(document, dict):
        raise NoExport(f"line {number}: it is no object")
    return document


def _is_plain(text: str) -> bool:
    """Whether the text can stand in a line as it is: it is an object, as it should be, and one line."""
    try:
        return isinstance(orjson.loads(text), dict) and "\n" not in text and text.startswith("{") and text[-1:] == "}"
    except orjson.JSONDecodeError:
        return False


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
