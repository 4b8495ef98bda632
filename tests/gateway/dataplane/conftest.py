from __future__ import annotations

import uvloop


def pytest_asyncio_loop_factories(config, item):
    """The loop that serves: its transports differ from asyncio's where it matters here."""
    return {"uvloop": uvloop.new_event_loop}
