import hmac
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.salts import Hmac, Salts, load_salts

OLD, NEW = "00" * 16, "ff" * 32
NUMBER = "4242424242424242"


def test_a_hash_is_an_hmac_under_a_key_derived_for_its_purpose() -> None:
    key = HKDF(SHA256(), 32, salt=b"payguard/hash", info=b"card").derive(bytes.fromhex(OLD))
    mac = HMAC(key, SHA256())
    mac.update(NUMBER.encode())
    assert Salts.parse(OLD).hash("card", NUMBER) == f"1:{mac.finalize().hex()}"


def test_purposes_salts_and_values_are_told_apart() -> None:
    salts = Salts.parse(OLD)
    seen = {salts.hash("card", NUMBER), salts.hash("email", NUMBER), salts.hash("card", NUMBER[:-1])}
    assert len({*seen, Salts.parse(NEW).hash("card", NUMBER)}) == 4


def test_the_first_salt_hashes_and_all_recognise() -> None:
    rotated = Salts.parse(f"b:{NEW},1:{OLD}")
    assert rotated.hash("card", NUMBER).startswith("b:")
    assert rotated.hashes("card", NUMBER) == (
        rotated.hash("card", NUMBER),
        Salts.parse(OLD).hash("card", NUMBER),
    )


def test_bytes_are_hashed_as_they_are_and_text_as_utf_8() -> None:
    salts = Salts.parse(OLD)
    assert salts.hash("card", b"\xff\x00").startswith("1:")
    assert salts.hashes("card", "é".encode()) == salts.hashes("card", "é")


def test_a_check_value_tells_another_salt_under_the_same_id_and_is_none_of_its_hashes() -> None:
    first, second = Salts.parse(f"a:{OLD},b:{NEW}"), Salts.parse(f"a:{NEW}")
    assert first.check_values().keys() == {"a", "b"}
    assert first.check_values()["a"] != second.check_values()["a"] == first.check_values()["b"]
    assert first.check_values()["a"] not in first.hash("card", "")


@given(st.text())
def test_any_text_can_be_hashed(value: str) -> None:
    if value.isprintable():
        assert len(Salts.parse(OLD).hash("card", value)) == 66


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "salt 1 has 0 bytes; at least 16 are needed"),
        ("abcd", "salt 1 has 2 bytes; at least 16 are needed"),
        ("hunter2hunter2hunter2hunter2", "salt 1 is not hex"),
        (f"{OLD},{NEW}", "two salts have the id 1; write id:hex,id:hex"),
        (f"a b:{OLD}", "the id of salt 1 is letters, digits, - and _"),
        (f"a:{OLD},a:{NEW}", "two salts have the id a; write id:hex,id:hex"),
    ],
)
def test_what_is_no_salt_is_refused_without_being_repeated(text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=r"salt") as caught:
        Salts.parse(text)
    assert str(caught.value) == problem


def test_without_a_setting_a_salt_is_made_once_and_kept_for_the_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    first = load_salts(None, folder)
    assert first.made == folder / "hash_salt"
    assert stat.S_IMODE(first.made.stat().st_mode) == 0o600
    second = load_salts(None, folder)
    assert second.made is None
    assert second.salts.hash("card", NUMBER) == first.salts.hash("card", NUMBER)
    assert [path.name for path in folder.iterdir()] == ["hash_salt"]


def test_a_setting_wins_and_leaves_the_data_folder_alone(tmp_path: Path) -> None:
    assert load_salts(OLD, tmp_path).salts.hash("card", NUMBER) == Salts.parse(OLD).hash("card", NUMBER)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_holds_no_salt_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hash_salt").write_text("oops")
    with pytest.raises(ValueError, match="salt 1 is not hex"):
        load_salts(None, tmp_path)


@given(st.binary(max_size=64), st.binary(max_size=200))
def test_an_hmac_is_what_the_standard_library_says(key: bytes, message: bytes) -> None:
    assert Hmac(key).hex(message) == hmac.new(key, message, "sha256").hexdigest()
