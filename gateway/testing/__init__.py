"""The test kit: what this repository's tests use, and plugin authors too.

A rule alone: ``exchange()``, ``record()`` and ``scope()``.  A filter as it will run: ``running_gateway()`` in front of
``backend()``.
"""

from gateway.testing.alone import HandClock, HandScope, HandTasks, exchange, scope, streaming
from gateway.testing.records import record
from gateway.testing.running import Backend, Client, Seen, backend, plugin_module, running_gateway, serve

__all__ = [
    "Backend",
    "Client",
    "HandClock",
    "HandScope",
    "HandTasks",
    "Seen",
    "backend",
    "exchange",
    "plugin_module",
    "record",
    "running_gateway",
    "scope",
    "serve",
    "streaming",
]
