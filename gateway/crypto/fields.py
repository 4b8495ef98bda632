"""Fields: single values of a document, sealed into text that can stand in their place."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NoBase64
from typing import Any

import orjson

from gateway.crypto.protocol import Keyring, Unreadable

PREFIX = "pg1."
FIELD = "field"
"""The purpose of the keyring for which fields are sealed, whatever theirs is."""


def is_token(value: Any) -> bool:
    """Whether it looks like what a FieldCipher seals: it may be forged, or another's."""
    return isinstance(value, str) and value.startswith(PREFIX) and value.count(".") == 2


class FieldCipher:
    """Seals values of fields; what was sealed opens in the same field, for the same tenant and purpose, and only there.

    A token is ``pg1.``, the id of its key, a dot, and what the keyring sealed in base64url (RFC 4648 §5) without
    padding.  Strings, numbers and whole objects are sealed as JSON, and come back as what they were.
    """

    def __init__(self, keyring: Keyring, tenant: str, purpose: str) -> None:
        self._keyring = keyring
        self._bound = _bound(tenant, purpose)

    def seal(self, field: str, value: Any) -> str:
        return token_of(self._keyring, self._keyring.seal(FIELD, orjson.dumps(value), self._bound + field.encode()))

    def open(self, field: str, token: str) -> Any:
        """Unreadable where it is none of ours, was changed, or belongs to another field, tenant or purpose."""
        sealed = sealed_of(token)
        if f"{PREFIX}{self._keyring.key_of(sealed)}." != token[: token.rindex(".") + 1]:
            raise Unreadable("it names another key than the one that it was sealed with")
        return orjson.loads(self._keyring.open(FIELD, sealed, self._bound + field.encode()))


def field_message(tenant: str, purpose: str, value: str | int, *, fold: bool = False) -> tuple[str, bytes]:
    """What is hashed of a field, and the purpose of that: no tenant or purpose can borrow from its neighbour.

    ``fold`` leaves out spaces around it, and its case.
    """
    text = str(value).strip().casefold() if fold else str(value)
    return FIELD, _bound(tenant, purpose) + text.encode()


def token_of(keyring: Keyring, sealed: bytes) -> str:
    """A token that holds what this keyring has sealed."""
    text = urlsafe_b64encode(sealed).rstrip(b"=").decode("ascii")
    return f"{PREFIX}{keyring.key_of(sealed)}.{text}"


def field_bound(tenant: str, purpose: str, field: str) -> bytes:
    """What the value of a field is bound to."""
    return _bound(tenant, purpose) + field.encode()


def _bound(tenant: str, purpose: str) -> bytes:
    return b"".join(b"%d:%b" % (len(each), each) for each in (tenant.encode(), purpose.encode()))


def sealed_of(token: str) -> bytes:
    """What a token holds.  Only in the one spelling that ``seal`` writes: two tokens are never one value."""
    if not is_token(token):
        raise Unreadable("it is no token of this gateway")
    text = token[token.rindex(".") + 1 :].encode()
    try:
        sealed = urlsafe_b64decode(text + b"=" * (-len(text) % 4))
    except NoBase64:
        sealed = b""
    if urlsafe_b64encode(sealed).rstrip(b"=") != text:
        raise Unreadable("it is not written as a token is")
    return sealed
