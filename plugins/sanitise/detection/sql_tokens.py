"""SQL as its lexers read it, from any position of a text: one token at a time, as all dialects together would."""

from __future__ import annotations

import re
from typing import NamedTuple

_SPACE = re.compile(
    r"""(?:
        [\s\x00-\x1f\x7f\xa0\u180e\u200b\ufeff]
      | /\*(?!!).*?\*/        # a comment is a space
      | /\*!\d*               # but MySQL runs what stands in one of these
      | \*/
      | \b1\.e(?=[\s(),.])  # MySQL takes a number without an exponent for nothing
      | (?:--|\#)[^\n]*\n     # so is one that a line break ends
    )*+""",
    re.VERBOSE | re.DOTALL,
)
_TOKEN = re.compile(
    r"""
      (?P<string>  (?:[nxbeu]|_\w{2,12}|u&)? (?: '(?:[^'\\]|''|\\.)*+' | "(?:[^"\\]|""|\\.)*+" )
                 | q'\[.{0,256}?\]' | q'\{.{0,256}?\}' | q'\(.{0,256}?\)' | q'<.{0,256}?>' | q'([!|~^\#]).{0,256}?\2'
                 | \$(\w{0,16})\$.{0,256}?\$\3\$ )
    | (?P<open>    (?:[nxbeu]|_\w{2,12})? ['"] .* | ` [^`]*+ \Z )
    | (?P<number>  0x[0-9a-f]*+ | 0b[01]+ | (?: \d[\d_]*+ (?:\.\d*+)? | \.\d++ ) (?: e[-+]?\d++ )? )
    | (?P<variable> @@?[\w.$]*+ | @@?`[^`]*+` | :\w++ )
    | (?P<word>    [^\W\d][\w$]*+ | `[^`]*+` | \[[^\]\[\n]{1,128}\] | \\n(?![a-z]) )
    | (?P<comment> --.* | \#.* | /\*.* )
    | (?P<operator> :=|<=>|<>|!=|>=|<=|\|\||&&|<<|>>|::|!<|!>|==|!~\*?|~\*|~~|->>?|[-+*/%=<>!~^|&] )
    | (?P<other>   . )
    """,
    re.VERBOSE | re.DOTALL,
)
_PLAIN = frozenset("(),;.{}[]?")


class Token(NamedTuple):
    """A word, sign or literal.

    ``kind`` is string, open (a string that the text does not close), number, variable, word, comment, operator, end
    or the character itself; ``text`` is in lower case.
    """

    kind: str
    text: str
    start: int
    end: int


class Exhausted(Exception):
    """More was read than any ordinary text asks for."""


class Budget:
    """How much may be read of one text, over all the places from which it is read."""

    def __init__(self, tokens: int) -> None:
        self._left = tokens

    def spend(self, characters: int) -> None:
        self._left -= 1 + characters // 128
        if self._left < 0:
            raise Exhausted


class Tokens:
    """The tokens of a lower text from a position on, read as they are asked for."""

    def __init__(self, text: str, at: int, budget: Budget) -> None:
        self._text = text
        self._budget = budget
        self.spaced = False
        """Whether blanks alone stand before the next token."""
        self.commented = False
        """Whether a comment that a line break ended stands before the next token."""
        self.next = self._read(at)

    def take(self) -> Token:
        """The next token, and on to the one after it."""
        taken = self.next
        if taken.kind != "end":
            self.next = self._read(taken.end)
        return taken

    def take_word(self, *words: str) -> bool:
        """Take the next token if it is one of the words."""
        if self.next.kind == "word" and self.next.text in words:
            self.take()
            return True
        return False

    def take_kind(self, kind: str) -> bool:
        if self.next.kind == kind:
            self.take()
            return True
        return False

    def _read(self, at: int) -> Token:
        space = _SPACE.match(self._text, at)
        start = space.end() if space else at
        self.spaced = start > at and self._text[at:start].isspace()
        self.commented = (
            start - at > 2 and "\n" in self._text[at:start] and self._text[at:start].lstrip()[:1] in ("-", "#")
        )
        found = _TOKEN.match(self._text, start)
        if found is None:
            self._budget.spend(start - at)
            return Token("end", "", start, start)
        self._budget.spend(found.end() - at)
        kind, text = found.lastgroup or "other", found[0]
        return Token(text if kind == "other" and text in _PLAIN else kind, text, start, found.end())
