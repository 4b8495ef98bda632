from __future__ import annotations

from collections.abc import Awaitable, Iterator
from typing import TYPE_CHECKING, Any

from gateway import Attempt, Exchange, Guard, Scope, Severity

from .board import CircuitBreakers, Circuits
from .decision import judge
from .options import CircuitBreakerConfig

if TYPE_CHECKING:
    from .circuit import Circuit, Ticket
    from .mirror import Mirror


class CircuitBreaker(Guard[CircuitBreakerConfig]):
    """503 ``circuit_open`` while the upstream fails, with the seconds until it is tried again in ``Retry-After``.

    What counts is in ``decision.judge``.  Its circuits survive a reload that leaves its options as they are.
    """

    name = "circuit_breaker"
    Config = CircuitBreakerConfig

    def __init__(self, config: CircuitBreakerConfig, scope: Scope) -> None:
        super().__init__(config, scope)
        self.circuits = scope.share(config, Circuits)
        self._board = scope.component(CircuitBreakers)
        self._apart = config.per == "operation"

    async def open(self) -> None:
        # pybreaker imports redis where that is installed: 0.2 s and 24 MiB, for those alone who break circuits
        from .circuit import Circuit  # noqa: PLC0415
        from .mirror import Mirror  # noqa: PLC0415

        self._make: type[Circuit] = Circuit
        self._mirror: type[Mirror] = Mirror
        self.circuits.event = self.scope.event
        self._board.add(self)

    async def close(self) -> None:
        self._board.remove(self)

    def admit(self, exchange: Exchange) -> tuple[Circuit, Ticket]:
        operation = (exchange.operation or "") if self._apart else ""
        circuit = self.circuits.by_operation.get(operation) or self._begin(operation)
        return circuit, circuit.admit(exchange.deadline)

    def settle(self, exchange: Exchange, attempt: Attempt | None, admitted: tuple[Circuit, Ticket]) -> None:
        circuit, ticket = admitted
        verdict = "nothing" if attempt is None else judge(attempt, self.config.slow_call)
        if verdict == "slow" and exchange.request.body.data is None:
            verdict = "good"  # a body that streams comes at the client's pace, and the answer waits for it
        circuit.settle(ticket, verdict)

    def looks(self) -> Iterator[Awaitable[None]]:
        """Of each circuit at what other gateways say of it."""
        mirrors = self.circuits.mirrors
        for operation, circuit in self.circuits.by_operation.items():
            if operation not in mirrors:
                mirrors[operation] = self._mirror(self.scope.place, operation, self.config.open_for)
            yield mirrors[operation].look(circuit, self.scope.store)

    def _begin(self, operation: str) -> Circuit:
        circuits, place = self.circuits, self.scope.place

        def tell(code: str, severity: Severity, detail: dict[str, Any]) -> None:
            assert circuits.event is not None
            circuits.event(code, severity=severity, upstream=place, operation=operation or None, **detail)

        circuit = circuits.by_operation[operation] = self._make(self.config, self.scope.clock.monotonic, tell)
        return circuit
