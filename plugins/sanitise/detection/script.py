"""Code of a browser's script, told from words with parentheses."""

from __future__ import annotations

import re

_SINK = "alert|confirm|prompt|eval"
_LOADER = (
    "function|settimeout|setinterval|fetch|import|importscripts|atob|btoa|execscript|unescape|decodeuricomponent|decodeuri|fromcharcode"
    "|createelement|appendchild|getscript|writeln|write|assign|setattribute|insertadjacenthtml|open|print|postmessage|sendbeacon"
    "|xmlhttprequest|msgbox"
)
_OBJECT = "document|window|self|top|parent|frames|globalthis|this|location|navigator|localstorage|sessionstorage"
_OTHER = "constructor|__proto__|innerhtml|outerhtml|string|new|jquery|throw|wscript|activexobject|with"
_WORD = re.compile(f"{_SINK}|{_LOADER}|{_OBJECT}|{_OTHER}")
_CODE = re.compile(
    rf"""
      (?<!\w) (?<![a-z]-) (?:{_SINK}) \s*+ (?:
          (?: \?\.\s*)? \( (?! (?:[a-z]{{1,2}}|ing|uation) \)
            | (?<=\s\() (?=[\d -]*[a-z]) [a-z\d -]{{2,40}} \) (?:$|[\s.,!?]) ) [^)]{{0,60}}
        | ` [^`\s] [^`]{{0,60}} `
        | [)\]] \s* \(
        | \. \s* (?:call|apply|bind) \b )
    | \b (?:{_LOADER}) \s*+ [(`] \s*+ (?: ['"`/\\\[] | [a-z.]{{1,40}}[(] | location | document | name \)
        | this | \d{{2,3}}, | (?:{_SINK}) \s* [,)] )
    | (?<!\w) (?<![a-z]-) (?:{_OBJECT}) \s*+ \[ \s*+ (?: ['"`/\\+(\[] | atob | string | \d+\. )
    | (?<![\w@]) (?<![a-z]-) document \s*+ \. \s*+ (?:cookie|domain|write(?:ln)?|location|body|url|createelement
        |getelement\w+|queryselector\w*|documentelement|forms|referrer|head|defaultview)\b
    | (?<![\w@]) (?<![a-z]-) (?:window|self|top|parent|globalthis|this) \s*+ \. \s*+
        (?: location\b (?! \s+ [a-z]) | open \( | (?<!parent\.)(?<!this\.) name\b (?! \s+ [a-z]) | eval | alert
        | onerror | document | constructor | parent )
    | (?<![\w@?&-]) location(?:\.href)? \s* =(?!=) \s* (?: ['"`(] | name\b | (?!https?:) \w{{1,40}} [.(\[`+] )
    | location \s* \. \s* (?:hash|assign|replace|href|search) \s* [=.(;)]
    | (?<=\.) constructor \b \s* (?:[.(\[`]|$) | (?<=['"`]) (?:constructor|__proto__) ['"`] \s* \]
    | (?<=\.) (?:inner|outer)html \s* = | (?<![\w.]) innerhtml \s* = \s* (?:location|document)
    | string \s* \. \s* fromcharcode | new \s+ (?:image|xmlhttprequest|function|websocket) \b \s* [(;`.]
    | jquery \s* [.(] \s* (?: get(?:script)?|ajax|post|globaleval ) \s* \(
    | throw \s* (?: / | \[ | [a-z]{{1,20}}\s*=| ['"{{`] | 1\b (?! \s+ [a-z]) | onerror )
    | (?:local|session)storage \s* \. \s* \w+\s*[(\]]
    | wscript\.shell | activexobject\b
    | with\s*\(\s*document\s*\)
    """,
    re.VERBOSE | re.DOTALL,
)
_ASSIGNED = re.compile(rf"=\s*(?:{_SINK})\s*(?:[;,}}>]|$|//)|\w\((?:{_SINK})\)")
_SIGNS = re.compile(r"\$\s*\.\s*(?:get(?:script)?|ajax|post|globaleval)\s*\(|\[(?:\[\]|!\[\])")
_SYMBOLS = re.compile(r"[\[\]()!+]{24}")
_RUNS = re.compile(
    r"[\w$\])](?:\(|`)|[\w$\])\"'`]\s*\[|javascript:|=\s*\w+\s*;|throw\b|\blocation\b|\bdocument\b|\bwindow\b|\balert\b|\bimport\b"
    r"|\beval\b|[\w$]\s*=[^=]|[\w$\])]\s*;|\\u|\\x|&#|%[0-9a-f]{2}|\{|^\s*['\"]?\s*[\[(/+!~-]",
    re.IGNORECASE,
)
_MOST_WORDS = 2000
"""A text that has more of the words of a script is one."""

TRIGGER = (
    rf"(?:{_SINK})\s*[(`?.)\];}}>/,]|=\s*(?:{_SINK})|(?:{_LOADER})\s*[(`]|(?:{_OBJECT})\s*[\[.=]"
    r"|constructor|__proto__|innerhtml|outerhtml|new\s+(?:image|xmlhttprequest|function|websocket)|jquery|\$\s*\.|throw|\[!?\[\]"
    r"|\[\]\[|[\[\]()!+]{24}|wscript|activexobject|with\s*\("
)


def code(text: str) -> str | None:
    """Code that a script would run where a text is inserted into it, or None."""
    lower = text.lower()
    for number, word in enumerate(_WORD.finditer(lower)):
        if number == _MOST_WORDS:
            return lower[:80]
        if match := _CODE.match(lower, word.start()):
            return match[0]
    if match := _ASSIGNED.search(lower) or _SIGNS.search(lower):
        return match[0]
    return next((match[0] for match in _SYMBOLS.finditer(lower) if _computed(match[0])), None)


def _computed(found: str) -> bool:
    """Signs alone are code where they index and negate; brackets in a row are a drawing."""
    return len(set(found)) > 2


def runs(value: str) -> bool:
    """Whether the value of a handler, or what follows ``javascript:``, is code rather than a title."""
    return _RUNS.search(value) is not None
