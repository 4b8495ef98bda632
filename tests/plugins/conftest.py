"""What tests of plugins stand on: a Redis that is empty, and a backend."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from gateway.testing import Backend, backend
from tests.servers import Valkey, valkey_server


@pytest.fixture(scope="session")
def server(tmp_path_factory) -> Iterator[Valkey]:
    with valkey_server(tmp_path_factory.mktemp("valkey")) as made:
        yield made


@pytest.fixture
def valkey(server: Valkey) -> Valkey:
    server.run("FLUSHALL")
    return server


@pytest.fixture
async def upstream() -> AsyncIterator[Backend]:
    async with backend() as made:
        yield made
