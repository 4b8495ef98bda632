"""Expressions that a template, a logger or a server would evaluate."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .rules import RULES, Hit, Kind

_LOOKUP = re.compile(r"\$\{\s*(?:\$\{[^}]{0,40}\}|[a-z]{1,6}|[^a-z}]{0,4}?:)*+[^{}]{0,20}(?::|\$\{)|\$\{[^}]{0,200}\$\{[^}]{0,200}\}|\$\{(?:jndi|env|sys|lower|upper|ctx|date|java|main|map|sd|marker|bundle|docker|k8s|log4j|spring|script|dns|url|base64\w*|urldecoder|const|file|properties|xml|resourcebundle)\s*:")
_INSIDE = re.compile(
    r"\d\s*[*+/-]\s*['\"\d]|\w\s*\(|[\w\])\"']\s*\.\s*[a-z_]\w*|['\"]\s*[+*|]|\[\s*['\"\d]|__\w+__|\||@\w+[.@(]|\bt\(|::|\brequest\b|\bself\b|\bconfig\b|\bsettings\b|\bthis\b|\bdump\b|\bprocess\b|\bnew\b|=>|\bself\b|\bapp\b|\bnamespace\b|\blipsum\b|\bcycler\b|\benv\b"
)
_PAIRS = re.compile(
    r"\{\{(?P<a>.{1,400}?)\}\}|\{%(?P<b>.{1,300}?)%\}|[$#*@~]\{(?P<c>[^{}]{1,300})\}|\{(?P<d>(?:php|if|literal|system|self::|\$smarty|function|include|math)\b[^}]{0,200})\}"
    r"|\[\[(?P<e>[^\]]{1,200})\]\]|\{\{?=(?P<f>[^}]{1,200})\}|\$\{\{(?P<g>.{1,200}?)\}\}|\{#(?P<h>[^}]{1,200})#?\}|@\((?P<i>[^)]{1,200}\)?)\)",
    re.DOTALL,
)
_CODE = re.compile(
    r"<%[=#@!:-]?.{0,200}?%>|<\?(?:php\b|=).{0,200}|<!--\s*\#\s*(?:exec|include|echo|set|config|printenv|if)\b|<#assign|<\#--|\#set\s*\(|\#(?:evaluate|include|parse|foreach|if)\s*\(|<@\w+|\b__(?:class|mro|subclasses|globals|builtins|init|import)__\b|%\{\s*(?:\(\#|\#\w+\s*=|@|\d\s*[*+]|\#)"
    r"|freemarker\.template|java\.lang\.\w+|getclass\s*\(\s*\)|\#_memberaccess|\bognl\b|class\.module\.classloader|javax\.\w+\.|org\.apache\.\w+|rO0ABX|\ballowstaticmethodaccess|\{php\}|\bt\(\s*java|<\?xml-stylesheet",
    re.DOTALL | re.IGNORECASE,
)
TRIGGER = (
    r"\$\{|\{\{|\{%|[#*@~]\{|\{(?:php|if|literal|system|self|\$|function|include|math)|\[\[|\{#|@\(|\{=|<%|<\?|<!--|<#|<@|#set|#(?:evaluate|include|parse|foreach|if)\s*\(|__[a-z]|%\{|freemarker|java\.lang|getclass|memberaccess|ognl|class\.module|javax|org\.apache|ro0abx|allowstatic|t\(\s*java"
)


def judge(text: str, kind: Kind) -> Iterator[Hit]:
    """What in the text would be computed rather than shown."""
    lower = text.lower()
    if "${" in lower and (match := _LOOKUP.search(lower)):
        yield Hit(RULES["template.lookup"], match[0][:80])
    for match in _PAIRS.finditer(lower):
        inside = match[match.lastgroup] if match.lastgroup else ""
        if _computes(match.lastgroup or "", inside):
            yield Hit(RULES["template.expression"], match[0][:80])
            break
    if match := _CODE.search(text):
        yield Hit(RULES["template.code"], match[0][:80])


_STATEMENT = re.compile(r"\s*-?\s*(?:if|for|set|include|import|extends|macro|block|print|load|debug|raw|from|with|call|filter|autoescape|module|apply|do|assign|capture)\b")
_ARITHMETIC = re.compile(r"\d\s*[*+/-]\s*['\"\d]|\w\(|\.__|['\"]\s*[+*]")


def _computes(place: str, inside: str) -> bool:
    """Whether what stands between the delimiters is more than the name of a field to fill in."""
    if place == "b":
        return _STATEMENT.match(inside) is not None
    if place in ("e", "i", "h"):
        return _ARITHMETIC.search(inside) is not None
    if place == "d":
        return True
    return _INSIDE.search(inside) is not None and not _FIELD.fullmatch(inside)


_FIELD = re.compile(r"\s*[a-z_][\w-]*(?:\.[a-z_][\w-]*){0,3}\s*")
