"""The router: the first route that matches, on the bytes that are forwarded.

A path is matched as a backend will read it, percent-decoded once, and forwarded as it came.  Paths that two readers
could read differently (dot segments, encoded slashes, empty segments, control characters) are refused before any
route is tried, so none can be stepped around: RFC 3986 §6.2.2 and §7.3.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from starlette.datastructures import MutableHeaders as Headers

from gateway.errors import Rejected

if TYPE_CHECKING:
    from gateway.dataplane.snapshot import Route

_PARAMETER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(:path)?\}")
_DOT_SEGMENT = re.compile(r"/\.{1,2}(?:/|$|;)")
_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_FORBIDDEN = re.compile(r"%(?:2[fF]|5[cC]|[01][0-9A-Fa-f]|7[fF])")


class AmbiguousPath(Rejected):
    status = 400
    code = "ambiguous_path"


class RouteNotFound(Rejected):
    status = 404
    code = "route_not_found"


def readable(raw_path: str) -> str:
    """The path as every backend reads it.  AmbiguousPath where two backends could differ."""
    if not _suspect(raw_path):
        return raw_path
    if _ESCAPE.search(raw_path):
        raise AmbiguousPath("The path holds a % that begins no escape")
    if _FORBIDDEN.search(raw_path) or "\\" in raw_path:
        raise AmbiguousPath("The path holds an encoded slash, a backslash or a control character")
    if ";" in raw_path:  # to a servlet container the path ends there, to others it does not
        raise AmbiguousPath("The path holds a semicolon: write it as %3B")
    try:
        decoded = unquote_to_bytes(raw_path).decode()
    except UnicodeDecodeError:
        raise AmbiguousPath("The path is not UTF-8") from None
    if "//" in decoded:
        raise AmbiguousPath("The path holds an empty segment")
    if _DOT_SEGMENT.search(decoded):
        raise AmbiguousPath("The path holds a dot segment")
    return decoded


def _suspect(path: str) -> bool:
    """Whether two backends might differ; asked so, it takes a third of a regular expression's time."""
    return (
        "%" in path
        or "//" in path
        or "/." in path
        or ";" in path
        or "\\" in path
        or " " in path
        or not (path.isascii() and path.isprintable())
    )


class Match:
    """What a route takes: all that is given must hold.

    Case and a trailing slash make no difference, since to many backends they make none: a route's filters must not
    be stepped around by either. A route for GET takes HEAD too (RFC 9110 §9.3.2). ``path`` is a template:
    ``/v1/invoices/{id}`` takes one segment for ``id``, ``/{rest:path}`` takes the rest, empty or not. ``prefix``
    takes whole segments: ``/v1`` takes ``/v1`` and ``/v1/a``, not ``/v10``. ``host`` is compared without its port;
    ``headers`` by their whole value.
    """

    __slots__ = ("_literal", "_pattern", "headers", "host", "methods", "path", "prefix", "takes")

    def __init__(
        self,
        methods: frozenset[str] | None = None,
        path: str | None = None,
        prefix: str | None = None,
        host: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.methods = methods
        self.takes = methods | {"HEAD"} if methods and "GET" in methods else methods
        self.path = path
        self.prefix = prefix
        self.host = None if host is None else host.lower()
        self.headers = dict(headers or {})
        self._literal = folded(path) if path is not None and "{" not in path and "}" not in path else None
        self._pattern = _compile(path, prefix)

    def take(self, method: str, path: str, host: str, headers: Headers) -> Mapping[str, str] | None:
        """The template's parameters, or None where the route is not for this request."""
        if self.takes is not None and method not in self.takes:
            return None
        if self._literal is not None:
            if path != self._literal and folded(path) != self._literal:
                return None
            parameters: Mapping[str, str] = {}
        elif self._pattern is not None:
            if not (found := self._pattern.fullmatch(path)):
                return None
            parameters = found.groupdict()
        else:
            parameters = {}
        if self.host is not None and host != self.host:
            return None
        for name, value in self.headers.items():
            if set(headers.getlist(name)) != {value}:  # sent twice, a backend might take the other
                return None
        return parameters


def _compile(path: str | None, prefix: str | None) -> re.Pattern[str] | None:
    if path is not None and prefix is not None:
        raise ValueError("a match has a path or a prefix, not both")
    for given in (path, prefix):
        if given is not None and not _is_decoded(given):
            raise ValueError(f"write {given!r} decoded, beginning with a slash, without // or dot segments")
    if prefix is not None:
        return re.compile(re.escape(prefix.rstrip("/")) + r"(?:/.*)?", re.DOTALL | re.IGNORECASE)
    return None if path is None else re.compile(_template(path), re.DOTALL | re.IGNORECASE)


def folded(path: str) -> str:
    """The path as a backend reads it that minds neither case nor a trailing slash."""
    return path.lower().rstrip("/") or "/"


def _is_decoded(path: str) -> bool:
    try:
        return path.startswith("/") and readable(path) == path
    except AmbiguousPath:
        return False


def _template(path: str) -> str:
    pieces, names, end = [], set(), 0
    for found in _PARAMETER.finditer(path):
        name, rest = found.groups()
        if name in names:
            raise ValueError(f"the template names {{{name}}} twice")
        if rest and found.end() != len(path):
            raise ValueError(f"{{{name}:path}} takes the rest, so it comes last")
        names.add(name)
        pieces += [re.escape(path[end : found.start()]), f"(?P<{name}>{'.*' if rest else '[^/]+'})"]
        end = found.end()
    tail = path[end:]
    if any(brace in "".join(pieces[::2]) + tail for brace in "{}"):
        raise ValueError("a template's parameter is {name} or {name:path}")
    return "".join([*pieces, re.escape(tail.rstrip("/")), "" if path.endswith(":path}") else "/?"])


OWN = "/.payguard"
"""What is below it is the gateway's own: no route of a policy takes it."""


def is_own(path: str) -> bool:
    """Whether a path, as a backend reads it, is the gateway's own."""
    return path[1:2] == "." and f"{folded(path)}/".startswith(f"{OWN}/")


class Router:
    """The first of ``routes`` that takes a request; of ``own``, where its path is the gateway's own."""

    __slots__ = ("_any", "_by_method", "_own", "asks_headers", "asks_host")

    def __init__(self, routes: Sequence[Route], own: Sequence[Route] = ()) -> None:
        self._own = tuple(own)
        methods = {method for route in routes for method in route.match.takes or ()}
        self.asks_host = any(route.match.host is not None for route in routes)
        """Whether any route looks at the host; where none does, ``find`` may be given an empty one."""
        self.asks_headers = any(route.match.headers for route in routes)
        """So it is with the headers."""
        self._any = tuple(route for route in routes if route.match.methods is None)
        self._by_method = {
            method: tuple(route for route in routes if route.match.takes is None or method in route.match.takes)
            for method in methods
        }

    def find(self, method: str, raw_path: str, host: str, headers: Headers) -> tuple[Route, Mapping[str, str]]:
        """The route and its parameters.  RouteNotFound or AmbiguousPath where there is none."""
        path = readable(raw_path)
        for route in self._own if is_own(path) else self._by_method.get(method, self._any):
            parameters = route.match.take(method, path, host, headers)
            if parameters is not None:
                return route, parameters
        raise RouteNotFound(f"No route takes this {method}")  # not its path, which may hold what nobody may log
