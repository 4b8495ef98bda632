"""How an entry is written: its beginning, its hash, and what can be written at all."""

from __future__ import annotations

import hashlib

import orjson

from gateway.audit.entries import LIMIT, Seal, beginning, digest, genesis, linked, message, written


def test_the_text_of_an_entry_is_json_that_begins_with_its_place_and_the_hash_before_it() -> None:
    said = orjson.dumps({"action": "a.b"})
    line = linked(7, "ab" * 32, said, at=1700000000.1239, ip="1:5d41", policy="0123456789abcdef" * 4)

    assert line.decode().startswith(beginning(7, "ab" * 32))
    assert orjson.loads(line) == {
        "seq": 7,
        "prev": "ab" * 32,
        "at": 1700000000.123,
        "ip": "1:5d41",
        "policy": "0123456789abcdef",
        "action": "a.b",
    }
    assert orjson.loads(linked(7, "", said, at=1.0, ip=None, policy=""))["ip"] is None


def test_its_hash_is_the_sha_256_of_its_text_and_each_writer_begins_elsewhere() -> None:
    assert digest(b"text") == hashlib.sha256(b"text").hexdigest()
    assert genesis("one") != genesis("other")


def test_what_json_cannot_hold_is_written_as_it_can() -> None:
    said = orjson.loads(written({"half \ud800": ["\udfff", {"long": 1 << 70}], "detail": {}}))

    assert said == {"half ?": ["?", {"long": str(1 << 70)}], "detail": {}}


def test_what_is_too_long_is_kept_without_its_detail() -> None:
    said = written({"subject": "s" * 300, "number": 1, "detail": {"diff": "x" * LIMIT}})

    assert len(said) < LIMIT
    assert orjson.loads(said) == {"subject": "s" * 200, "number": 1, "detail": {"cut": LIMIT + 346}}


def test_a_seal_signs_all_that_it_says() -> None:
    seal = Seal("w", 7, "end", "ab", 1.5, "key", "signature")

    assert seal.message() == message("w", 7, "end", "ab", 1.5)
    changes = ({"writer": "v"}, {"seq": 8}, {"kind": "seal"}, {"hash": "ac"}, {"at": 1.6})
    assert all(seal._replace(**each).message() != seal.message() for each in changes)
