"""What a client is told of a field that does not fit; nothing of what it holds."""

from __future__ import annotations

from gateway import GatewayError, Rejected


class FieldRefused(Rejected):
    """``pointer`` leads to the field."""

    status = 422
    code = "field_refused"


class FieldMissing(FieldRefused):
    code = "field_missing"


class AlreadyEncrypted(FieldRefused):
    code = "field_already_encrypted"


class NotEncrypted(FieldRefused):
    code = "field_not_encrypted"


class FieldUnreadable(FieldRefused):
    """It was changed, cut, or belongs to another field, tenant, purpose or key."""

    status = 400
    code = "field_unreadable"


class AnswerNotProtected(GatewayError):
    """The upstream's answer has a field that does not fit; nothing of it is passed on."""

    status = 502
    code = "answer_not_protected"
