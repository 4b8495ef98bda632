"""The documentation says what the code does: its hooks exist, its code runs, its policies compile."""

from __future__ import annotations

import inspect
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from gateway import Config, Principal
from gateway.admin import documents
from gateway.admin.parameters import MEMBERS, NAMES, cancellation_of, decision_of
from gateway.cli import payguard
from gateway.cli.option_rows import OptionRow, option_rows
from gateway.control.auditing import AuditConfig
from gateway.control.compiler import Compiler
from gateway.control.core_parts import COMPONENTS
from gateway.control.plugin_rules import SPECIFICATIONS
from gateway.control.plugins import Plugins, load_plugins
from gateway.control.reloader import OPENING
from gateway.control.scope import Services
from gateway.control.settings import BUILT_IN, Settings, load_settings, variables
from gateway.control.watcher import RETRY, SETTLING
from gateway.crypto.salts import Salts
from gateway.store.address import parse as parse_redis
from gateway.store.link import CONNECT_WITHIN, LONGEST_PAUSE
from gateway.store.memory import MemoryStore
from gateway.store.table import HELD_SHARE
from gateway.testing import backend, exchange, plugin_module, record, running_gateway, scope
from plugins.cache.api import Asked as CachePurge
from plugins.cache.clearing import Rule
from plugins.cache.component import Cache
from plugins.cache.options import CacheConfig, RedisConfig, RefreshConfig, TagsConfig, TiersConfig, WarmConfig
from plugins.cache.warming import Warming
from plugins.circuit_breaker import CircuitBreaker
from plugins.concurrency.decision import LATE, ROUND, SAMPLES
from plugins.concurrency.guard import QUIET, Concurrency
from plugins.egress import EgressConfig
from plugins.encrypt.options import EncryptConfig
from plugins.fraud.desk import DecisionsDesk, Desk
from plugins.fraud.header import signed
from plugins.fraud.options import DecisionsConfig, DeskConfig, FraudConfig
from plugins.hash.options import HashConfig
from plugins.rate_limit.blocks import BlocksConfig
from plugins.rate_limit.decision import PIECES
from plugins.rate_limit.options import BlockConfig, LimitConfig, RateLimitConfig
from plugins.rate_limit.problems import limited, names_of, policy_field
from plugins.sanitise import problems
from plugins.sanitise.options import SanitiseConfig
from plugins.tokenise.options import TokeniseConfig, VaultConfig
from plugins.tokenise.problems import (
    AlreadyToken,
    NoCardNumber,
    NoCustomer,
    NotToken,
    TokenUnknown,
    TooManyCards,
    VaultUnreadable,
)
from tests.gateway.planning import schedule

ROOT = Path(__file__).parent.parent
HOOKS = (ROOT / "docs" / "hooks.md").read_text()
WRITING = (ROOT / "docs" / "writing-a-plugin.md").read_text()
OPERATIONS = (ROOT / "docs" / "operations.md").read_text()
CACHE = (ROOT / "docs" / "cache.md").read_text()
ENCRYPTION = (ROOT / "docs" / "encryption.md").read_text()
TOKENS = (ROOT / "docs" / "tokens.md").read_text()
FRAUD = (ROOT / "docs" / "fraud.md").read_text()
SANITISE = (ROOT / "docs" / "sanitise.md").read_text()
RESILIENCE = (ROOT / "docs" / "resilience.md").read_text()
CACHE_OPERATIONS = (ROOT / "docs" / "cache-operations.md").read_text()
API = (ROOT / "docs" / "api.md").read_text()
SALTS = Salts.parse("00" * 16)


def load(directory: Path) -> Plugins:
    return load_plugins(load_settings({}, plugin_dirs=(directory,)))


def sections(text: str) -> dict[str, str]:
    """Each ``##`` heading and what stands under it."""
    return {
        part.partition("\n")[0]: part.partition("\n")[2] for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    }


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_every_hook_is_documented_with_its_arguments_and_no_other_is() -> None:
    specified = {f"{name}({', '.join(arguments)})" for name, arguments in SPECIFICATIONS.items()}

    assert sections(HOOKS).keys() == specified


def test_every_argument_of_a_hook_is_explained() -> None:
    for heading, text in sections(HOOKS).items():
        arguments = SPECIFICATIONS[heading.partition("(")[0]]
        assert tuple(re.findall(r"^`(\w+)` - ", text, re.MULTILINE)) == arguments, heading


