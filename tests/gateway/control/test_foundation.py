"""What every policy stands on, as the settings have it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gateway.store.memory import MemoryStore
from gateway.testing import exchange

STORE = """\
from gateway import hookimpl
from gateway.store.memory import MemoryStore

class OurStore(MemoryStore):
    pass

@hookimpl
def create_store(settings):
    return OurStore()
"""

LEDGER = """\
from gateway import hookimpl
from gateway.ledger.sql import SqlLedger

class OurLedger(SqlLedger):
    pass

@hookimpl
def create_ledger(settings, database):
    return OurLedger(database)
"""

TEXT = 'version: 1\nupstreams: {b: {url: "http://127.0.0.1:9"}}\nroutes: [{name: a, match: {prefix: /}, upstream: b}]\n'


def test_the_store_is_in_memory_where_no_plugin_has_another(foundation) -> None:
    assert type(foundation().services.store) is MemoryStore


@pytest.mark.parametrize(("part", "text"), [("store", STORE), ("ledger", LEDGER)])
def test_what_create_store_or_create_ledger_of_a_plugin_makes_takes_the_place_of_the_core_s(
    foundation, tmp_path, part, text
) -> None:
    (tmp_path / "ours").mkdir()
    (tmp_path / "ours" / f"our_{part}.py").write_text(text)
    laid = foundation(plugin_dirs=(tmp_path / "ours",))
    assert type(getattr(laid.services, part)).__name__ == f"Our{part.capitalize()}"


def test_a_redis_has_a_local_store_beside_it_and_memory_is_its_own(foundation) -> None:
    alone = foundation().services
    assert alone.local is alone.store
    assert alone.fallback is None
    shared = foundation(redis_url="redis://:pass-word-7@127.0.0.1:1").services
    assert type(shared.store).__name__ == "RedisStore"
    assert type(shared.local) is MemoryStore
    assert shared.fallback is not None


def test_the_password_of_a_redis_stands_in_no_output(foundation) -> None:
    assert "pass-word-7" not in foundation(redis_url="redis://:pass-word-7@127.0.0.1:1").masking.text("pass-word-7!")


def test_the_driver_is_imported_where_a_redis_is_named_and_nowhere_else() -> None:
    says = "import sys, gateway.control.process, plugins.rate_limit; print({'redis', 'hiredis'} & sys.modules.keys())"
    told = subprocess.run([sys.executable, "-c", says], capture_output=True, text=True, check=True)
    assert told.stdout == "set()\n"


async def test_every_exchange_is_counted(foundation) -> None:
    laid = foundation()
    for ended in laid.compiler.compile(TEXT, "policy.yaml").observers:
        ended(exchange())
    assert 'payguard_requests_total{method="POST"' in laid.metrics.exposition()[0].decode()
    await laid.services.close()


async def test_with_monitoring_off_nothing_is_counted_or_exported(foundation) -> None:
    laid = foundation(monitoring_enabled=False, otlp_endpoint="http://127.0.0.1:4318")
    assert laid.spans is None
    for ended in laid.compiler.compile(TEXT, "policy.yaml").observers:
        ended(exchange())
    assert 'payguard_requests_total{method="POST"' not in laid.metrics.exposition()[0].decode()
    await laid.services.close()


async def test_spans_are_made_where_there_is_somewhere_to_send_them(foundation) -> None:
    laid = foundation(otlp_endpoint="http://127.0.0.1:9")
    assert laid.spans is not None
    assert laid.spans.ended in laid.compiler.compile(TEXT, "policy.yaml").observers
    await laid.spans.close()
    await laid.services.close()


def test_secrets_of_the_settings_are_masked(foundation) -> None:
    laid = foundation(admin_token_operate="correct-horse-battery-staple")
    assert laid.masking.text("it was correct-horse-battery-staple") == "it was [masked]"


def test_fields_that_the_settings_name_are_masked(foundation) -> None:
    laid = foundation(mask_fields=("email",))
    assert laid.masking.document({"email": "ada@example.org", "cvc": "123"}) == {"email": "[masked]", "cvc": "[masked]"}


@pytest.mark.parametrize(("asked", "written"), [(True, '"query":"email=[masked]&page=2"'), (False, "")])
async def test_the_query_is_in_the_log_where_the_settings_ask_for_it(foundation, capfd, asked, written) -> None:
    laid = foundation(log_level="info", log_query=asked, mask_fields=("email",))
    for ended in laid.compiler.compile(TEXT, "policy.yaml").observers:
        ended(exchange(query="email=ada%40example.org&page=2"))
    await laid.lines.close()
    said = capfd.readouterr().out
    assert written in said
    assert ("query" in said, "ada" in said) == (asked, False)
    await laid.services.close()
