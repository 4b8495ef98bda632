"""The public API: all that a plugin may import."""

from starlette.datastructures import MutableHeaders as Headers

from gateway.body import Body
from gateway.body_fields import AnswerNotProtected, FieldEntry, FieldRefused, Fields, FieldsConfig, Found
from gateway.credentials import Credentials
from gateway.crypto.fields import FieldCipher, field_message, is_token
from gateway.crypto.protocol import Unreadable
from gateway.currency import Exponents, Unit, minor_units
from gateway.database.protocol import Database, DatabaseDown
from gateway.errors import (
    BodyTooLarge,
    DependencyDown,
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
from gateway.ledger.claims import claim_of
from gateway.ledger.records import Evidence, Record, State
from gateway.look_ups import Unclear, as_text, blanks, filled, look_up, url_template
from gateway.parts import (
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
from gateway.pointer import Pattern, Pointer, find
from gateway.store.protocol import Procedure, Store, StoreDown, Table
from gateway.units import Duration, SecretRef, Size

API_VERSION = 1
"""The version of this API.  A plugin that says ``PAYGUARD_API = 1`` is refused by a gateway of another one."""

__all__ = [
    "API_VERSION",
    "AnswerNotProtected",
    "Attempt",
    "Body",
    "BodyTooLarge",
    "Card",
    "Check",
    "Component",
    "Config",
    "Credentials",
    "Database",
    "DatabaseDown",
    "Delivery",
    "DependencyDown",
    "Duration",
    "Evidence",
    "Exchange",
    "Exponents",
    "FieldCipher",
    "FieldEntry",
    "FieldRefused",
    "Fields",
    "FieldsConfig",
    "Filter",
    "Found",
    "GatewayError",
    "Guard",
    "Headers",
    "InternalError",
    "InvalidJson",
    "Job",
    "Observer",
    "OptionalConfig",
    "Part",
    "Pattern",
    "Payment",
    "Pointer",
    "Principal",
    "Procedure",
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
    "Store",
    "StoreDown",
    "Table",
    "Unclear",
    "Unit",
    "Unreadable",
    "UpstreamBroken",
    "UpstreamError",
    "UpstreamTimeout",
    "UpstreamUnreachable",
    "as_text",
    "blanks",
    "claim_of",
    "field_message",
    "filled",
    "find",
    "hookimpl",
    "is_token",
    "look_up",
    "minor_units",
    "url_template",
]