def test_every_hook_has_a_test_that_names_it() -> None:
    source = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py") if path != Path(__file__))
    named = {word for name in re.findall(r"def (test_\w+)", source) for word in SPECIFICATIONS if word in name}

    assert named == SPECIFICATIONS.keys()


@pytest.mark.parametrize("hook", SPECIFICATIONS)
def test_the_example_of_a_hook_is_a_plugin(hook, tmp_path) -> None:
    [text] = [text for heading, text in sections(HOOKS).items() if heading.startswith(f"{hook}(")]
    [example] = blocks(text, "python")
    (tmp_path / "example.py").write_text(example)
    hooks = load(tmp_path).hooks

    assert "example" in [each.plugin_name for each in getattr(hooks, hook).get_hookimpls()]


@pytest.fixture
def shop(tmp_path) -> Path:
    """A folder with every file of writing-a-plugin.md, as a reader would have made them."""
    for language in ("python", "yaml"):
        for block in blocks(WRITING, language):
            path = tmp_path / block.splitlines()[0].removeprefix("# ")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block)
    return tmp_path


def test_every_plugin_of_the_page_on_writing_one_loads(shop) -> None:
    assert {"amount_cap", "daily_cap", "exempt"} <= load(shop / "ours").registry.filters.keys()


def test_every_policy_of_that_page_compiles(shop) -> None:
    compiler = Compiler(load(shop / "ours").registry, Services(store=MemoryStore(), salts=SALTS, environ={}))
    policies = sorted(shop.glob("*.yaml"))

    assert [path.name for path in policies] == ["ours.yaml", "shadow.yaml"]
    for path in policies:
        assert compiler.check(path.read_text(), path.name) == []


def test_every_command_of_that_page_does_what_it_says(shop, monkeypatch) -> None:
    [script] = blocks(WRITING, "sh")
    commands = [line.partition("#")[0].split() for line in script.splitlines()]
    monkeypatch.chdir(shop)
    for command in commands:
        match command:
            case ["export", setting]:
                monkeypatch.setenv(*setting.split("="))
            case ["payguard", "serve", *_]:
                pass  # it would stay up; the tests of that page run a gateway
            case ["payguard", *arguments]:
                done = CliRunner().invoke(payguard, arguments)
                assert done.exit_code == 0, done.output
            case _:
                pytest.fail(f"{command} is not run by this test")


def test_every_test_of_that_page_passes(shop) -> None:
    tested = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "ours/tests"],
        cwd=shop,
        capture_output=True,
        text=True,
        check=False,
    )

    assert "3 passed" in tested.stdout, tested.stdout + tested.stderr


async def test_the_refusal_that_page_shows_is_what_a_client_gets(shop) -> None:
    [shown] = map(json.loads, blocks(WRITING, "json"))
    policy = (shop / "ours.yaml").read_text()
    async with running_gateway(policy=policy, plugin_dirs=[shop / "ours"]) as client:
        answer = await client.post("/v1/payments", json={"amount": 60000, "currency": "eur"})

    assert {**answer.json(), "request_id": shown["request_id"]} == shown


async def test_a_list_that_page_fetches_is_fetched_again_as_it_gets_old(shop) -> None:
    exempt = plugin_module(shop / "ours" / "exempt.py")
    async with backend() as lists:
        lists.will_answer(json=["shop-1"])
        lists.will_answer(json=["shop-2"])
        lent = scope()
        step = exempt.ExemptFilter(exempt.ExemptConfig(url=lists.url), lent)
        await step.open()
        verdicts = []
        for seconds in (0, 61, 0):
            lent.clock.advance(seconds)
            made = exchange(facts=[Principal("shop-2")])
            await step.on_request(made)
            verdicts.append(made.require(exempt.Exempt).yes)
            await lent.tasks.done()
        await lent.http.aclose()

    assert verdicts == [False, False, True]


def test_the_page_on_writing_a_plugin_names_every_setting_as_it_is() -> None:
    assert set(re.findall(r"PAYGUARD_[A-Z_]+", WRITING)) - {"PAYGUARD_API"} <= set(variables())
    assert f"`{','.join(BUILT_IN)}`" in WRITING


