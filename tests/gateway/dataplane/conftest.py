from __future__ import annotations

import pytest
import uvloop


def pytest_asyncio_loop_factories(config, item):
    """The loop that serves: its transports differ from asyncio's where it matters here."""
    return {"uvloop": uvloop.new_event_loop}


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: moves a gigabyte; run with -m slow")


def pytest_collection_modifyitems(config, items):
    if not config.getoption("-m"):
        for item in items:
            if "slow" in item.keywords:
                item.add_marker(pytest.mark.skip(reason="slow: run with -m slow"))
