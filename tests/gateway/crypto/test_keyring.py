from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.crypto.keyring import Allowance, LocalKeyring
from gateway.crypto.protocol import Unreadable
from gateway.errors import CannotSeal

OLD, NEW = "00" * 32, "ff" * 32
PLACE = b"shop, payment 1"


def test_it_is_aes_256_gcm_under_a_key_derived_for_its_purpose() -> None:
    sealed = LocalKeyring.parse(f"k2:{OLD}").seal("request", b"secret", PLACE)
    prefix, nonce, ciphertext = sealed[:4], sealed[4:16], sealed[16:]
    key = HKDF(SHA256(), 32, salt=b"payguard/keyring", info=b"request").derive(bytes.fromhex(OLD))

    assert prefix == b"\x01\x02k2"
    assert AESGCM(key).decrypt(nonce, ciphertext, prefix + PLACE) == b"secret"


def test_the_first_key_seals_and_all_open() -> None:
    old, rotated = LocalKeyring.parse(f"1:{OLD}"), LocalKeyring.parse(f"2:{NEW},1:{OLD}")

    assert rotated.open("request", old.seal("request", b"a", PLACE), PLACE) == b"a"
    assert LocalKeyring.parse(f"2:{NEW}").open("request", rotated.seal("request", b"b", PLACE), PLACE) == b"b"


def test_a_key_that_is_missing_is_named() -> None:
    sealed = LocalKeyring.parse(f"2026:{OLD}").seal("request", b"a", PLACE)
    with pytest.raises(Unreadable, match=r"^it was sealed with the key 2026, which this gateway does not have$"):
        LocalKeyring.parse(f"2027:{NEW}").open("request", sealed, PLACE)


def test_another_key_under_the_same_id_does_not_open() -> None:
    sealed = LocalKeyring.parse(OLD).seal("request", b"a", PLACE)
    with pytest.raises(Unreadable, match=r"^it was changed, or belongs elsewhere, or was sealed with another key than"):
        LocalKeyring.parse(NEW).open("request", sealed, PLACE)


def test_the_id_of_the_key_is_authenticated_too() -> None:
    sealed = LocalKeyring.parse(f"a:{OLD}").seal("request", b"secret", PLACE)
    with pytest.raises(Unreadable, match="it was changed"):
        LocalKeyring.parse(f"b:{OLD}").open("request", sealed.replace(b"\x01a", b"\x01b", 1), PLACE)


def test_a_check_value_tells_another_key_under_the_same_id_and_is_no_key() -> None:
    first, second = LocalKeyring.parse(f"a:{OLD},b:{NEW}"), LocalKeyring.parse(f"a:{NEW}")

    assert first.check_values().keys() == {"a", "b"}
    assert first.check_values()["a"] != second.check_values()["a"] == first.check_values()["b"]
    assert first.check_values() == LocalKeyring.parse(f"a:{OLD},b:{NEW}").check_values()
    assert all(len(value) == 16 and value not in OLD + NEW for value in first.check_values().values())


@pytest.mark.parametrize("text", ["abcd", "00" * 31, "00" * 33])
def test_a_key_of_another_length_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r"^key 1 has \d+ bytes; 32 are needed, 64 hexadecimal digits$"):
        LocalKeyring.parse(text)


def test_what_was_sealed_names_its_key_and_anything_else_is_unreadable() -> None:
    ring = LocalKeyring([("2026-b", bytes(32)), ("old", bytes(range(32)))])
    assert ring.key_of(ring.seal("field", b"x", b"")) == "2026-b"
    with pytest.raises(Unreadable):
        ring.key_of(b"plain")


def test_whoever_holds_a_keyring_sees_the_keys_that_it_adopts() -> None:
    keyring = LocalKeyring.parse(f"old:{OLD}")
    before = keyring.seal("request", b"a", PLACE)
    keyring.adopt(LocalKeyring.parse(f"new:{NEW},old:{OLD}"), "old", Allowance(9))
    assert (keyring.ids, keyring.first, list(keyring.check_values())) == (("new", "old"), "old", ["old", "new"])
    keyring.adopt(keyring, "new", Allowance(9))

    assert keyring.key_of(keyring.seal("request", b"", PLACE)) == "new"
    assert keyring.open("request", before, PLACE) == b"a"
    assert list(keyring.check_values()) == ["new", "old"]


def test_an_allowance_asks_for_more_once_when_half_of_it_is_used_and_again_when_nothing_is_left() -> None:
    asked: list[int] = []
    allowance = Allowance(ask=lambda: asked.append(allowance.left))
    allowance.grant(4)
    keyring = LocalKeyring.parse(OLD)
    keyring.meter(allowance)
    for _ in range(4):
        keyring.seal("request", b"", PLACE)
    assert asked == [1]
    for _ in range(2):
        with pytest.raises(CannotSeal):
            keyring.seal("request", b"", PLACE)
    assert len(asked) == 3

    allowance.grant(1)
    keyring.seal("request", b"", PLACE)
