"""Servers that stores are tested with, one of each for a module."""

from __future__ import annotations

import pytest

from tests.servers import valkey_cluster, valkey_server


@pytest.fixture(scope="module")
def valkey(tmp_path_factory):
    with valkey_server(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    with valkey_cluster(tmp_path_factory.mktemp("cluster")) as server:
        yield server
