from __future__ import annotations

import pytest

from gateway.crypto.fields import FieldCipher
from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.protocol import Unreadable
from gateway.crypto.stored import Stored

OLD = LocalKeyring.parse(f"old:{'00' * 32}")
BOTH = LocalKeyring.parse(f"new:{'ff' * 32},old:{'00' * 32}")

BYTES = Stored("things", "sealed", "thing", lambda tenant, row: f"{tenant}/{row['id']}".encode())
TOKENS = Stored.tokens("vault", "sealed", "vault", key_column="key_id")


def test_bytes_are_sealed_anew_for_the_same_place_by_the_first_key() -> None:
    row = {"id": "a", "sealed": OLD.seal("thing", b"secret", b"shop/a")}
    again = BYTES.anew(BOTH, "shop", row)

    assert isinstance(again, bytes)
    assert BOTH.key_of(again) == "new"
    assert BOTH.open("thing", again, b"shop/a") == b"secret"


def test_tokens_are_those_that_the_cipher_of_the_rows_tenant_opens() -> None:
    row = {"id": "a", "tenant": "shop", "sealed": FieldCipher(OLD, "shop", "vault").seal("a", {"number": 1})}
    again = TOKENS.anew(BOTH, "another", row)

    assert isinstance(again, str)
    assert FieldCipher(BOTH, "shop", "vault").open("a", again) == {"number": 1}


def test_what_a_key_has_sealed_begins_with_what_no_other_does() -> None:
    sealed, token = OLD.seal("thing", b"", b""), FieldCipher(OLD, "shop", "vault").seal("a", 1)
    ids = ("ol", "old", "older", "new")

    assert [key for key in ids if sealed.startswith(bytes(BYTES.begins(key)))] == ["old"]  # type: ignore[arg-type]
    assert [key for key in ids if token.startswith(str(TOKENS.begins(key)))] == ["old"]


def test_what_does_not_open_here_is_left_as_it_is() -> None:
    with pytest.raises(Unreadable):
        BYTES.anew(BOTH, "another", {"id": "a", "sealed": OLD.seal("thing", b"secret", b"shop/a")})
