from __future__ import annotations

import pytest
from pydantic import ValidationError

from plugins.cache.options import CacheConfig, TiersConfig


def test_what_is_one_callers_is_kept_for_nobody_else() -> None:
    assert CacheConfig().partition == "principal"
    with pytest.raises(ValidationError, match="keep_private needs partition: principal"):
        CacheConfig(partition="none", keep_private=True)


@pytest.mark.parametrize("options", [{"negative": {99: "1s"}}, {"targeted": ["a b"]}, {"partition": "tenant"}])
def test_options_that_mean_nothing_are_refused(options) -> None:
    with pytest.raises(ValidationError):
        CacheConfig.model_validate(options)


def test_the_memory_has_bounds_that_are_sizes() -> None:
    assert TiersConfig.model_validate({"memory": {"bytes": "1MiB", "entries": 5}}).memory.bytes == 1 << 20
    with pytest.raises(ValidationError):
        TiersConfig.model_validate({"memory": {"entries": -1}})