def test_every_setting_is_in_the_table_of_operations_with_its_default() -> None:
    defaults = load_settings({}).model_dump(mode="json")
    said = {
        f"| `{field.validation_alias}` | {written(defaults[name])} | {sentences(field.description)} |"
        for name, field in Settings.model_fields.items()
    }

    assert set(re.findall(r"^\| `[A-Z_]+` \|.*$", OPERATIONS, re.MULTILINE)) == said


def written(default: Any) -> str:
    """As the variable would say it."""
    match default:
        case None | []:
            return "–"
        case list():
            return f"`{','.join(default)}`"
        case bool():
            return f"`{str(default).lower()}`"
        case _:
            return f"`{default}`"


def sentences(description: str | None) -> str:
    return (description or "").removesuffix(".").replace(".  ", ". ").replace("``", "`")


def options_of(kind: type[Config], **required: Any) -> set[str]:
    """``required`` are values for options that have no default."""
    defaults = kind(**required).model_dump(mode="json")
    shown = {name: "required" if name in required else written(defaults[name]) for name in kind.model_fields}
    return {
        f"| `{field.alias or name}` | {shown[name]} | {' '.join((field.description or '').split()).removesuffix('.')} |"
        for name, field in kind.model_fields.items()
    }


@pytest.mark.parametrize(("heading", "guard"), [("The breaker", CircuitBreaker), ("The limit", Concurrency)])
def test_every_option_of_a_guard_is_on_the_page_on_resilience_with_its_default(heading, guard) -> None:
    table = set(re.findall(r"^\| `[a-z_]+` \|.*$", sections(RESILIENCE)[heading], re.MULTILINE))

    assert table == options_of(guard.Config)


def test_every_option_of_tokenise_and_the_vault_is_on_the_page_on_tokens_with_its_default() -> None:
    for heading, kind in (("`tokenise`", TokeniseConfig), ("The vault", VaultConfig)):
        table = set(re.findall(r"^\| `[a-z_]+` \|.*$", sections(TOKENS)[heading], re.MULTILINE))
        given = {"fields": ("/a",)} if kind is TokeniseConfig else {}
        assert table == {row.replace("required", "–") for row in options_of(kind, **given)}


def test_every_refusal_of_tokenise_is_on_its_page() -> None:
    for kind in (NoCardNumber, AlreadyToken, NotToken, TokenUnknown, NoCustomer, TooManyCards, VaultUnreadable):
        assert f"{kind.status} `{kind.code}`" in TOKENS


def test_every_option_of_egress_is_on_the_page_on_tokens_with_its_default() -> None:
    table = set(re.findall(r"^\| `[a-z_]+` \|.*$", sections(TOKENS)["Out through the gateway"], re.MULTILINE))

    assert table == options_of(EgressConfig, prefix="/stripe")


@pytest.mark.parametrize("kind", [EncryptConfig, HashConfig])
def test_every_option_of_encrypt_and_hash_is_on_the_page_on_encryption_with_its_default(kind) -> None:
    name = kind.__name__.removesuffix("Config").lower()
    table = set(re.findall(r"^\| `[a-z_]+` \|.*$", sections(ENCRYPTION)[f"`{name}`"], re.MULTILINE))

    assert table == options_of(kind, fields=("/a",))


def test_every_option_of_the_cache_is_on_its_page_with_its_default() -> None:
    table = set(re.findall(r"^\| `[a-z_]+` \|.*$", sections(CACHE)["`cache`"], re.MULTILINE))

    assert table == options_of(CacheConfig)


@pytest.mark.parametrize(
    "page", [RESILIENCE, ENCRYPTION, TOKENS, CACHE], ids=["resilience", "encryption", "tokens", "cache"]
)
def test_the_policy_on_a_page_compiles(page) -> None:
    [policy] = blocks(page, "yaml")
    registry = load_plugins(load_settings({})).registry
    services = Services(store=MemoryStore(), salts=SALTS, environ={"ENCRYPTION_KEY": "00" * 32})

    assert Compiler(registry, services).check(policy, "policy.yaml") == []


def test_every_option_of_sanitise_is_on_its_page_with_its_default() -> None:
    rows = option_rows(SanitiseConfig)
    said = {f"| `{each.name}` | {default_of(each)} | {each.description.removesuffix('.')} |" for each in rows}

    assert set(re.findall(r"^\| `[a-z.\[\]]+` \|.*$", sections(SANITISE)["Options"], re.MULTILINE)) == said


