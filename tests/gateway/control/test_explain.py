import re
from typing import Any

import pytest

from gateway import Component, Config, Filter, Guard, Payment, Principal, Reads
from gateway.control.compiler import Compiler, digest_of
from gateway.control.explain import flow, render
from gateway.control.plugins import Registry
from gateway.control.scope import Services
from gateway.crypto.salts import Salts
from gateway.store.memory import MemoryStore


class ScoreConfig(Config):
    block_at: int = 85
    note: str | None = None


class Score(Filter[ScoreConfig]):
    name = "score"
    Config = ScoreConfig
    reads = Reads.REQUEST | Reads.RESPONSE
    requires = (Payment,)


class Who(Filter[Config]):
    name = "who"
    provides = (Principal,)


class Breaker(Guard[Config]):
    name = "breaker"


class Alarm(Component[Config]):
    name = "alarm"


POLICY = """\
version: 1
tenant: shop
components: {alarm: }
upstreams:
  backend:
    url: https://psp.example
    retry: {attempts: 3, statuses: [503, 502]}
    idempotent: {window: 23h}
    tls: {}
    host: rewrite
    guards: [breaker: {mode: shadow}]
routes:
  - name: pay
    match: {methods: [POST, PUT], prefix: /pay, host: a.example, headers: {x-kind: card}}
    upstream: backend
    payment:
      operation: payment.create
      amount: /amount
      currency: /currency
      bounds: {eur: {least: 50, most: 100}, usd: {most: 9}}
    filters: [who, score, {score: {block_at: 90, mode: "off"}}]
  - {name: rest, match: {}, upstream: backend}
"""

PAGE = """\
tenant shop

components
  alarm

upstreams
  backend  https://psp.example
    timeouts  connect 1s, first byte 8s, idle 30s, total 10s
    pool      100 connections, each kept 4s; 1000 requests wait for one, up to 1s
    attempts  up to 3, for at most 20% of requests, also after 502, 503
    repeats   what was not sent, and safe methods; the same bytes under the same idempotency-key for 23h
    look-ups  a miss proves nothing
    host      the upstream's own
    tls       verified by the system's authorities
    guards    1. breaker [shadow]

routes, the first that matches
  1. pay  POST|PUT /pay/... at a.example with x-kind: card -> backend
     payment   payment.create: amount /amount in minor units (iso4217) of /currency
     bounds    eur from 50 to 100; usd to 9
     buffer    bodies up to 1MiB
     filters   1. who
               2. payment facts are read
               3. score {block_at: 85}
               4. score {block_at: 90} [off]
  2. rest  any method any path -> backend
"""


@pytest.fixture
def compiler() -> Compiler:
    registry = Registry(filters={"score": Score, "who": Who}, guards={"breaker": Breaker}, components={"alarm": Alarm})
    return Compiler(registry, Services(store=MemoryStore(), salts=Salts.parse("00" * 16), environ={}))


def test_a_policy_is_a_page_with_every_default_written_out(compiler: Compiler) -> None:
    assert render(compiler.explain(POLICY, "p.yaml")) == PAGE


def test_a_route_that_detects_says_so(compiler: Compiler) -> None:
    detecting = POLICY.replace("match: {}, upstream: backend}", "match: {}, upstream: backend, detect: true}")
    page = render(compiler.explain(detecting, "p.yaml"))
    assert "detect" not in PAGE
    assert re.fullmatch(r" +detect +card data that no filter protects is reported", page.splitlines()[-1])


def test_the_same_as_data_says_what_each_filter_reads_needs_and_gives(compiler: Compiler) -> None:
    described = compiler.explain(POLICY, "p.yaml")
    assert described["digest"] == digest_of(POLICY)
    who, score, off = described["routes"][0]["filters"]
    assert who == {
        "name": "who",
        "mode": "enforce",
        "options": {},
        "reads": [],
        "requires": [],
        "provides": ["Principal"],
    }
    assert (score["reads"], score["requires"]) == (["request", "response"], ["Payment"])
    assert off == {"name": "score", "mode": "off", "options": {"block_at": 90}}
    assert described["upstreams"][0]["timeouts"]["total"] == "10s"


@pytest.mark.parametrize(
    ("value", "text"),
    [({"a": [1, "b"], "c": {}}, "{a: [1, b], c: {}}"), (True, "true"), (None, "null"), ("x y", "x y")],
)
def test_a_value_is_written_as_a_policy_would_have_it(value: Any, text: str) -> None:
    assert flow(value) == text
