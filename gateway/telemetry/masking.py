"""Masking: what may not be written anywhere is taken out of text, of documents and of encoded lines."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from enum import Enum
from typing import Any
from urllib.parse import quote

import orjson

from gateway import cards
from gateway.spellings import readings

MASK = "[masked]"

FIELDS = frozenset(
    {
        "access_token",
        "account_number",
        "api_key",
        "authorization",
        "card_code",
        "card_number",
        "card_verification",
        "card_verification_value",
        "client_secret",
        "cookie",
        "csc",
        "cvc",
        "cvc2",
        "cvn",
        "cvv",
        "cvv2",
        "iban",
        "pan",
        "password",
        "pin",
        "proxy_authorization",
        "secret",
        "security_code",
        "set_cookie",
        "verification_value",
        "x_api_key",
    }
)
"""Names whose values are masked whatever they hold, in ``snake_case``, ``kebab-case``, ``camelCase`` or capitals."""

_MOST_SECRETS = 250
_SHORTEST_SECRET = 4
_MOST_CLEAN, _SHORT = 500, 40
_ID = (
    r"(?<![0-9A-Za-z])(?:"
    r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # a UUID
    r"|(?=[0-9]*[a-fA-F])[0-9a-fA-F]{16,}"  # a digest, a trace id: hexadecimal, with a letter in it
    r")(?![0-9A-Za-z])"
)
_VALUE = (
    r"(?:\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'"
    r"|(?:(?i:basic|bearer|digest|negotiate)\s+)?[^\s\"',;&}\]]+(?:;\s*[^\s\"',;&}\]]+)*)"
)
_TOKENS = (
    r"(?P<key>(?:[sr]k_(?:live|test)|whsec)_)[0-9A-Za-z+/=]{4,}"
    r"|(?P<bearer>(?i:\bbearer)[ \t]+)[0-9A-Za-z\-._~+/]{8,}=*"
    r"|(?P<jwt>eyJ[0-9A-Za-z_\-]{5,}\.[0-9A-Za-z_\-]{5,}\.[0-9A-Za-z_\-]*)"
)

_CODE_NAMES = r"cvc2?|cvv2?|cvn2?|security[ _-]?code|card[ _-]?code|verification[ _-]?(?:value|code)"
_NUMBER = re.compile(r"[0-9\-]+")

# A clean line is told by looking for few fixed strings in a folded copy: every digit is 0, letters are small, and what
# may stand between digits is gone.  That is 40 times faster than the pattern, which runs only where one is there.
_FOLDED = bytes(48 if 48 <= byte < 58 else byte for byte in bytes(range(256)).lower())
_APART = b" -+._"
_DIGITS, _LIVE, _TEST, _WHSEC, _BEARER = b"0" * 13, b"klive", b"ktest", b"whsec", b"bearer"
_CODES = (b"cvc", b"cvv")
_SPELLED = re.compile(rb"\\[bfnrtux]")  # what JSON, or a text itself, writes another way
_BACKSLASH, _PERCENT = b"\\%"
_B, _J, _K, _V, _W = b"bJkvw"  # whether a byte is in it costs a tenth of looking for more than one


class Masking:
    """Takes card numbers, tokens, registered secrets and named fields out of what is about to be written.

    ``add_secret`` takes effect at once, for everything written from then on.  Values of fields that are ``spared`` are
    not taken for card numbers: of 13 to 19 random digits two or three in a hundred look like one.
    """

    def __init__(self, fields: Iterable[str] = (), *, spared: Iterable[str] = ()) -> None:
        named, spared = FIELDS.union(fields), frozenset(spared)
        self.fields = frozenset(map(_folded_name, named))
        self.spared = frozenset(map(_folded_name, spared)) - self.fields
        self._pattern = _pattern(named, spared)
        self._registered: dict[str, None] = {}
        self._secrets: tuple[str, ...] = ()
        self._encoded: tuple[bytes, ...] = ()
        self._clean: set[str] = set()
        self.plain = Plain(self.suspects)

    def add_secret(self, value: str) -> None:
        """Mask ``value`` wherever it stands, also as JSON or a URL write it.

        One of less than four characters is part of too much else to be told apart, and is not masked.
        """
        if len(value) < _SHORTEST_SECRET or value in self._registered:
            return
        self._registered[value] = None
        if len(self._registered) > _MOST_SECRETS:  # they rotate; one that so many others came after opens nothing
            del self._registered[next(iter(self._registered))]
        forms = {form for secret in self._registered for form in (secret, _as_json(secret), quote(secret, safe=""))}
        self._secrets = tuple(sorted(forms, key=len, reverse=True))
        self._encoded = tuple(form.encode() for form in self._secrets)
        self._clean.clear()
        self.plain.clear()

    def names(self, field: str) -> bool:
        """Whether a field of this name is masked whatever it holds."""
        return _folded_name(field) in self.fields

    def text(self, text: str) -> str:
        """``text`` without anything secret; a field's value is found also in ``name=value`` and ``"name": "value"``.

        Where something secret is spelled another way, as URLs, JSON, HTML or another encoding do, it is decoded first.
        """
        masked = self._plainly(text)
        for spelled in readings(masked):
            if (found := self._plainly(spelled)) != spelled:
                return found
        return masked

    def _plainly(self, text: str) -> str:
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, MASK)
        masked = self._pattern.sub(_replacement, text)
        return masked if masked == text else cards.beside(masked)

    def line(self, line: bytes) -> bytes:
        """One encoded JSON document: itself where it is clean, else masked and encoded again."""
        if not self.suspects(line):
            return line
        return orjson.dumps(self.document(orjson.loads(line)))

    def suspects(self, line: bytes) -> bool:
        """Whether ``line`` may hold something secret; False is certain, but for fields, which only their name tells."""
        folded = line.translate(
            _FOLDED, _APART
        )  # searched by find(): on CPython 3.11 `in` first tries an integer, 0.5 µs
        if (
            folded.find(_DIGITS) >= 0
            or (_B in folded and folded.find(_BEARER) >= 0)
            or (_K in folded and (folded.find(_LIVE) >= 0 or folded.find(_TEST) >= 0))
            or (_W in folded and folded.find(_WHSEC) >= 0)
            or (_J in line and line.find(b"eyJ") >= 0)
            or (_V in folded and (folded.find(_CODES[0]) >= 0 or folded.find(_CODES[1]) >= 0))
            or (_BACKSLASH in line and _SPELLED.search(line) is not None)
            or _PERCENT in line
            or not line.isascii()  # digits of other scripts
        ):
            return True
        for secret in self._encoded:  # noqa: SIM110 - any() costs more than the search
            if line.find(secret) >= 0:
                return True
        return False

    def document(self, value: Any) -> Any:
        """A copy of JSON-like data, masked by the names of its fields and by what its texts and integers hold."""
        match value:
            case str():  # also a StrEnum
                return value if value in self._clean else self._judge(value)
            case bool() | None | float():
                return value
            case int():
                return value if abs(value) < 10**12 else self._number(value)
            case Mapping():
                return {self._key(key): self._field(key, item) for key, item in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.document(item) for item in value]
            case _:
                return self.text(str(value.value if isinstance(value, Enum) else value))

    def _judge(self, text: str) -> str:
        """Most texts of a document come again and again: what was clean once need not be looked through again."""
        masked = self.text(text if text.isascii() else _encodable(text))
        if masked == text and len(text) <= _SHORT:
            if len(self._clean) >= _MOST_CLEAN:
                self._clean.clear()
            self._clean.add(text)
        return masked

    def _key(self, key: Any) -> str:
        return key if key in self._clean else self._judge(str(key))

    def _field(self, key: Any, value: Any) -> Any:
        name = _folded_name(str(key))
        if name in self.fields and value is not None:
            return MASK
        if name in self.spared and isinstance(value, str | int) and _NUMBER.fullmatch(str(value)):
            return value
        return self.document(value)

    def _number(self, value: int) -> Any:
        masked = self.text(text := str(value))
        return value if masked == text and -(1 << 63) <= value < 1 << 64 else masked  # JSON as orjson writes it


class Suspected(Exception):
    """The text may hold something secret."""


class Plain(dict[str, str]):
    """Texts as JSON writes them, looked up by the text; Suspected for one that may hold something secret.

    Those that come again and again are looked through once.
    """

    def __init__(self, suspects: Callable[[bytes], bool]) -> None:
        super().__init__()
        self._suspects = suspects

    def __missing__(self, text: str) -> str:
        encoded = orjson.dumps(text)
        if self._suspects(encoded):
            raise Suspected
        written = encoded.decode()
        if len(text) <= _SHORT:
            if len(self) >= _MOST_CLEAN:
                self.clear()
            self[text] = written
        return written


def _replacement(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "run":
            return cards.conceal(found[0], found.string[found.start() - 1 : found.start()])
        case "key" | "bearer" | "field" as kept:
            return found[kept] + MASK
        case "code":
            return found["code"] + "***"
        case "jwt":
            return MASK
        case _:
            return found[0]


def _pattern(fields: Iterable[str], spared: Collection[str]) -> re.Pattern[str]:
    begins = r"(?<![0-9A-Za-z_\-])"
    field = rf"(?P<field>{begins}(?i:{_any(fields)})[\"'\]]*\s*[=:]\s*)(?!\[masked\]){_VALUE}"
    code = rf"(?P<code>(?i:{_CODE_NAMES})[^0-9A-Za-z\n]{{0,4}}(?:is|was|=)?[^0-9A-Za-z\n]{{0,4}})\d{{3,4}}(?!\d)"
    number = rf"|(?P<spared>{begins}(?i:{_any(spared)})[\"']?\s*[=:]\s*[\"']?[\d\-]+)" if spared else ""
    return re.compile(rf"(?P<id>{_ID}){number}|(?P<run>{cards.RUN})|{_TOKENS}|{field}|{code}")


def _any(names: Iterable[str]) -> str:
    return "|".join("[_-]?".join(_words(name)) for name in sorted(names, reverse=True))


def _folded_name(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")


def _words(name: str) -> list[str]:
    """``card_number``, ``Card-Number`` and ``cardNumber`` are the same two."""
    return re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())


def _encodable(text: str) -> str:
    """Without the halves of characters that UTF-8 has no bytes for."""
    return text.encode("utf-8", "backslashreplace").decode()


def _as_json(text: str) -> str:
    return orjson.dumps(text).decode()[1:-1]
