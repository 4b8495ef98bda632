"""The charts, loaded once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.deploy.helm.rendering import PAYGUARD, Release, with_dependency, without_own_values


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The example's templates, with the values of payguard that a test gives."""
    return Release(without_own_values(with_dependency(tmp_path_factory.mktemp("charts"))), key="payguard")


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The example as it is."""
    return Release(with_dependency(tmp_path_factory.mktemp("installed")), key="payguard")


@pytest.fixture(scope="session")
def chart(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Payguard's chart alone."""
    return Release(Path(PAYGUARD))
