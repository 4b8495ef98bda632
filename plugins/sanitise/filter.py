from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any

import orjson

from gateway import BadOption, Catalogue, Exchange, Filter, Reads, Request, Scope

from .bodies import Bodies, Content
from .decision import MOST_TOLD, Findings, Judge
from .detection import RULES
from .head import Head
from .options import SanitiseConfig
from .problems import AttackSuspected
from .schema import Schema
from .schema_file import UnusableSchema
from .texts import shown


class SanitiseFilter(Filter[SanitiseConfig]):
    """Refuses what has two meanings, and what looks like an attack, in every text of a request.

    400 ``ambiguous_body``, ``ambiguous_query`` or ``duplicate_key``, 413 ``body_too_complex`` or ``body_expands``, 415
    ``content_type_mismatch`` or ``body_not_taken`` for the former; 403 ``attack_suspected``, with the rule and the
    field, for the latter; 422 ``schema_violation`` and 404 ``operation_not_described`` by the route's schema.  What is
    passed on is byte for byte what was looked into, unless a field was cleaned or an unknown one dropped.
    """

    name = "sanitise"
    Config = SanitiseConfig
    reads = Reads.REQUEST

    @classmethod
    def catalogue(cls) -> Catalogue:
        return {"rules": [rule._asdict() for rule in RULES.values()]}

    def __init__(self, config: SanitiseConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self._head = Head(config.bounds.values)
        self._bodies = Bodies(
            config.bodies,
            config.bounds,
            repeated=config.repeated == "pass",
            any_case=config.spellings == "pass",
        )
        self._schema = None
        if config.schema_ is not None:
            try:
                self._schema = Schema(config.schema_)
            except UnusableSchema as error:
                raise BadOption(str(error), "schema", "file") from None
        self._judge: Judge

    async def open(self) -> None:
        self._judge = Judge(self.config)  # imports what matches patterns and cleans HTML

    async def on_request(self, exchange: Exchange) -> None:
        request = exchange.request
        head, content = self._head.read(request), self._bodies.read(request)
        innocent = self._judge.clean([*head.texts, *content.reading.texts])
        if not innocent:
            findings = self._judge.judge(chain(head.located(), content.reading.located()))
            innocent = findings.innocent
            _tell(exchange, findings)
            if findings.cleaned:
                content = _replaced(request, content, findings.cleaned)
        if innocent and (head.fresh or content.reading.fresh):
            self._head.known.learn(head.fresh)
            self._bodies.known.learn(content.reading.fresh)
        if self._schema is not None:
            dropped = self._schema.check(request.method, request.path, content, empty=not request.body.data)
            if dropped is not None:
                _replaced(request, content, {"": dropped.document})
                exchange.note("unknown_fields_dropped", fields=[shown(each) for each in dropped.pointers[:MOST_TOLD]])


def _tell(exchange: Exchange, findings: Findings) -> None:
    """Note what was found; AttackSuspected where that is enough."""
    for found in findings.found[:MOST_TOLD]:
        detail = {"rule": found.rule.id, "field": found.field, "excerpt": found.excerpt, "outcome": found.outcome}
        exchange.note("attack_suspected", **detail)
    if (first := findings.blocking) is not None:
        raise AttackSuspected(f"This looks like an attack: {first.rule.says}", rule=first.rule.id, field=first.field)


def _replaced(request: Request, content: Content, values: Mapping[str, Any]) -> Content:
    """The content with these values; it is sent on without the coding that it came in."""
    if content.coded:
        request.body = orjson.dumps(content.document)
        del request.headers["content-encoding"]
    for pointer, value in values.items():
        request.edit(pointer, value)
    return content._replace(document=request.json(), coded=False)
