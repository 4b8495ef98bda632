from __future__ import annotations

from gateway.cli.key_rows import print_keys


def test_a_key_of_unknown_age_and_what_is_refused_are_told(capsys) -> None:
    item = {"setting": "ENCRYPTION_KEY", "id": "1", "use": "missing", "since": None, "uses": 65536, "stored": {}}
    salt = {
        "setting": "HASH_SALT",
        "id": "s",
        "use": "first",
        "since": "2026-11-27T03:00:00Z",
        "uses": 0,
        "stored": None,
    }
    walk = {"done_at": None, "moved": 7, "unreadable": 1}
    print_keys({"items": [item, salt], "rejected": {"HASH_SALT": "it is none"}, "reencryption": walk})

    said = capsys.readouterr()
    rows = [line.split() for line in said.out.splitlines()]
    assert rows[1] == ["ENCRYPTION_KEY", "1", "missing", "before", "this", "was", "noted", "≤", "65536", "nothing"]
    assert rows[2] == ["HASH_SALT", "s", "in", "use", "2026-11-27T03:00:00Z"]
    assert said.out.endswith("re-encryption: under way, 7 encrypted anew, 1 unreadable\n")
    assert said.err == "HASH_SALT: what its file holds now is not taken: it is none\n"
