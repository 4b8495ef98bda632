"""Cross-site scripting by structure: markup that runs, and what leaves the place where a text is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator

from . import script
from .html_tokens import Attribute, Tag, TooMany, tags
from .rules import RULES, Hit, Kind

_ALWAYS = frozenset(
    {
        "script",
        "iframe",
        "frameset",
        "embed",
        "applet",
        "foreignobject",
        "bgsound",
        "ilayer",
        "isindex",
        "noembed",
        "svg",
        "xss",
    }
)
_WITH_MORE = frozenset(
    {
        "math", "object", "style", "link", "meta", "base", "frame", "layer", "template", "animate", "set", "use",
        "animatetransform", "animatemotion", "image", "xml", "import", "portal", "fencedframe", "handler", "listener",
        "maction", "noscript", "annotation-xml", "plaintext", "xmp", "event-source", "htmlfile", "script:",
    }
)  # fmt: skip
_LOOSE = re.compile(r"<[\s\x00-\x20/]{1,8}(?:script|iframe|svg|img)[\s/>]", re.IGNORECASE)
_INSTRUCTION = re.compile(r"<\?(?:import|xml-stylesheet)\s", re.IGNORECASE)
_HANDLER = re.compile(
    r"(?:^|[\s\"'`/;>&+\x00-\x20])(on[a-z]{3,30})[\s\x00-\x20]*=[\s\x00-\x20]*(.{1,200})", re.IGNORECASE | re.DOTALL
)
_FRAMEWORKS = ("ng-", "data-ng-", "v-on:", "x-on:", "x-init", "hx-on", "@")
"""What attributes begin with whose values a library runs."""

_ORDINARY = frozenset({"true", "false", "yes", "no", "on", "off", "none", "null"})
_STYLE = re.compile(
    r"expression\s*\(|(?:javascript|vbscript)\s*:|-moz-binding|behaviou?r\s*:\s*url|@import", re.IGNORECASE
)
_STYLE_ANYWHERE = re.compile(
    r":\s*expression\s*\(|-moz-binding\s*:|behaviou?r\s*:\s*url\s*\(|@import\s*(?:url\s*\(|['\"])|url\(\s*['\"]?\s*(?:javascript|vbscript):",
    re.IGNORECASE,
)
_LONGEST = 2048
"""How much of a value is looked at; what is behind it is looked at as text."""

_CSS_ESCAPE = re.compile(r"\\0{0,4}([0-9a-f]{2})\s?", re.IGNORECASE)
_CSS_COMMENT = re.compile(r"/\*[^*]{0,100}\*/|\\(?=[a-z(:])")
_BLANK = re.compile(r"[\x00-\x20\x7f\xad\u200b-\u200f]+")
_SCRIPT_URL = re.compile(
    r"(?:(?:java|vb|live|j)script|mocha|ecmascript|feed:javascript|view-source:javascript)(?:\s|&colon;)*:",
    re.IGNORECASE,
)
_DATA_URL = re.compile(
    r"data:(?:text/(?:html|xml|xsl|javascript|x-scriptlet|vbscript)|image/svg\+?xml|application/(?:xhtml|xml|x?javascript|x-javascript))[^,]{0,80},?",
    re.IGNORECASE,
)
_CTRL = r"[\x00-\x20]*"
_SPREAD = "|".join(_CTRL.join(word) for word in ("javascript", "vbscript", "livescript"))
TRIGGER = (
    rf"<[\x00-\x20/]*[a-z!?]|on[a-z]+[\x00-\x20]*=|(?:{_SPREAD}){_CTRL}(?::|&colon)|mocha:|[jx]script:|data:[a-z]+/"
    rf"|expression|-moz-binding|behaviou?r\s*:|@import|{script.TRIGGER}"
)


def judge(text: str, kind: Kind) -> Iterator[Hit]:
    """What in the text would run in the browser that shows it."""
    for rule, excerpt in _found(text, kind):
        yield Hit(RULES[rule], excerpt[:80])


def _found(text: str, kind: Kind) -> Iterator[tuple[str, str]]:
    if "<" in text:
        yield from _in_tags(text)
    if "=" in text:
        yield from _in_attributes(text)
    if ":" in text:
        yield from _in_urls(text, kind)
    if (":" in text or "@" in text) and (
        match := _STYLE_ANYWHERE.search(_plain_style(text) if "\\" in text else _CSS_COMMENT.sub("", text))
    ):
        yield "xss.style", match[0]
    if code := script.code(text):
        yield "xss.script_code", code


def _in_tags(text: str) -> Iterator[tuple[str, str]]:
    if match := _LOOSE.search(text) or _INSTRUCTION.search(text):
        yield "xss.element", match[0]
    try:
        for tag in tags(text):
            yield from _in_tag(tag, text)
    except TooMany:
        yield "xss.evasion", text


def _in_tag(tag: Tag, text: str) -> Iterator[tuple[str, str]]:
    excerpt = text[tag.start : tag.end]
    if _dangerous(tag, text):
        yield "xss.element", excerpt
    for attribute in tag.attributes:
        if rule := _attribute(attribute):
            yield rule, excerpt


def _dangerous(tag: Tag, text: str) -> bool:
    name = tag.name.rpartition(":")[2]
    if tag.closing:
        return name == "script"
    if name in _ALWAYS:
        return True
    if name not in _WITH_MORE:
        return False
    following = text[tag.end : tag.end + 200].lstrip(" />\t\r\n")
    return (
        any(attribute.value for attribute in tag.attributes)
        or following[:1] in ("<", "@", "*", "{")
        or "{" in following
    )


def _attribute(attribute: Attribute) -> str | None:  # noqa: PLR0911 - one for each way to run
    name = attribute.name.strip("\"'`<\x00")
    if attribute.value is None:
        return None
    value = attribute.value[:_LONGEST]
    if name.startswith("on") and len(name) > 4 and name.isalpha():
        return None if value.lower() in _ORDINARY else "xss.event_handler"
    if name.startswith(_FRAMEWORKS) and script.runs(value):
        return "xss.event_handler"
    blanked = _BLANK.sub("", value).lower()
    if _SCRIPT_URL.search(blanked) or _DATA_URL.match(blanked):
        return "xss.script_url"
    if name == "style" and _STYLE.search(_plain_style(value)):
        return "xss.style"
    if name == "srcdoc" or (name == "http-equiv" and blanked in ("refresh", "set-cookie", "link")):
        return "xss.element"
    return None


def _plain_style(style: str) -> str:
    """A style without its escapes and comments."""
    return _CSS_COMMENT.sub("", _CSS_ESCAPE.sub(lambda match: chr(int(match[1], 16)), style))


def _in_attributes(text: str) -> Iterator[tuple[str, str]]:
    """A handler where the text stands inside of a tag already."""
    for match in _HANDLER.finditer(text):
        value = _value(match[2])
        if script.runs(value) and not value.rstrip(";").isalnum():
            yield "xss.event_handler", match[0].strip()
            return


def _value(text: str) -> str:
    """The value of an attribute that a text begins with."""
    if text[0] in "\"'":
        return text[1:].partition(text[0])[0]
    return text.partition(" ")[0]


def _in_urls(text: str, kind: Kind) -> Iterator[tuple[str, str]]:
    blanked = _BLANK.sub(" ", text) if kind is not Kind.URL else _BLANK.sub("", text)
    for match in _SCRIPT_URL.finditer(re.sub(r"(?<=\w)\s+(?=[a-z:]{1,9})", "", text) if _spread(text) else blanked):
        rest = match.string[match.end() :]
        if kind is Kind.URL or script.runs(rest) or rest[:2] == "//":
            yield "xss.script_url", match[0] + rest
            return
    if document := _DATA_URL.search(_BLANK.sub("", text)):
        yield "xss.script_url", document[0]


def _spread(text: str) -> bool:
    """Whether line breaks or tabs, which a browser drops, stand inside of a scheme."""
    return _SPREAD_SCHEME.search(text) is not None


_SPREAD_SCHEME = re.compile(rf"(?:{_SPREAD}){_CTRL}:", re.IGNORECASE)
