"""The admin port of a gateway that scores, on a port of its own, for commands that block while they ask it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.testing import HandScope
from plugins.fraud.desk import DecisionsDesk, Desk
from plugins.fraud.options import DecisionsConfig, DeskConfig
from tests.gateway.cli.serving import Serving


@contextmanager
def serving_desks(path: Path) -> Iterator[Serving]:
    lent = HandScope()
    decisions = DecisionsDesk(DecisionsConfig(), lent)
    lent.components = [decisions]
    with Serving(path, [Desk(DeskConfig(), lent), decisions]) as server:
        lent.tables = server.database
        yield server
