from __future__ import annotations

from gateway.telemetry.metrics import Metrics
from gateway.testing import running_gateway
from plugins.cache.measures import Ages
from tests.plugins.cache.replicas import cache_of, read, replica
from tests.plugins.cache.test_warming import POLICY as WARMED


async def test_hits_are_told_by_route_and_tier_with_their_age_and_what_they_take(valkey, upstream) -> None:
    async with replica(upstream, valkey.url) as one, replica(upstream, valkey.url) as other:
        for client in (one, other, other):
            await read(client)
        metrics = Metrics()
        metrics.components = lambda: [cache_of(other)]

        def value(name: str, **labels: str) -> float | None:
            return metrics.registry.get_sample_value(f"payguard_cache_{name}", labels)

        assert value("hits_total", route="invoices", tier="memory") == 1
        assert value("hits_total", route="invoices", tier="redis") == 1
        assert value("hit_ratio", route="invoices") == 1
        assert value("age_seconds_count", route="invoices") == 2
        assert value("redis_total", result="hit") == 1
        assert value("redis_bytes_total", way="read") > 0
        assert (value("redis_up"), value("entries")) == (1, 1)
        assert value("bytes") > 1000
        assert value("evictions_total") == 0
        metrics.components = lambda: [cache_of(one)]
        assert value("hit_ratio", route="invoices") == 0
        assert value("requests_total", route="invoices", result="miss") == 1


async def test_a_run_of_the_warming_is_told_as_it_stands(upstream, tmp_path) -> None:
    (tmp_path / "ids").write_text("in_1")
    async with running_gateway(policy=WARMED.format(url=upstream.url, file=tmp_path / "ids")) as client:
        await cache_of(client).warm()
        metrics = Metrics()
        metrics.components = lambda: [cache_of(client)]
        states = {
            state: metrics.registry.get_sample_value("payguard_cache_warming", {"route": "invoices", "state": state})
            for state in ("total", "done", "failed")
        }
        assert states == {"total": 2, "done": 2, "failed": 0}


def test_an_age_counts_in_the_first_bucket_that_holds_it() -> None:
    ages = Ages()
    for age in (0.5, 1.0, 2.0, 10**6):
        ages.add(age)
    assert ages.slot == [2, 1, 0, 0, 0, 0, 0, 0, 1, 10**6 + 3.5]
