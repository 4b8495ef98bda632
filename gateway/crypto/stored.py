"""What is stored sealed: each column says how its values are bound, so that a newer key can seal them anew."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from gateway.crypto.fields import FIELD, PREFIX, field_bound, sealed_of, token_of
from gateway.crypto.protocol import Keyring

Row: TypeAlias = Mapping[str, Any]
Bound: TypeAlias = Callable[[str, Row], bytes]
"""From the tenant of the policy in force, and a row's ``id`` and ``columns`` by their names."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One column of a table, whose values are NULL or what a keyring has sealed.

    ``id`` is the table's primary key, of text.  ``columns`` are others that ``bound`` needs.  ``text``: the values are
    tokens of a FieldCipher, in text, instead of bytes.  ``key_column`` holds the id of the key, where one does.
    A value that changes is replaced where it is still what was read: whoever writes it otherwise never loses.
    """

    table: str
    column: str
    purpose: str
    bound: Bound
    id: str = "id"
    columns: Sequence[str] = ()
    text: bool = False
    key_column: str | None = None

    @classmethod
    def tokens(
        cls,
        table: str,
        column: str,
        purpose: str,
        *,
        field: str = "id",
        tenant: str = "tenant",
        key_column: str | None = None,
    ) -> Stored:
        """What ``scope.cipher(purpose).seal(row[field], …)`` gave, for the tenant that the row names."""

        def bound(_: str, row: Row) -> bytes:
            return field_bound(row[tenant], purpose, row[field])

        return cls(table, column, FIELD, bound, columns=(field, tenant), text=True, key_column=key_column)

    @property
    def name(self) -> str:
        return f"{self.table}.{self.column}"

    def begins(self, key: str) -> bytes | str:
        """What a value begins with that this key has sealed, and no other key's does."""
        return f"{PREFIX}{key}." if self.text else bytes((1, len(key))) + key.encode()

    def anew(self, keyring: Keyring, tenant: str, row: Row) -> bytes | str:
        """The row's value, sealed by the keyring's first key.  Unreadable where it does not open."""
        value, bound = row[self.column], self.bound(tenant, row)
        sealed = sealed_of(value) if self.text else bytes(value)
        again = keyring.seal(self.purpose, keyring.open(self.purpose, sealed, bound), bound)
        return token_of(keyring, again) if self.text else again
