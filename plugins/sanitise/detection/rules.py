"""The rules: a stable id each, its family, what it weighs, and what it says of a text."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple


class Kind(Enum):
    """What a text is, where that changes what is dangerous in it."""

    VALUE = "value"
    KEY = "key"
    HEADER = "header"
    PATH = "path"
    URL = "url"


class Rule(NamedTuple):
    """One thing that is found.  Ids are public: policies exempt by them, logs name them."""

    id: str
    family: str
    score: int
    says: str


class Hit(NamedTuple):
    """A rule, and the decoded excerpt that convinced it; whoever shows the excerpt masks it."""

    rule: Rule
    excerpt: str


_ALL = (
    Rule("sqli.tautology", "sqli", 5, "a condition is appended that the query did not have"),
    Rule("sqli.union", "sqli", 5, "rows of another SELECT are added to the result"),
    Rule("sqli.stacked", "sqli", 5, "a second statement follows the first"),
    Rule("sqli.statement", "sqli", 5, "the text is a whole SQL statement"),
    Rule("sqli.comment", "sqli", 5, "a string is closed and the rest of the query commented out"),
    Rule("sqli.subquery", "sqli", 5, "a SELECT stands where a value belongs"),
    Rule(
        "sqli.function", "sqli", 5, "a function that waits, reads files, raises errors or tells of the server is called"
    ),
    Rule("sqli.expression", "sqli", 5, "a string is closed and an expression continues it"),
    Rule("sqli.clause", "sqli", 5, "a value is followed by a clause of the query around it"),
    Rule("sqli.evasion", "sqli", 5, "more ways out of a string than any text has"),
    Rule("xss.element", "xss", 5, "an element that runs, loads or redirects"),
    Rule("xss.event_handler", "xss", 5, "an attribute that runs a script at an event"),
    Rule("xss.script_url", "xss", 5, "a URL that is a script or a document of its own"),
    Rule("xss.script_code", "xss", 5, "a string of a script is closed and code follows, or the text is code"),
    Rule("xss.evasion", "xss", 5, "more tags inside of tags, or attributes of one, than any text has"),
    Rule("xss.style", "xss", 5, "a style that runs or loads code"),
    Rule("path_traversal.dots", "path_traversal", 5, "a path that climbs out of its folder"),
    Rule("path_traversal.local_file", "path_traversal", 5, "a file of the machine that no customer names"),
    Rule("path_traversal.wrapper", "path_traversal", 5, "a stream wrapper or a file URL"),
    Rule("command.separator", "command", 5, "a shell separator and a command after it"),
    Rule("command.substitution", "command", 5, "a command whose output the shell would insert"),
    Rule("command.statement", "command", 5, "the text is a command line"),
    Rule("command.function_definition", "command", 5, "a shell function in an environment variable"),
    Rule("template.lookup", "template", 5, "a lookup that a logging or configuration library resolves"),
    Rule("template.expression", "template", 5, "a template expression that calls or computes"),
    Rule("template.code", "template", 5, "server-side code or an include"),
    Rule("nosql.operator_key", "nosql", 5, "a key that is an operator of a document database"),
    Rule("nosql.operator", "nosql", 5, "a condition of a document database inside a text"),
    Rule("ldap.filter", "ldap", 5, "a directory filter is closed and another one opened"),
    Rule("xxe.entity", "xxe", 5, "a document type that declares entities or loads a file"),
    Rule("crlf.header", "crlf", 5, "a line break, and a header or an answer after it"),
    Rule("ssrf.internal_address", "ssrf", 5, "a URL of this machine, this network or a metadata service"),
    Rule("null_byte.in_text", "null_byte", 5, "a null byte, at which C ends a string"),
)

RULES: Mapping[str, Rule] = MappingProxyType({rule.id: rule for rule in _ALL})
"""Every rule by its id."""

FAMILIES: tuple[str, ...] = tuple(dict.fromkeys(rule.family for rule in _ALL))
"""Every family, in the order in which they are told."""
