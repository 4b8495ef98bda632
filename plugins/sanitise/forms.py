"""Forms as browsers send them without files: ``name=value&name=value``."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from .head import split
from .problems import AmbiguousBody, BodyTooComplex
from .texts import Reading, pairs, reading


def read_form(data: bytes, *, most: int, repeated: bool) -> Reading:
    """The names and values of a form.

    400 ``ambiguous_body`` for what is not UTF-8, and for a name that comes twice where ``repeated`` is False; 413
    ``body_too_complex`` for more than ``most`` of them.
    """
    try:
        text = data.decode()
        unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise AmbiguousBody("The form is not UTF-8") from None
    if text.count("&") >= most:
        raise BodyTooComplex(f"More than {most} values are not taken here")
    found = list(split(text.replace("+", " "), "&"))
    if not repeated and len({name for name, _ in found}) != len(found):
        raise AmbiguousBody("A name comes twice in the form, so it has no one meaning")
    return reading(list(pairs("form", found)))
