"""The compiler: from a policy's text to a snapshot, or to every reason why not."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from gateway.control.compilation import Compilation
from gateway.control.core_parts import RESOLVERS
from gateway.control.explain import Description
from gateway.control.placing import Kinds
from gateway.control.positions import Document, read
from gateway.control.problems import PolicyError, Problem
from gateway.control.scope import Services
from gateway.dataplane.snapshot import Snapshot
from gateway.exchange import Exchange
from gateway.parts import Component

if TYPE_CHECKING:
    from gateway.control.plugins import Registry

__all__ = ["Compiler", "PolicyError", "Problem", "digest_of"]

log = structlog.get_logger("payguard.policy")


def digest_of(text: str) -> str:
    """What tells one policy from another: the SHA-256 of its text."""
    return hashlib.sha256(text.encode()).hexdigest()


class Compiler:
    """Makes snapshots of policies that name the parts of ``registry``.

    ``components`` are the core's own, in every snapshot whether its policy names them or not; ``observers`` are told
    of every exchange besides those that a policy names.
    """

    def __init__(
        self,
        registry: Registry,
        services: Services,
        *,
        components: Sequence[type[Component[Any]]] = (),
        observers: Sequence[Callable[[Exchange], None]] = (),
    ) -> None:
        self._kinds = Kinds(
            {
                "filter": registry.filters,
                "guard": registry.guards,
                "observer": registry.observers,
                "component": {**registry.components, **{kind.name: kind for kind in components}},
                "resolver": {**registry.resolvers, **{kind.name: kind for kind in RESOLVERS}},
            }
        )
        self._services = services
        self._components = tuple(components)
        self._observers = tuple(observers)

    def compile(self, text: str, source: str) -> Snapshot:
        """A snapshot to be opened: closing it, or failing to open it, gives back what it shares with others.

        Raises PolicyError with every problem.
        """
        snapshot, _ = self._compile(read(text, source), digest_of(text))
        return snapshot

    async def build(self, text: str, source: str) -> Snapshot:
        """As ``compile``, on a running loop: the text is read beside it, and warnings are logged."""
        document = await asyncio.to_thread(read, text, source)
        try:
            snapshot, warnings = self._compile(document, digest_of(text))
        except PolicyError:
            await self._services.shared.sweep()
            raise
        for warning in warnings:
            log.warning("the policy looks wrong", problem=str(warning))
        return snapshot

    def check(self, text: str, source: str) -> list[Problem]:
        """Every problem, and what looks wrong as warnings; nothing stays behind."""
        try:
            compilation = self._begin(read(text, source))
        except PolicyError as error:
            return error.problems
        compilation.abandon()
        return PolicyError([*compilation.problems, *compilation.warnings]).problems

    def explain(self, text: str, source: str) -> Description:
        """What the policy does, every default written out.  Raises PolicyError; nothing stays behind."""
        compilation = self._begin(read(text, source))
        compilation.abandon()
        if compilation.problems:
            raise PolicyError(compilation.problems)
        return compilation.description(digest_of(text))

    def _compile(self, document: Document, digest: str) -> tuple[Snapshot, list[Problem]]:
        compilation = self._begin(document)
        if compilation.problems:
            compilation.abandon()
            raise PolicyError(compilation.problems)
        return compilation.snapshot(digest, self._observers), compilation.warnings

    def _begin(self, document: Document) -> Compilation:
        return Compilation(self._kinds, self._services, document, self._components)
