"""Errors that a client may see.

* GatewayError
  + Rejected               the gateway refuses the request; the upstream never sees it
    - BodyTooLarge           more than the route buffers
    - InvalidJson            the body is not one JSON document
    - DuplicateKey           an object of it has a key twice
    - ClientFailed           the client broke off, stalled or garbled its body
      * ClientTimeout, ClientGone
  + DependencyDown         something that a filter needs (store, ledger, vault) did not answer
    - CannotSeal             no key may encrypt: it has been used as often as it may be, or nobody counts
  + UpstreamError
    - UpstreamUnreachable    no byte was sent: refused, not resolved
      * ConnectTimeout, TlsFailed, PoolExhausted, TooLateToSend
    - UpstreamTimeout        it may have acted
      * FirstByteTimeout, IdleTimeout, TotalTimeout
    - AnswerTooLarge         more than a filter that reads it may buffer
    - UpstreamBroken         it may have acted: closed, reset, or not HTTP
  + GatewayStopped         it outlasted the drain deadline
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


class DuplicateKey(Rejected):
    status = 400
    code = "duplicate_key"


class ClientFailed(Rejected):
    """``code`` tells a client that stalled (408) from one that broke off or garbled its body (400)."""

    status = 400
    code = "client_broke_off"


class ClientTimeout(ClientFailed):
    status = 408
    code = "client_timeout"


class ClientGone(ClientFailed):
    """Nobody reads the answer; 499 is what nginx logs for it."""

    status = 499
    code = "client_gone"


class DependencyDown(GatewayError):
    status = 503
    code = "dependency_down"


class CannotSeal(DependencyDown):
    """A key seals so many times and no more; a newer one has to come before it."""

    code = "cannot_encrypt"


class UpstreamError(GatewayError):
    status = 502
    code = "upstream_error"


class UpstreamUnreachable(UpstreamError):
    status = 503
    code = "upstream_unreachable"


class ConnectTimeout(UpstreamUnreachable):
    status = 504
    code = "upstream_connect_timeout"


class TlsFailed(UpstreamUnreachable):
    status = 502
    code = "upstream_tls_failed"


class PoolExhausted(UpstreamUnreachable):
    code = "upstream_pool_exhausted"


class TooLateToSend(UpstreamUnreachable):
    """The right to send it ended before it could be; the upstream has no part in that."""

    code = "too_late_to_send"


class UpstreamTimeout(UpstreamError):
    status = 504
    code = "upstream_timeout"


class FirstByteTimeout(UpstreamTimeout):
    code = "upstream_first_byte_timeout"


class IdleTimeout(UpstreamTimeout):
    code = "upstream_idle_timeout"


class TotalTimeout(UpstreamTimeout):
    code = "upstream_total_timeout"


class UpstreamBroken(UpstreamError):
    code = "upstream_broken"


class AnswerTooLarge(UpstreamError):
    code = "answer_too_large"


class GatewayStopped(GatewayError):
    """Cut off at the drain deadline: ``delivery`` says what is certain of it."""

    status = 503
    code = "gateway_stopped"


class InternalError(GatewayError):
    pass
