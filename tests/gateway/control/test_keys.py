"""The salts and the keyring, as the settings or a plugin give them."""

from __future__ import annotations

import pytest

from gateway import Unreadable
from gateway.control.start import BadStart
from gateway.crypto.keyring import LocalKeyring

KMS = """\
from gateway import hookimpl

class Kms:
    def seal(self, purpose, data, bound):
        return data

    def open(self, purpose, sealed, bound):
        return sealed

    def check_values(self):
        return {}

@hookimpl
def create_keyring(settings):
    return Kms()
"""


def test_each_salt_is_masked_by_itself(foundation) -> None:
    old, new = "ab" * 16, "cd" * 16
    laid = foundation(hash_salt=f"new:{new},{old}")
    assert laid.masking.text(f"{new} and {old}") == "[masked] and [masked]"


def test_a_salt_that_is_made_is_masked(foundation, tmp_path) -> None:
    laid = foundation(hash_salt=None)
    made = (tmp_path / "data" / "hash_salt").read_text()
    assert laid.masking.text(f"it is {made}") == "it is [masked]"


def test_a_salt_that_is_none_is_one_line_without_it(foundation) -> None:
    with pytest.raises(BadStart, match=r"^HASH_SALT: salt 1 is not hex$"):
        foundation(hash_salt="not hex at all, is it")


def test_a_salt_is_made_where_there_is_none_and_is_the_same_the_next_time(foundation, tmp_path) -> None:
    first, second = (foundation(hash_salt=None).services.salts.hash("card", "4242") for _ in range(2))
    assert first == second
    assert (tmp_path / "data" / "hash_salt").exists()


def test_a_kept_salt_that_was_spoiled_is_one_line(foundation, tmp_path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "hash_salt").write_text("spoiled")
    with pytest.raises(BadStart, match="hash_salt"):
        foundation(hash_salt=None)


async def test_without_a_key_there_is_no_keyring_and_that_is_said_once(foundation, capfd) -> None:
    laid = foundation(log_level="warning")
    assert laid.services.keyring is None
    await laid.lines.close()
    assert capfd.readouterr().out.count("no ENCRYPTION_KEY is set: bodies of payments are not kept") == 1


async def test_the_first_key_seals_once_its_uses_are_counted_and_all_open(foundation, sqlite_path) -> None:
    old, new = "ab" * 32, "cd" * 32
    laid = foundation(encryption_key=f"new:{new},1:{old}", database_url=f"sqlite:///{sqlite_path}")
    await laid.database.open()
    await laid.key_watch.at_start()
    keyring = laid.services.keyring

    assert keyring.open("request", LocalKeyring.parse(old).seal("request", b"data", b""), b"") == b"data"
    with pytest.raises(Unreadable, match="the key new, which this gateway does not have"):
        LocalKeyring.parse(old).open("request", keyring.seal("request", b"data", b""), b"")
    await laid.services.close()


def test_keys_and_salts_are_read_from_files_that_the_settings_name(foundation, tmp_path) -> None:
    key, salt = tmp_path / "key", tmp_path / "salt"
    key.write_text(f"new:{'cd' * 32}\n1:{'ab' * 32}\n")
    salt.write_text(f"s:{'ab' * 16}\n")
    laid = foundation(encryption_key=f"file:{key}", hash_salt=f"file:{salt}")

    assert laid.services.keyring.check_values().keys() == {"new", "1"}
    assert laid.services.salts.ids == ("s",)
    assert [file.path for file in laid.key_files.files] == [salt, key]
    assert laid.masking.text(f"{key} holds {'cd' * 32}") == f"{key} holds [masked]"


def test_a_file_that_cannot_be_read_is_one_line(foundation, tmp_path) -> None:
    with pytest.raises(BadStart, match=r"^ENCRYPTION_KEY: cannot read .*/away: no such file or directory$"):
        foundation(encryption_key=f"file:{tmp_path / 'away'}")


def test_each_key_is_masked_by_itself(foundation) -> None:
    old, new = "ab" * 32, "cd" * 32
    laid = foundation(encryption_key=f"new:{new}, 1:{old}")
    assert laid.masking.text(f"{new} and {old}") == "[masked] and [masked]"


def test_a_key_that_is_none_is_one_line_without_it(foundation) -> None:
    with pytest.raises(BadStart, match=r"^ENCRYPTION_KEY: key 1 is not hex$"):
        foundation(encryption_key="not hex at all, is it")


def test_create_keyring_of_a_plugin_takes_the_place_of_the_settings(foundation, tmp_path) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / "kms.py").write_text(KMS)
    laid = foundation(plugin_dirs=(tmp_path / "ours",), encryption_key="ab" * 32)

    assert type(laid.services.keyring).__name__ == "Kms"
    assert (laid.key_watch.local, laid.key_watch.references) == (None, None)  # its keys are counted by it