def test_every_option_of_fraud_is_on_its_page_with_its_default() -> None:
    rows = [row for config in (FraudConfig, DeskConfig, DecisionsConfig) for row in option_rows(config)]
    said = {f"| `{each.name}` | {default_of(each)} | {each.description.removesuffix('.')} |" for each in rows}

    assert set(re.findall(r"^\| `[a-z_.\[\]]+` \|.*$", sections(FRAUD)["Options"], re.MULTILINE)) == said


def test_the_policy_on_the_page_on_fraud_compiles_once_there_is_a_key_to_hold_with() -> None:
    policy = blocks(FRAUD, "yaml")[0].replace("mode: shadow", "mode: enforce")
    registry = load_plugins(load_settings({})).registry
    without, given = (
        Compiler(registry, Services(store=MemoryStore(), salts=SALTS, environ=environ), components=COMPONENTS).check(
            policy, "policy.yaml"
        )
        for environ in ({}, {"ENCRYPTION_KEY": "00" * 32})
    )

    assert any("holds nothing: without an ENCRYPTION_KEY" in str(each) for each in without)
    assert not any("holds" in str(each) for each in given)


def test_a_backend_verifies_the_header_as_that_page_says() -> None:
    names: dict[str, Any] = {}
    exec(blocks(FRAUD, "python")[0], names)
    header = signed(b"key", 67, "aipn", 1764212400.0)

    assert names["verified"](b"key", header)
    assert not names["verified"](b"other", header)
    assert not names["verified"](b"key", header.replace("67", "07"))


def test_every_metric_on_the_page_on_fraud_is_one_and_each_is_on_it() -> None:
    lent = scope()
    decisions = DecisionsDesk(DecisionsConfig(), lent)
    lent.components = [decisions]
    told = [
        (f"{part.name}_{each.name}", each.kind, ", ".join(f"`{label}`" for label in each.labels) or "–")
        for part in (Desk(DeskConfig(), lent), decisions)
        for each in part.measures()
    ]

    assert re.findall(r"^\| `payguard_(\w+)` \| (\w+) \| (.*?) \|", FRAUD, re.MULTILINE) == told


def test_every_command_on_the_page_on_fraud_is_one() -> None:
    for line in "".join(blocks(FRAUD, "sh")).splitlines():
        _, *words = shlex.split(line)
        group: Any = payguard
        while isinstance(group, click.Group):
            command = group.get_command(payguard.make_context("payguard", ["fraud"]), words[0])
            assert command is not None, line
            group, name, words = command, words[0], words[1:]
        assert group.make_context(name, words) is not None, line


def default_of(row: OptionRow) -> str:
    return row.default if row.default == "required" else f"`{row.default}`" if row.default else "–"


def test_the_policy_on_that_page_compiles() -> None:
    [policy] = blocks(SANITISE, "yaml")
    registry = load_plugins(load_settings({})).registry

    assert Compiler(registry, Services(store=MemoryStore(), salts=SALTS, environ={})).check(policy, "policy.yaml") == []


async def test_the_refusal_on_that_page_is_what_a_client_gets() -> None:
    [shown] = map(json.loads, blocks(SANITISE, "json"))
    async with running_gateway("http://127.0.0.1:9", filters=["sanitise"]) as client:
        answer = await client.post("/", json={"description": "x' UNION SELECT number FROM cards -- "})

    assert {**answer.json(), "request_id": shown["request_id"]} == shown


def test_every_refusal_of_sanitise_is_on_its_page() -> None:
    kinds = [
        kind for kind in vars(problems).values() if isinstance(kind, type) and kind.__module__ == problems.__name__
    ]

    for kind in kinds:
        assert f"{kind.status} `{kind.code}`" in SANITISE


def test_the_numbers_of_the_page_on_resilience_are_those_of_the_code() -> None:
    assert (ROUND, SAMPLES, LATE, QUIET) == (0.25, 10, 4, 60)
    for said in ("Every quarter of a second", "ten answers at least", "four times `latency`", "once a minute at most"):
        assert said in RESILIENCE


def test_the_times_that_the_page_on_operations_names_are_those_of_the_code() -> None:
    assert (OPENING, RETRY, SETTLING) == (30.0, 30.0, 0.1)
    for said in ("30 seconds are allowed", "every 30 seconds", "a tenth of a second apart"):
        assert said in OPERATIONS


