"""``payguard cache`` against an admin port that has a cache."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli.cache import cache
from gateway.testing import HandScope
from plugins.cache.component import Cache
from plugins.cache.entry import Entry
from plugins.cache.options import TiersConfig, WarmConfig
from plugins.cache.tiers import Purge
from plugins.cache.warming import Warming
from tests.gateway.cli.serving import Serving, serving

URI = "http://shop.example/v1/a"


@pytest.fixture
def kept() -> Cache:
    lent = HandScope()
    made = Cache(TiersConfig(), lent)
    now = lent.clock.now()
    made.memory.put(Entry(f"all  {URI}", URI, "", 200, [], b"{}", now, now, 60.0, now + 60))
    made.counts_of("all")["hit"] = 3
    return made


@pytest.fixture
def port(kept, sqlite_path: Path) -> Iterator[Serving]:
    with serving(sqlite_path, [kept]) as server:
        yield server


def run(port: Serving, *arguments: str) -> Result:
    return CliRunner().invoke(cache, [*arguments, "--admin", port.url])


def test_what_is_purged_is_gone_and_said(port: Serving, kept: Cache) -> None:
    assert "memory: 1 entries" in run(port, "status").output
    purged = run(port, "purge", "path", "/v1/a", "--reason", "a wrong price", "--by", "ada")
    assert (purged.exit_code, purged.output) == (0, "purged; 1 were in memory here\n")
    assert len(kept.memory) == 0
    told = json.loads(run(port, "purge", "all", "--reason", "a wrong price", "--by", "ada", "--json").output)
    assert told == {"purged": 0, "everywhere": True, "by": "human:ada via loopback"}
    assert "all: hit 3" in run(port, "status").output
    assert json.loads(run(port, "status", "--json").output)["memory"]["entries"] == 0


def test_while_other_replicas_are_not_told_it_says_so_and_exits_1(port: Serving, kept: Cache) -> None:
    kept.purges._waiting.append(Purge("all"))
    purged = run(port, "purge", "tag", "a", "--reason", "a wrong price")
    assert purged.exit_code == 1
    assert "other replicas are told once it is back" in purged.output


def test_how_far_the_warming_is_and_why_something_failed(port: Serving, kept: Cache) -> None:
    assert "nothing is warmed" in run(port, "warming").output
    warming = Warming("prices", WarmConfig(path="/v1/prices", host="shop.example"), kept.scope)
    warming.total, warming.done, warming.failed, warming.error = 9, 7, 2, "it was answered 503"
    kept.warmings["prices"] = [warming]
    row = run(port, "warming").output.splitlines()[1]
    assert row.split() == ["prices", "/v1/prices", "waits", "7", "2", "9", "it", "was", "answered", "503"]
    [item] = json.loads(run(port, "warming", "--json").output)["items"]
    assert (item["route"], item["failed"]) == ("prices", 2)


def test_a_value_goes_with_each_kind_but_all(port: Serving) -> None:
    for words in (("path",), ("all", "/")):
        refused = run(port, "purge", *words, "--reason", "because")
        assert (refused.exit_code, "a value goes with each kind but all" in refused.output) == (2, True)
