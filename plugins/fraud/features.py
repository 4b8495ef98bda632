"""Features: what a model sees of a payment.  The same code computes them in training, in a backtest and in serving."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from .event import KINDS, Event, MailSigns
from .records import DAY, HOUR, MONTH, PEERS
from .state.protocol import Views
from .tallies import TALLIED

Values: TypeAlias = list[float]
"""One number for each of ``FEATURES``, in their order."""


class Feature(NamedTuple):
    """What a model, a hard rule and a reason call one number of a payment."""

    code: str
    about: str


_WHOLE = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_THOUSANDTHS = "bhd iqd jod kwd lyd omr tnd"
MAIN_UNITS = dict.fromkeys(_WHOLE.split(), 1.0) | dict.fromkeys(_THOUSANDTHS.split(), 0.001)
"""What a minor unit is of the main one (ISO 4217); a hundredth where it is not here."""
OLDEST = 365.0
"""Days: an account that is older counts as one of that age."""
NEW = 1.0
"""Days: how long a customer is new."""
NIGHT = (22 * HOUR, 6 * HOUR)
"""Seconds of the day, UTC."""
_FAR = 50.0
_SATURDAY = 2
"""The day of the week two days after 1970-01-01, a Thursday."""
NO_SIGNS = MailSigns()

_WINDOWS = ("1h", "1d", "7d", "30d")
_OWN = ("customer", "card", "email", "device", "ip")


def _velocities() -> list[Feature]:
    kinds = [(kind, what) for kind in _OWN for what in ("count", "sum")] + [("merchant", "count"), ("bin", "count")]
    words = {"count": "payments", "sum": "amount in main units of this currency"}
    return [
        Feature(f"{kind}_{what}_{window}", f"{words[what]} of the {_NAMES[kind]} in about {window} before it")
        for kind, what in kinds
        for window in _WINDOWS
    ]


_NAMES = {kind: {"email": "e-mail address", "ip": "IP address", "bin": "BIN"}.get(kind, kind) for kind in KINDS}

FEATURES: tuple[Feature, ...] = (
    Feature("amount", "the amount in main units of its currency"),
    Feature("amount_ratio", "the amount over the customer's usual one"),
    Feature("amount_deviation", "how many usual deviations the amount is above the customer's usual one"),
    Feature("merchant_amount_ratio", "the amount over the merchant's usual one"),
    Feature("customer_usual", "the customer's usual amount: a mean that no outlier moves far"),
    Feature("customer_payments", "amounts that the usual one is made of"),
    Feature("customer_gap_hours", "hours since the customer's last payment, at most 720"),
    Feature("account_age_days", "days since the account was made, or the customer first seen, at most 365"),
    Feature("new_user_amount", "the amount where the customer is less than a day old, else 0"),
    Feature("night", "1 from 22:00 to 06:00 UTC"),
    Feature("weekend", "1 on Saturday and Sunday, UTC"),
    Feature("country_mismatch", "1 where the country of the payment is not the card's"),
    Feature("currency_mismatch", "1 where the currency is another than the customer's first"),
    *(Feature(f"{kind}_declines", f"payments of the {_NAMES[kind]} that the bank declined in a row") for kind in _OWN),
    *(
        Feature(f"{peer}s_per_{kind}", f"different {_NAMES[peer]} keys with the {_NAMES[kind]} in about 7d")
        for kind, peers in zip(KINDS, PEERS, strict=True)
        for peer in peers
    ),
    *(
        feature
        for kind in TALLIED
        for feature in (
            *(
                Feature(
                    f"{kind}_fraud_{window}",
                    f"share of fraud of the {_NAMES[kind]} by labels due in {window}, smoothed",
                )
                for window in _WINDOWS[1:]
            ),
            Feature(f"{kind}_fraud_days", f"days since a fraud of the {_NAMES[kind]} was reported, at most 90"),
            Feature(f"{kind}_fraud_began_days", "days since the first of the frauds that led to that one, at most 90"),
            Feature(f"{kind}_fraud_row", f"the last labels of the {_NAMES[kind]} that are frauds, in a row"),
            Feature(f"{kind}_legitimate_since", "labels since the last fraud, all legitimate; 50 where there are more"),
        )
    ),
    Feature("email_bad_syntax", "1 where the e-mail address is none"),
    Feature("email_disposable", "1 where its domain gives addresses to throw away"),
    Feature("email_free", "1 where its domain gives addresses to anybody"),
    Feature("email_lookalike", "1 where its domain is written to look like a known provider's"),
    Feature("email_digits", "share of digits in what stands before the @"),
    Feature("email_tagged", "1 where it is an alias of another address"),
    *_velocities(),
)
"""Every number that a model may use, a hard rule may name and a reason may give."""

MEANING = 1
"""The version of what the features mean.  It rises with any change after which a model has to be trained again."""

CODES: tuple[str, ...] = tuple(each.code for each in FEATURES)
INDEX = {code: number for number, code in enumerate(CODES)}


def features(event: Event, views: Views) -> Values:
    """What ``FEATURES`` say of the payment, from what was known before it."""
    (customer, card, email, device, ip, merchant, bin_), labelled = views
    (_, at, _, minor, currency, *_, created, country, card_country, mail) = event
    unit = MAIN_UNITS.get(currency, 0.01) if currency else 0.01
    amount = minor * unit if minor else 0.0
    gap, age, ch1, cd1, cw1, cm1, csh, csd, csw, csm, n, mean, deviation, foreign, cdec, cp, _, _ = customer
    _, _, kh1, kd1, kw1, km1, ksh, ksd, ksw, ksm, _, _, _, _, kdec, kp0, kp1, kp2 = card
    _, _, eh1, ed1, ew1, em1, esh, esd, esw, esm, _, _, _, _, edec, ep, _, _ = email
    _, _, dh1, dd1, dw1, dm1, dsh, dsd, dsw, dsm, _, _, _, _, ddec, dp, _, _ = device
    _, _, ih1, id1, iw1, im1, ish, isd, isw, ism, _, _, _, _, idec, ip_, _, _ = ip
    usual = mean * unit
    ratio, away = 1.0, 0.0
    if n and minor is not None:
        ratio = min(_FAR, minor / mean) if mean > 0.0 else _FAR
        away = max(-_FAR, min(_FAR, (minor - mean) / (deviation + 0.1 * mean + 1.0)))
    usual_there = merchant[11]
    days = (at - created if created is not None else age) / DAY
    days = 0.0 if days < 0.0 else min(days, OLDEST)
    of_day = at % DAY
    return [
        amount,
        ratio,
        away,
        min(_FAR, minor / usual_there) if minor is not None and usual_there > 0.0 else 1.0,
        usual,
        n,
        (min(MONTH, gap)) / HOUR,
        days,
        amount if days < NEW and (created is not None or event[5] is not None) else 0.0,
        1.0 if of_day >= NIGHT[0] or of_day < NIGHT[1] else 0.0,
        1.0 if (at // DAY - _SATURDAY) % 7.0 < 2.0 else 0.0,
        1.0 if country and card_country and country != card_country else 0.0,
        1.0 if foreign and currency else 0.0,
        cdec, kdec, edec, ddec, idec,
        cp, kp0, kp1, kp2, ep, dp, ip_,
        *labelled[0], *labelled[1], *labelled[2], *labelled[3], *labelled[4],
        *(mail or NO_SIGNS),
        ch1, cd1, cw1, cm1, csh * unit, csd * unit, csw * unit, csm * unit,
        kh1, kd1, kw1, km1, ksh * unit, ksd * unit, ksw * unit, ksm * unit,
        eh1, ed1, ew1, em1, esh * unit, esd * unit, esw * unit, esm * unit,
        dh1, dd1, dw1, dm1, dsh * unit, dsd * unit, dsw * unit, dsm * unit,
        ih1, id1, iw1, im1, ish * unit, isd * unit, isw * unit, ism * unit,
        *merchant[2:6], *bin_[2:6],
    ]  # fmt: skip
