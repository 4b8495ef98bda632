"""What a client is told of a field that cannot be tokenised, or shown.  Nothing is said of what it holds."""

from __future__ import annotations

from gateway import DependencyDown, FieldRefused


class NoCardNumber(FieldRefused):
    """Its length, its first digits or its check digit are not a card's."""

    code = "card_number_invalid"


class AlreadyToken(FieldRefused):
    code = "field_already_token"


class NotToken(FieldRefused):
    code = "field_not_token"


class TokenUnknown(FieldRefused):
    """It was never made, has expired, was forgotten, or is another tenant's: which of these is told to nobody."""

    code = "token_unknown"


class NoCustomer(FieldRefused):
    code = "customer_missing"


class TooManyCards(FieldRefused):
    code = "too_many_cards"


class VaultUnreadable(DependencyDown):
    """The vault has it, and cannot open it: the key is missing, or somebody changed the row."""

    code = "vault_unreadable"
