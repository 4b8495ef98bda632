"""Operators of document databases, and filters of directories."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .rules import RULES, Hit, Kind

_OPERATORS = (
    "ne|eq|gte?|lte?|n?in|and|x?or|nor|not|exists|type|expr|jsonschema|mod|regex|options|text|where|function|accumulator|all|elemmatch"
    "|size|comment|slice|set|unset|inc|push|pull|addtoset|rename|lookup|match|group|project|unionwith|out|merge|ltrim|regexmatch|geowithin|near|nearsphere|geointersects|bits\\w+|meta|natural|query|sample|script|func"
)
_KEY = re.compile(rf"(?:^|[\[.])\$(?:{_OPERATORS})(?:\]|\[|$)")
_INSIDE = re.compile(
    rf"[\[{{,]\s*['\"]?\$(?:{_OPERATORS})['\"]?\s*(?:\]|:)|^\s*\$(?:where|ne|gt|lt|regex|nin|or|and|func)\b\s*(?::|=|$)|\$where\b|"
    r"['\"]\s*(?:\|\||&&|;)\s*(?:this|db|it)\.\w+|\bthis\.\w+\s*(?:\.\s*match\s*\(|[=!]={1,2}|[<>])|\bdb\.\w+\.(?:find|insert|drop|update|remove|aggregate|injection)\w*\s*\("
    r"|;\s*(?:return\s+(?:true|false|\(|this|1)|sleep\s*\(|while\s*\(|var\s+\w+\s*=)|;\s*it\s*=\s*new\s+date|\bnew\s+date\s*\(\s*\)\s*;\s*do|\bmapreduce\s*\("
    r"|'\s*(?:\|\||&&)\s*'[^']{0,64}'\s*={2,3}|\|\|\s*\d\s*={2,3}|['\"]\s*,\s*\$(?:or|and|where|ne)\s*:|['\"]\s*\}\s*,\s*\{?\s*['\"]?\$?\w+['\"]?\s*:"
)
_LDAP = re.compile(
    r"[*\w]?\)\s*\(\s*(?:[|&!]\s*)?\(?\s*[\w.;-]+\s*[~<>:]?=[^)]|\(\s*[|&!]\s*\(\s*[\w-]+\s*[~<>]?="
    r"|^\*?\)+\s*\(?[|&!(]+\w|\)\s*\(\s*\||\*\(\s*[|&]|\)\)\s*\x00|^[\w*]*\)\(&\)?"
)
TRIGGER = (
    rf"\$(?:{_OPERATORS})\b|\b(?:this|db|it)\.\w"
    r"|;\s*(?:return|sleep|while|var)\b|;\s*it\s*=|mapreduce|function\s*\(|new\s+date|['\"]\s*(?:\|\||&&)|\|\|\s*[0-9]|['\"]\s*\}"
)
TRIGGER_FILTER = r"\)\s*\(|\(\s*[|&!]|\*\)|\*\(|\)\)|[\x1e]\)"


def judge(text: str, kind: Kind) -> Iterator[Hit]:
    """What in the text, or the name of a field, a database would take for a condition."""
    lower = text.lower()
    if kind is Kind.KEY and (match := _KEY.search(lower)):
        yield Hit(RULES["nosql.operator_key"], lower[:80])
    elif match := _INSIDE.search(lower):
        yield Hit(RULES["nosql.operator"], match[0])


def judge_filter(text: str, _kind: Kind) -> Iterator[Hit]:
    """What in the text would add to a directory's filter."""
    if match := _LDAP.search(text.lower()):
        yield Hit(RULES["ldap.filter"], match[0])
