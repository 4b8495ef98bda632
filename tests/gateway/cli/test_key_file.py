from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from gateway.cli.key_file import change_file, new_bytes, new_id, read_file
from gateway.crypto.written import ID


def test_ids_and_keys_are_new_each_time_and_of_256_bits() -> None:
    assert new_id() != new_id()
    assert ID.fullmatch(new_id())
    assert new_bytes() != new_bytes()
    assert len(new_bytes()) == 32


def test_what_was_written_is_read_in_its_order_through_a_link_and_no_draft_stays(tmp_path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "keys")
    change_file(tmp_path / "link", lambda _: {"b": b"\1" * 32, "a": b"\2" * 32})

    assert list(read_file(tmp_path / "keys").items()) == [("b", b"\1" * 32), ("a", b"\2" * 32)]
    assert {each.name for each in tmp_path.iterdir()} == {"keys", "link"}


def test_a_file_that_is_away_or_empty_has_no_keys(tmp_path) -> None:
    (tmp_path / "empty").write_text("\n")

    assert read_file(tmp_path / "away") == read_file(tmp_path / "empty") == {}


def test_one_that_cannot_be_written_is_left_as_it_was(tmp_path) -> None:
    with pytest.raises(FileNotFoundError):
        change_file(tmp_path / "away" / "keys", lambda _: {"a": b"\1" * 32})


def test_of_changes_at_once_none_is_lost(tmp_path) -> None:
    begun = Barrier(2)

    def add(name: str) -> None:
        begun.wait()
        for _ in range(50):
            change_file(tmp_path / "keys", lambda kept: {f"{name}{len(kept)}": b"\1" * 32, **kept})

    with ThreadPoolExecutor() as pool:
        list(pool.map(add, ("a", "b")))
    assert len(read_file(tmp_path / "keys")) == 100
