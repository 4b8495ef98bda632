"""What a client is told: the rule and the place, never a piece of what it sent."""

from __future__ import annotations

from gateway import Rejected


class AttackSuspected(Rejected):
    """``rule`` and ``field`` in the problem say what was found, and where."""

    status = 403
    code = "attack_suspected"


class AmbiguousBody(Rejected):
    """Two parsers could read the same bytes differently."""

    status = 400
    code = "ambiguous_body"


class AmbiguousQuery(Rejected):
    status = 400
    code = "ambiguous_query"


class BodyTooComplex(Rejected):
    """It has more values, or nests deeper, than this route takes."""

    status = 413
    code = "body_too_complex"


class BodyExpands(Rejected):
    """Its content coding unfolds to more than this route takes."""

    status = 413
    code = "body_expands"


class ContentTypeMismatch(Rejected):
    """There is no Content-Type, more than one, or one that the body is not of."""

    status = 415
    code = "content_type_mismatch"


class BodyNotTaken(Rejected):
    """A kind of body, a charset or a content coding that this route does not take."""

    status = 415
    code = "body_not_taken"


class SchemaViolation(Rejected):
    """``pointer`` in the problem names the first field that is not as described, ``errors`` all of them."""

    status = 422
    code = "schema_violation"


class OperationNotDescribed(Rejected):
    """The route's OpenAPI description has no such operation."""

    status = 404
    code = "operation_not_described"
