"""Code of a browser's script, told from words with parentheses."""

from __future__ import annotations

import re

_SINK = r"(?:alert|confirm|prompt|eval)"
_LOADER = (
    r"(?:function|settimeout|setinterval|fetch|import|importscripts|atob|btoa|execscript|unescape|decodeuricomponent|decodeuri"
    r"|fromcharcode|createelement|appendchild|getscript|writeln|write|assign|setattribute|insertadjacenthtml|open|print|postmessage|sendbeacon|require|xmlhttprequest)"
)
_OBJECT = r"(?:document|window|self|top|parent|frames|globalthis|this|location|navigator|localstorage|sessionstorage)"
_CODE = re.compile(
    rf"""
      (?<!\w) (?<![a-z]-) {_SINK} \s*+ (?: \?\.\s*)? \( (?! (?:[a-z]{{1,2}}|ing) \) ) [^)]*
    | (?<!\w) (?<![a-z]-) {_SINK} \s*+ ` [^`]* `
    | (?<!\w) (?<![a-z]-) {_SINK} \s* (?: \) | [\]]) \s* \(?
    | (?<!\w) (?<![a-z]-) {_SINK} \s* \. \s* (?:call|apply|bind) \b
    | =\s*(?:alert|confirm|prompt|eval)\s*(?:[;,]|\}}|$|>|//)
    | \b {_LOADER} \s*+ [(`] \s*+ (?: ['"`/\\\[] | [a-z.]+[(] | location | document | name \) | this | \d{{2,3}}, )
    | (?<![\w-]) {_OBJECT} \s*+ \[ \s*+ (?: ['"`/\\+(\[] | atob | string | \d+\. )
    | (?<![\w@-]) document \s*+ \. \s*+ (?:cookie|domain|write(?:ln)?|location|body|url|createelement|getelement\w+|queryselector\w*|documentelement|forms|referrer|head|defaultview|domain)\b
    | (?<![\w@-]) (?:window|self|top|parent|globalthis|this) \s*+ \. \s*+ (?: location | open \( | name\b | eval | alert | onerror | document | constructor | parent )
    | (?<![\w@.-]) (?:location|document\.location|window\.location)(?:\.href)? \s* =(?!=) \s* ['"`\w(]
    | location \s* \. \s* (?:hash|assign|replace|href|search) \s* [=.(;)]
    | \. \s* constructor \b \s* (?:[.(\[`]|$) | \[ \s* ['"`] (?:constructor|__proto__|prototype) ['"`] \s* \]
    | \. innerhtml \s* = | \. outerhtml \s* =
    | string \s* \. \s* fromcharcode | new \s+ (?:image|xmlhttprequest|function|websocket) \b \s* [(;`.]
    | (?: \$ | jquery ) \s* [.(] \s* (?: get(?:script)?|ajax|post|globaleval ) \s* \(
    | throw \s* (?: / | \[ | [a-z]+\s*=| ['"{{`] | 1\b | onerror )
    | \b (?:localstorage|sessionstorage) \s* \. \s* (?:getitem|setitem|\w+)\s*[(\]]
    | \[ (?: \[\] | !\[\] | \]\[ )
    | \b(?:msgbox|wscript\.shell|activexobject)\b
    | (?:set|with)\s*\(\s*document\s*\)
    """,
    re.VERBOSE | re.DOTALL,
)
_SYMBOLS = re.compile(r"[\[\]()!+]{24,}")
_ANY_CALL = re.compile(
    r"[\w$\])](?:\(|`)|[\w$\])\"'`]\s*\[|javascript:|=\s*\w+\s*;|throw\b|\blocation\b|\bdocument\b|\bwindow\b|\balert\b|\bimport\b|\beval\b|[\w$]\s*=[^=]|[\w$\])]\s*;|\\u|\\x|&#|%[0-9a-f]{2}|\{|^\s*['\"]?\s*[\[(/+!~-]",
    re.IGNORECASE,
)
TRIGGER = (
    rf"(?:alert|confirm|prompt|eval)\s*[(`?.)\];}}>/]|=\s*(?:alert|confirm|prompt|eval)|{_LOADER}\s*[(`]|(?:document|window|self|top|parent|frames|globalthis|this|location|navigator|localstorage|sessionstorage)\s*[\[.=]"
    r"|constructor|__proto__|innerhtml|outerhtml|fromcharcode|new\s+(?:image|xmlhttprequest|function|websocket)|jquery|\$\s*\.|throw|\[!?\[\]|\]\[|[\[\]()!+]{24}|msgbox|wscript|activexobject|with\s*\("
)


def code(text: str) -> str | None:
    """Code that a script would run where a text is inserted into it, or None."""
    lower = text.lower()
    match = _CODE.search(lower) or _SYMBOLS.search(lower)
    return match[0] if match else None


def runs(value: str) -> bool:
    """Whether the value of a handler, or what follows ``javascript:``, is code rather than a title."""
    return _ANY_CALL.search(value) is not None
