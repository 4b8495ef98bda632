"""What a client is told of a field that cannot be encrypted, or shown."""

from __future__ import annotations

from gateway import FieldRefused


class AlreadyEncrypted(FieldRefused):
    code = "field_already_encrypted"


class NotEncrypted(FieldRefused):
    code = "field_not_encrypted"


class FieldUnreadable(FieldRefused):
    """It was changed, cut, or belongs to another field, tenant, purpose or key."""

    status = 400
    code = "field_unreadable"