def test_every_parameter_of_the_payments_api_is_in_its_table() -> None:
    listed = sections(API)["GET /api/v1/payments"]

    assert tuple(re.findall(r"^\| `(\w+)` \|", listed, re.MULTILINE)) == NAMES


def test_what_the_page_on_the_payments_api_shows_of_a_payment_is_what_one_has() -> None:
    shown = record()
    item_, whole_ = documents.item(shown), documents.whole(shown)
    text = sections(API)
    [listed] = json.loads(blocks(text["GET /api/v1/payments"], "json")[0])["items"]
    named = re.findall(r"`(\w+)`", re.search(r"Each item also has .*", text["GET /api/v1/payments"])[0])
    rows = re.findall(r"^\| (`.*?) \|", text["GET /api/v1/payments/{id}"], re.MULTILINE)

    assert listed.keys() | set(named) == item_.keys()
    assert {name for row in rows for name in re.findall(r"`(\w+)`", row)} == whole_.keys() - item_.keys()


def test_what_that_page_shows_of_a_payment_that_is_tried_again_is_what_one_has() -> None:
    [listed] = json.loads(blocks(sections(API)["GET /api/v1/payments/retries"], "json")[0])["items"]
    [asked] = blocks(sections(API)["POST /api/v1/payments/retries/{id}/cancel"], "json")

    assert listed.keys() == documents.retry(schedule()).keys()
    assert cancellation_of(asked.encode()).by == "ada"


def test_every_decision_that_the_page_on_the_payments_api_shows_is_one() -> None:
    text = sections(API)["POST /api/v1/payments/{id}/resolve"]
    [shown] = blocks(text, "json")

    assert decision_of(shown.encode()).by == "ada"
    assert set(re.findall(r"^\| `(\w+)` \|", text.partition("| 409 |")[0], re.MULTILINE)) == set(MEMBERS)


def test_links_between_pages_lead_somewhere() -> None:
    for page in (ROOT / "docs").glob("*.md"):
        for target in re.findall(r"\]\((?!https?:)([^)#]*)(?:#[^)]*)?\)", page.read_text()):
            assert not target or (page.parent / target).exists(), f"{page.name}: {target}"


LIMITS = (ROOT / "docs" / "rate-limits.md").read_text()


def test_the_policy_on_the_page_on_rate_limits_compiles() -> None:
    [policy] = blocks(LIMITS, "yaml")
    services = Services(store=MemoryStore(), salts=SALTS, environ={})
    compiler = Compiler(load_plugins(load_settings({})).registry, services, components=COMPONENTS)

    assert compiler.check(policy, "policy.yaml") == []


def test_the_audit_trail_s_page_documents_its_options_and_shows_a_policy_that_has_them() -> None:
    page = (ROOT / "docs" / "audit.md").read_text()
    rows = {f"{name}: {does}" for name, does in re.findall(r"^\| `(\w+)` \| `[^|]+` \| (.+) \|$", page, re.MULTILINE)}
    assert rows == documented(AuditConfig)
    [policy] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    services = Services(store=MemoryStore(), salts=SALTS, environ={})
    compiler = Compiler(load_plugins(load_settings({})).registry, services, components=COMPONENTS)
    assert compiler.check(policy, "policy.yaml") == []


def test_the_audit_trail_s_page_names_every_action_of_the_core_and_of_the_plugins() -> None:
    page = (ROOT / "docs" / "audit.md").read_text()
    sources = [path.read_text() for folder in ("gateway", "plugins") for path in (ROOT / folder).rglob("*.py")]
    named = re.compile(r"(?:audit|record|add|_add|_audit|_entered)\(\s*(?:request, )?\"([a-z]+\.[a-z_]+)\"")
    actions = {action for source in sources for action in named.findall(source)} - {"audit.chain_changed"}
    assert {"payment.decide", "policy.activate", "block.add", "admin.change"} <= actions
    assert {action for action in actions if f"`{action}`" not in page} == set()


def documented(kind: type[Config]) -> set[str]:
    """Each option with what it does; what a default is called is for people."""
    return {
        f"{field.alias or name}: {' '.join((field.description or '').split()).removesuffix('.')}"
        for name, field in kind.model_fields.items()
    }


