"""Currencies, the exponents of their minor units, and amounts in them."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any, Literal, TypeAlias

Exponents: TypeAlias = Literal["iso4217", "stripe"]
Unit: TypeAlias = Literal["minor", "major"]

_DECIMAL = re.compile(r"-?[0-9]{1,19}(?:\.[0-9]{1,19})?")
_MOST_FLOAT = 10**12
"""With three decimals, 15 digits: what a float holds as it was written.  A larger amount is written as a string."""

_TWO = (
    "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd btn bwp byn bzd cad cdf chf cny cop "
    "crc cup cve czk dkk dop dzd egp ern etb eur fjd fkp gbp gel ghs gip gmd gtq gyd hkd hnl htg huf idr ils inr irr "
    "jmd kes kgs khr kpw kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop mru mur mvr mwk mxn myr mzn nad ngn "
    "nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sdg sek sgd shp sle sos srd ssp stn svc syp "
    "szl thb tjs tmt top try ttd twd tzs uah usd uyu uzs ved ves wst xcd xcg yer zar zmw zwg"
)
_NONE = "bif clp djf gnf isk jpy kmf krw pyg rwf ugx vnd vuv xaf xof xpf"
_THREE = "bhd iqd jod kwd lyd omr tnd"

ISO_4217: dict[str, int] = (
    dict.fromkeys(_TWO.split(), 2) | dict.fromkeys(_NONE.split(), 0) | dict.fromkeys(_THREE.split(), 3)
)
"""Active codes of ISO 4217 list one with their exponents (funds and metals left out)."""

STRIPE: dict[str, int] = ISO_4217 | {"isk": 2, "ugx": 2, "mga": 0}
"""As Stripe counts (https://docs.stripe.com/currencies#special-cases): ISK and UGX keep two digits, both zero."""

STRIPE_STEPS: dict[str, int] = {"isk": 100, "ugx": 100} | dict.fromkeys(("bhd", "jod", "kwd", "omr", "tnd"), 10)
"""What an amount must be a multiple of: Stripe takes three-digit currencies with a last digit of zero."""


def exponent(currency: str, rule: Exponents) -> int | None:
    """Digits of the minor unit of a lower-case code; None where the code is not known."""
    return (ISO_4217 if rule == "iso4217" else STRIPE).get(currency)


def step(currency: str, rule: Exponents) -> int:
    return STRIPE_STEPS.get(currency, 1) if rule == "stripe" else 1


def minor_units(value: Any, currency: str | None, unit: Unit = "minor", exponents: Exponents = "iso4217") -> int:
    """An amount of a document as an integer of minor units.  ValueError says, in a sentence, why it is none.

    With unit ``major`` it is a decimal number, or a string of one, in the currency's main unit; with ``minor`` an
    integer.
    """
    if unit == "minor":
        if not isinstance(value, int) or isinstance(value, bool):
            raise ValueError("The amount is not an integer of minor units")
        return value
    digits = exponent(currency or "", exponents) or 0
    minor = _decimal(value).scaleb(digits)
    if not minor.is_finite() or minor != minor.to_integral_value():
        raise ValueError(f"The amount is not a number with at most {digits} decimals")
    return int(minor)


def _decimal(value: Any) -> Decimal:
    """The number as it was written, in a string with neither exponent nor adornment; NaN where that cannot be told."""
    match value:
        case bool():
            return Decimal("NaN")
        case int():
            return Decimal(value)
        case float() if abs(value) < _MOST_FLOAT:
            return Decimal(str(value))
        case str() if _DECIMAL.fullmatch(value):
            return Decimal(value)
    return Decimal("NaN")
