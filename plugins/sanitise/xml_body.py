"""XML without document types: nothing in it refers to anything outside, and nothing unfolds."""

from __future__ import annotations

from xml.parsers import expat

from .detection import Kind
from .problems import AmbiguousBody, BodyTooComplex
from .texts import Reading, Text, reading, value


def read_xml(data: bytes, *, depth: int, most: int) -> Reading:
    """The texts, attributes, comments and instructions of a document, each by the way to it: ``xml:/order/note``.

    400 ``ambiguous_body`` for what is not well-formed, not UTF-8, or has a document type; 413 ``body_too_complex``
    for more than ``most`` elements and attributes, or more than ``depth`` levels.
    """
    if data.startswith(b"\xef\xbb\xbf"):
        raise AmbiguousBody("The body begins with a byte order mark")
    read = _Document(depth, most)
    try:
        data.decode()  # what says that it is something else is refused below, by what it says
        read.parser.Parse(data, True)
    except UnicodeDecodeError:
        raise AmbiguousBody("The body is not UTF-8") from None
    except expat.ExpatError as error:
        raise AmbiguousBody(f"The body is not XML: {expat.ErrorString(error.code)}") from None
    return reading(read.texts)


class _Document:
    """What expat tells of a document, gathered."""

    def __init__(self, depth: int, most: int) -> None:
        self.texts: list[Text] = []
        self.parser = parser = expat.ParserCreate()
        self._depth, self._left = depth, most
        self._ways: list[str] = ["xml:"]
        self._pieces: list[list[str]] = [[]]
        parser.buffer_text = True
        parser.ordered_attributes = True
        parser.XmlDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._refuse
        parser.StartElementHandler = self._begin
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._piece
        parser.CommentHandler = self._aside
        parser.ProcessingInstructionHandler = lambda target, text: self._aside(f"{target} {text}")

    def _declared(self, version: str, encoding: str | None, _: int) -> None:
        if version != "1.0" or (encoding or "utf-8").lower() not in {"utf-8", "us-ascii"}:
            raise AmbiguousBody("XML is taken in version 1.0 and in UTF-8")

    def _refuse(self, *_: object) -> None:
        raise AmbiguousBody("XML is taken without a document type")

    def _begin(self, name: str, attributes: list[str]) -> None:
        self._left -= 1 + len(attributes) // 2
        if len(self._ways) > self._depth or self._left < 0:
            raise BodyTooComplex("The document has more elements or levels than are taken here")
        way = f"{self._ways[-1]}/{name}"
        self._ways.append(way)
        self._pieces.append([])
        self.texts.append(Text(way, name, Kind.KEY))
        for number in range(0, len(attributes), 2):
            self.texts.append(value(f"{way}/@{attributes[number]}", attributes[number], attributes[number + 1]))

    def _piece(self, text: str) -> None:
        self._pieces[-1].append(text)

    def _end(self, name: str) -> None:
        way, text = self._ways.pop(), "".join(self._pieces.pop())
        if text and not text.isspace():
            self.texts.append(value(way, name, text))

    def _aside(self, text: str) -> None:
        self.texts.append(Text(self._ways[-1], text))
