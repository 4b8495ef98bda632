"""Errors that a client may see.

* GatewayError
  + Rejected               the gateway refuses the request; the upstream never sees it
    - BodyTooLarge           more than the route buffers
    - InvalidJson            the body is not one JSON document
  + DependencyDown         something that a filter needs (store, ledger, vault) did not answer
  + UpstreamError
    - UpstreamUnreachable    no byte was sent
    - UpstreamTimeout        it may have acted
    - UpstreamBroken         it may have acted
  + InternalError          a bug: logged with its traceback, shown without

Each class carries its own ``status`` and ``code``, so nothing maps errors elsewhere.  ``code`` is public API:
clients branch on it.  Plugins subclass.
"""

from __future__ import annotations

from typing import Any, ClassVar


class GatewayError(Exception):
    """A failure that is rendered as an RFC 9457 problem.

    ``detail`` and ``members`` are shown to the client: never put there what only the inside may know.
    ``headers`` go on the answer, as ``Retry-After`` does.
    """

    status: int = 500
    code: ClassVar[str] = "internal_error"

    def __init__(self, detail: str = "", *, headers: dict[str, str] | None = None, **members: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers or {}
        self.members = members


class Rejected(GatewayError):
    status = 403
    code = "rejected"


class BodyTooLarge(Rejected):
    status = 413
    code = "body_too_large"


class InvalidJson(Rejected):
    status = 400
    code = "invalid_json"


class DependencyDown(GatewayError):
    status = 503
    code = "dependency_down"


class UpstreamError(GatewayError):
    status = 502
    code = "upstream_error"


class UpstreamUnreachable(UpstreamError):
    status = 503
    code = "upstream_unreachable"


class UpstreamTimeout(UpstreamError):
    status = 504
    code = "upstream_timeout"


class UpstreamBroken(UpstreamError):
    code = "upstream_broken"


class InternalError(GatewayError):
    pass
