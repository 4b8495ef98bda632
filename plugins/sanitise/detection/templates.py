"""Expressions that a template, a logger or a server would evaluate."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .rules import RULES, Hit, Kind

_LOOKUP = re.compile(
    r"\$\{[^${}]{0,80}\$\{|\$\{\s*(?:jndi|env|sys|lower|upper|ctx|date|java|main|map|sd|marker|bundle|docker|k8s|log4j|spring|script|dns|url"
    r"|base64\w*|urldecoder|const|file|properties|xml|resourcebundle)\s*:|\$\{[^a-z{}]{0,4}:-?\w?\}"
)
_PAIRS = re.compile(
    r"""[{$#*@~\[](?:
        (?<=\{) \{ (?:(?P<mustache>[^{}]{1,300}) \} | (?P<nested>[^{}]{0,80} \{[^{}]{0,80}\} [^{}]{0,80}) \}\})
      | (?<=\{) % (?P<statement>[^{}%]{1,200}) %\}
      | (?<=[$\#*@~]) \{ (?P<expression>[^{}]{1,200}) \}
      | (?<=\{) (?P<smarty>(?:php|if|literal|system|self::|\$smarty|function|include|math)\b[^{}]{0,200}) \}
      | (?<=\[) \[ (?P<inline>[^\[\]]{1,200}) \]\]
      | (?<=\{) \# (?P<hash>[^{}\#]{1,200}) \}
      | (?<=@) \( (?P<razor>[^()@]{1,100}\(?[^()@]{0,100}) \)
    )""",
    re.VERBOSE,
)
_MARKED = re.compile(
    r"<(?:%(?:[=#@!:-]|\s*\w)[^<]{0,60}|\?(?:php\b|=|\s*(?:system|echo|exec|passthru|eval|print)\b)[^<]{0,60}"
    r"|!--\s*#\s*(?:exec|include|echo|set|config|printenv|if)\b|#assign|#--|@\w+)"
)
_NAMED = re.compile(
    r"__mro__|__subclasses__|__globals__|__builtins__|__import__|\.__class__|\.__init__|freemarker\.template|java\.lang\.\w"
    r"|getclass\s*\(\s*\)|#_memberaccess|class\.module\.classloader|javax\.\w+\.|org\.apache\.\w|ro0abx|allowstaticmethodaccess"
    r"|t\(\s*java|#set\s*\(|#evaluate\s*\(|#include\s*\(|#parse\s*\(|#foreach\s*\(|#if\s*\(|%\{\s*(?:\(#|#\w+\s*=|@|\d\s*[*+]|#)"
)
TRIGGER = (
    r"\$\{|\{\{|\{%|[#*@~]\{|\{(?:php|if|literal|system|self|\$|function|include|math)|\[\[|\{#|@\(|<%|<\?|<!--\s*#|<#|<@|#set"
    r"|#(?:evaluate|include|parse|foreach|if)\s*\(|__[a-z]|%\{|freemarker|java\.lang|getclass|memberaccess|class\.module|javax|org\.apache"
    r"|ro0abx|allowstatic|\bt\(\s*java"
)
_STATEMENT = re.compile(
    r"\s*-?\s*(?:if|for|set|include|import|extends|macro|block|print|load|debug|raw|from|with|call|filter|autoescape|module|apply|do|assign|capture)\s+[^\s-]|\s*-?\s*(?:debug|raw|load|filter)\b\s*"
)
_ARITHMETIC = re.compile(r"\d\s*[*+/-]\s*['\"\d]|\w\(|\.__|['\"]\s*[+*]")
_INSIDE = re.compile(
    r"\d\s*[*+/-]\s*['\"\d]|\w\s*\(|[\w\])\"']\s*\.\s*[a-z_]\w*|['\"]\s*[+*|]|\[\s*['\"\d]|__\w+__|\||@\w+[.@(]|::|=>"
    r"|\b(?:request|self|config|settings|this|dump|process|new|app|namespace|lipsum|cycler|env)\b"
)
_FIELD = re.compile(r"\s*[a-z_][\w-]*(?:\.[a-z_][\w-]*){0,3}\s*")


def judge(text: str, _kind: Kind) -> Iterator[Hit]:
    """What in the text would be computed rather than shown."""
    lower = text.lower()
    if match := _LOOKUP.search(lower):
        yield Hit(RULES["template.lookup"], lower[match.start() : match.end() + 40])
    for match in _PAIRS.finditer(lower):
        if _computes(match.lastgroup or "", match[match.lastgroup or 0]):
            yield Hit(RULES["template.expression"], match[0][:80])
            break
    if match := _MARKED.search(lower) or _NAMED.search(lower):
        yield Hit(RULES["template.code"], match[0][:80])


def _computes(place: str, inside: str) -> bool:
    """Whether what stands between the delimiters is more than the name of a field to fill in."""
    match place:
        case "statement":
            return _STATEMENT.match(inside) is not None
        case "inline" | "razor" | "hash":
            return _ARITHMETIC.search(inside) is not None
        case "smarty" | "nested":
            return True
    return _INSIDE.search(inside) is not None and _FIELD.fullmatch(inside) is None
