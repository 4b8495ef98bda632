"""The public API: all that a plugin may import."""

from starlette.datastructures import MutableHeaders as Headers

from gateway.body import Body
from gateway.credentials import Credentials
from gateway.crypto.protocol import Unreadable
from gateway.currency import Exponents, Unit, minor_units
from gateway.errors import (
    BodyTooLarge,
    DependencyDown,
    DuplicateKey,
    GatewayError,
    InternalError,
    InvalidJson,
    Rejected,
    UpstreamBroken,
    UpstreamError,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gateway.exchange import Attempt, Delivery, Exchange, Reads, Received, Request, Reservation, Response
from gateway.facts import Card, Payment, Principal
from gateway.hookspecs import hookimpl
from gateway.json_keys import has_duplicate_key
from gateway.ledger.claims import claim_of
from gateway.ledger.records import Evidence, Record, State
from gateway.parts import (
    BadOption,
    Catalogue,
    Check,
    Component,
    Config,
    Filter,
    Guard,
    Job,
    Observer,
    OptionalConfig,
    Part,
    Resolver,
    Scope,
    Severity,
)
from gateway.pointer import Pointer, find
from gateway.spelling import did_you_mean
from gateway.units import Duration, SecretRef, Size

API_VERSION = 1
"""The version of this API.  A plugin that says ``PAYGUARD_API = 1`` is refused by a gateway of another one."""

__all__ = [
    "API_VERSION",
    "Attempt",
    "BadOption",
    "Body",
    "BodyTooLarge",
    "Card",
    "Catalogue",
    "Check",
    "Component",
    "Config",
    "Credentials",
    "Delivery",
    "DependencyDown",
    "DuplicateKey",
    "Duration",
    "Evidence",
    "Exchange",
    "Exponents",
    "Filter",
    "GatewayError",
    "Guard",
    "Headers",
    "InternalError",
    "InvalidJson",
    "Job",
    "Observer",
    "OptionalConfig",
    "Part",
    "Payment",
    "Pointer",
    "Principal",
    "Reads",
    "Received",
    "Record",
    "Rejected",
    "Request",
    "Reservation",
    "Resolver",
    "Response",
    "Scope",
    "SecretRef",
    "Severity",
    "Size",
    "State",
    "Unit",
    "Unreadable",
    "UpstreamBroken",
    "UpstreamError",
    "UpstreamTimeout",
    "UpstreamUnreachable",
    "claim_of",
    "did_you_mean",
    "find",
    "has_duplicate_key",
    "hookimpl",
    "minor_units",
]
