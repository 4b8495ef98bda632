"""E-mail addresses: what they say of themselves, and which of them are one mailbox.  Nothing is asked of the DNS."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from .event import MailSigns

PROVIDERS = (
    "gmail.com googlemail.com outlook.com hotmail.com live.com msn.com yahoo.com ymail.com icloud.com me.com mac.com "
    "aol.com proton.me protonmail.com gmx.de gmx.net gmx.com web.de mail.ru yandex.ru yandex.com zoho.com qq.com "
    "163.com 126.com naver.com orange.fr free.fr wanadoo.fr laposte.net libero.it t-online.de hotmail.co.uk "
    "yahoo.co.uk hotmail.fr yahoo.fr outlook.fr outlook.de comcast.net btinternet.com fastmail.com tutanota.com"
)
"""Providers of addresses for anybody, the most used of them (judged by hand)."""
FREE = frozenset(PROVIDERS.split())
IMITATED = tuple(each for each in PROVIDERS.split() if len(each) > 7)
"""Those whose near misses are looked for: of a short name, everything is a near miss."""
DOTS_MEAN_NOTHING = frozenset({"gmail.com", "googlemail.com"})
"""https://support.google.com/mail/answer/7436150"""
SAME_MAILBOX = {"googlemail.com": "gmail.com"}

_ADDRESS = re.compile(
    r"[^\s@\"(),:;<>\[\]\\]{1,64}@(?=.{1,253}$)(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]"
)
"""A dot-atom of RFC 5321 at a host name; quoted local parts, which nobody pays with, count as bad."""
_CONFUSED = str.maketrans(
    {"а": "a", "е": "e", "о": "o", "р": "p", "с": "c", "у": "y", "х": "x", "і": "i", "ӏ": "l", "ѕ": "s", "ԁ": "d",
     "м": "m", "т": "t", "ı": "i", "ɡ": "g", "ο": "o", "α": "a", "ν": "v", "0": "o", "1": "l"}
)  # fmt: skip
"""Letters of other alphabets and digits, to what they are taken for (a few of Unicode's confusables, UTS 39)."""


def judge(address: str) -> MailSigns:
    """The signs of an address as a customer wrote it."""
    local, _, domain = address.strip().lower().rpartition("@")
    if not _ADDRESS.fullmatch(f"{local}@{domain}") or ".." in local or local[:1] == "." or local[-1:] == ".":
        return MailSigns(bad_syntax=1.0)
    disposable, free, lookalike = _verdict(domain)
    digits = sum(each.isdigit() for each in local) / len(local)
    tagged = 1.0 if mailbox(address) != f"{local}@{domain}" else 0.0
    return MailSigns(0.0, disposable, free, lookalike, digits, tagged)


def mailbox(address: str) -> str:
    """The address that all its aliases have in common: count by this one.

    Lower case, nothing after a ``+``, and no dots where the provider reads none.
    """
    local, _, domain = address.strip().lower().rpartition("@")
    local = local.partition("+")[0] or local
    if domain in DOTS_MEAN_NOTHING:
        local = local.replace(".", "")
    return f"{local}@{SAME_MAILBOX.get(domain, domain)}"


@lru_cache(maxsize=4096)
def _verdict(domain: str) -> tuple[float, float, float]:
    """Of a domain: disposable, free, lookalike."""
    if domain in FREE:
        return 0.0, 1.0, 0.0
    return float(_is_disposable(domain)), 0.0, float(_is_lookalike(domain))


def _is_disposable(domain: str) -> bool:
    from disposable_email_domains import blocklist  # noqa: PLC0415 - half a megabyte that only scoring needs

    labels = domain.split(".")
    return any(".".join(labels[at:]) in blocklist for at in range(len(labels) - 1))


def _is_lookalike(domain: str) -> bool:
    """Whether it reads as a provider's domain and is none: by its letters, or by one letter more, less or other."""
    read = _as_read(domain)
    return read in FREE or any(_is_near(read, each) for each in IMITATED)


def _as_read(domain: str) -> str:
    try:
        shown = domain.encode().decode("idna") if "xn--" in domain else domain
    except UnicodeError:
        shown = domain
    plain = unicodedata.normalize("NFKD", shown).encode("utf-8", "ignore").decode()
    letters = "".join(each for each in plain if not unicodedata.combining(each))
    return letters.translate(_CONFUSED).replace("rn", "m").replace("vv", "w")


def _is_near(one: str, other: str) -> bool:
    """Whether one is the other but for one letter added, left out, changed, or exchanged with the next."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    here, there = one[start:], other[start:]
    if here[1:] == there[1:] or here[1:] == there or here == there[1:]:
        return True
    return here[:2] == there[1::-1] and here[2:] == there[2:]
