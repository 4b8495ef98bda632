"""The public API: all that a plugin may import."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from starlette.datastructures import MutableHeaders as Headers

from gateway.body import Body
from gateway.body_fields import (
    AnswerNotProtected,
    FieldEntry,
    FieldRefused,
    Fields,
    FieldsConfig,
    Found,
    Opened,
    not_protected,
)
from gateway.card_data import is_card as holds_card
from gateway.cards import is_card
from gateway.credentials import Credentials
from gateway.crypto.fields import FieldCipher, field_message, is_token
from gateway.crypto.protocol import Unreadable
from gateway.crypto.stored import Stored
from gateway.currency import Exponents, Unit, minor_units
from gateway.database.protocol import Database, DatabaseDown, Row
from gateway.errors import (
    BodyTooLarge,
    CannotSeal,
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
from gateway.exchange import Attempt, Delivery, Exchange, Reads, Reservation
from gateway.facts import Card, Earlier, Payment, Principal
from gateway.fields import BEGINNINGS, FRAMING, HOP_BY_HOP, Pieces, pieces_of
from gateway.holding import Hold
from gateway.hookspecs import hookimpl
from gateway.ids import payment_id, payment_ids_until
from gateway.json_keys import has_duplicate_key
from gateway.ledger.claims import claim_of
from gateway.ledger.records import Evidence, Record, State
from gateway.look_ups import Unclear, as_text, blanks, filled, look_up, url_template
from gateway.messages import Received, Request, Response
from gateway.parts import (
    BadOption,
    Catalogue,
    Check,
    Component,
    Config,
    Filter,
    Guard,
    Job,
    Measure,
    Observer,
    OptionalConfig,
    Part,
    Resolver,
    Scope,
    Severity,
)
from gateway.people import PersonName, Reason, Uncarded
from gateway.pointer import Pattern, Pointer, find
from gateway.spelling import did_you_mean
from gateway.store.pools import close_pool, redis_pool
from gateway.store.protocol import Procedure, Store, StoreDown, Table
from gateway.units import Duration, SecretRef, Size

if TYPE_CHECKING:
    from gateway.cli.admin_port import AdminPort, asks_gateway, login
    from gateway.component_routes import author_of, body_of, done, json_answer

API_VERSION = 1
"""The version of this API.  A plugin that says ``PAYGUARD_API = 1`` is refused by a gateway of another one."""

__all__ = [
    "API_VERSION",
    "BEGINNINGS",
    "FRAMING",
    "HOP_BY_HOP",
    "AdminPort",
    "AnswerNotProtected",
    "Attempt",
    "BadOption",
    "Body",
    "BodyTooLarge",
    "CannotSeal",
    "Card",
    "Catalogue",
    "Check",
    "Component",
    "Config",
    "Credentials",
    "Database",
    "DatabaseDown",
    "Delivery",
    "DependencyDown",
    "DuplicateKey",
    "Duration",
    "Earlier",
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
    "Hold",
    "InternalError",
    "InvalidJson",
    "Job",
    "Measure",
    "Observer",
    "Opened",
    "OptionalConfig",
    "Part",
    "Pattern",
    "Payment",
    "PersonName",
    "Pieces",
    "Pointer",
    "Principal",
    "Procedure",
    "Reads",
    "Reason",
    "Received",
    "Record",
    "Rejected",
    "Request",
    "Reservation",
    "Resolver",
    "Response",
    "Row",
    "Scope",
    "SecretRef",
    "Severity",
    "Size",
    "State",
    "Store",
    "StoreDown",
    "Stored",
    "Table",
    "Uncarded",
    "Unclear",
    "Unit",
    "Unreadable",
    "UpstreamBroken",
    "UpstreamError",
    "UpstreamTimeout",
    "UpstreamUnreachable",
    "as_text",
    "asks_gateway",
    "author_of",
    "blanks",
    "body_of",
    "claim_of",
    "close_pool",
    "did_you_mean",
    "done",
    "field_message",
    "filled",
    "find",
    "has_duplicate_key",
    "holds_card",
    "hookimpl",
    "is_card",
    "is_token",
    "json_answer",
    "login",
    "look_up",
    "minor_units",
    "not_protected",
    "payment_id",
    "payment_ids_until",
    "pieces_of",
    "redis_pool",
    "url_template",
]


_LATE = {
    **dict.fromkeys(("AdminPort", "asks_gateway", "login"), "gateway.cli.admin_port"),
    **dict.fromkeys(("author_of", "body_of", "done", "json_answer"), "gateway.component_routes"),
}
"""What commands and admin routes of plugins call: a process that has none imports nothing of it."""


def __getattr__(name: str) -> Any:
    if name not in _LATE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_LATE[name]), name)