def test_every_option_of_a_rate_limit_is_on_its_page() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| [^|]+ \| (.*) \|$", LIMITS, re.MULTILINE)
    kinds = (RateLimitConfig, LimitConfig, BlockConfig, BlocksConfig)

    assert {f"{name}: {text}" for name, text in rows} == set().union(*map(documented, kinds))


def test_every_command_on_that_page_is_one() -> None:
    [script] = blocks(LIMITS, "sh")
    for line in script.splitlines():
        _, name, *arguments = shlex.split(line)
        context = payguard.make_context("payguard", [name])
        command = payguard.get_command(context, name)
        assert command.get_command(context, arguments[0]).make_context(name, arguments[1:]) is not None, line


def test_the_fields_that_page_shows_are_what_a_client_gets() -> None:
    given = [LimitConfig.model_validate(each) for each in PAYMENTS]
    names = names_of(given)
    error = limited(policy_field(names, given), [("user", 2.0)])
    [shown] = blocks(LIMITS, "http")

    assert dict(re.findall(r"^([\w-]+): (.*)$", shown, re.MULTILINE)) == {
        "Retry-After": error.headers["retry-after"],
        "RateLimit-Policy": error.headers["ratelimit-policy"],
        "RateLimit": error.headers["ratelimit"],
    }


PAYMENTS = ({"per": "user", "limit": "30/minute"}, {"per": "ip", "limit": "60/minute"}, {"limit": "5000/minute"})


def test_the_numbers_on_that_page_and_on_redis_are_those_of_the_code() -> None:
    assert (HELD_SHARE, PIECES, inspect.signature(MemoryStore).parameters["entries"].default) == (4, 20, 100_000)
    for said in ("a quarter", "twentieths", "100,000 keys", "within 20 ms"):
        assert said in LIMITS
    assert (CONNECT_WITHIN * 2, LONGEST_PAUSE) == (2.0, 2.0)
    for said in ("starts within two seconds", "at most two between attempts"):
        assert said in OPERATIONS


@pytest.mark.parametrize("url", re.findall(r"^\| `(\w[\w+]*://[^`]+)`", OPERATIONS, re.MULTILINE))
def test_every_form_of_a_redis_url_is_one(url) -> None:
    parse_redis(url.partition("?ca=")[0])


def test_every_option_around_a_cache_is_on_its_page_with_its_default() -> None:
    kinds = (RedisConfig, Rule, TagsConfig, RefreshConfig, WarmConfig)
    rows = [row for kind in kinds for row in option_rows(kind)]
    said = {f"| `{e.name}` | {default_of(e)} | {' '.join(e.description.split()).removesuffix('.')} |" for e in rows}
    before_metrics = CACHE_OPERATIONS.partition("## Seen")[0]

    assert set(re.findall(r"^\| `[a-z_]+` \|.*$", before_metrics, re.MULTILINE)) == said


def test_the_policy_on_that_page_compiles_and_its_commands_are_ones() -> None:
    [policy], [script] = blocks(CACHE_OPERATIONS, "yaml"), blocks(CACHE_OPERATIONS, "sh")
    services = Services(store=MemoryStore(), salts=SALTS, environ={"REDIS_URL": "redis://127.0.0.1:1"})
    registry = load_plugins(load_settings({})).registry

    assert Compiler(registry, services).check(policy, "policy.yaml") == []
    for line in script.splitlines():
        refused = CliRunner().invoke(payguard, [*shlex.split(line)[1:], "--admin", "http://127.0.0.1:1"])
        assert (refused.exit_code, "cannot be asked" in refused.output or "1" in refused.output) == (1, True)


def test_every_metric_on_that_page_is_one_and_each_is_on_it() -> None:
    lent = scope(secrets={"env:REDIS_URL": "redis://127.0.0.1:1"})
    cache = Cache(TiersConfig(redis=RedisConfig()), lent)
    cache.warmings["a"] = [Warming("a", WarmConfig(path="/a", host="h"), lent)]
    said = re.findall(r"^\| `payguard_cache_(\w+)` \| (\w+) \| (.*?) \|", CACHE_OPERATIONS, re.MULTILINE)
    told = [
        (each.name, each.kind, ", ".join(f"`{label}`" for label in each.labels) or "–") for each in cache.measures()
    ]

    assert said == told


def test_the_purge_on_the_page_on_the_api_is_one() -> None:
    [shown] = blocks(sections(API)["POST /api/v1/cache/purge"], "json")

    assert CachePurge.model_validate_json(shown).by == "grace"
