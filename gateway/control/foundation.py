"""The foundation: what every policy of a process stands on, built once from its settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, cast

from pydantic import SecretStr

from gateway.audit.signing import Sealer
from gateway.audit.writer import AuditWriter
from gateway.control.compiler import Compiler
from gateway.control.core_parts import COMPONENTS
from gateway.control.key_files import KeyFiles, file_of
from gateway.control.key_watch import KeyWatch
from gateway.control.keys import (
    make_key_files,
    make_key_watch,
    make_keyring,
    make_reencryption,
    make_salts,
    make_sealer,
)
from gateway.control.plugins import Plugins, load_plugins
from gateway.control.reencryption import Reencryption
from gateway.control.scope import Services
from gateway.control.settings import Settings
from gateway.control.start import bad_starts, prepare_data_dir
from gateway.database.opening import open_database
from gateway.database.protocol import Database
from gateway.ledger.protocol import Ledger
from gateway.ledger.sql import SqlLedger
from gateway.store.address import parse as parse_redis
from gateway.store.memory import MemoryStore
from gateway.store.protocol import Store
from gateway.telemetry import log as logs
from gateway.telemetry.lines import Lines
from gateway.telemetry.masking import Masking
from gateway.telemetry.metrics import Metrics

if TYPE_CHECKING:
    from gateway.telemetry.spans import Spans


@dataclass(frozen=True, slots=True)
class Foundation:
    """Who made it closes services, spans and lines, in this order."""

    settings: Settings
    masking: Masking
    lines: Lines
    plugins: Plugins
    services: Services
    database: Database
    key_watch: KeyWatch
    key_files: KeyFiles
    reencryption: Reencryption
    metrics: Metrics
    spans: Spans | None
    compiler: Compiler
    templates: dict[str, str]
    """Path templates of the routes in force, by their names."""


def lay(settings: Settings, environ: Mapping[str, str]) -> Foundation:
    """BadStart where something that it needs is not to be had.  Must not run on the event loop: plugins import."""
    masking, lines = _masking(settings), Lines()
    logs.configure(settings.log_level, masking=masking, lines=lines)
    with bad_starts():
        plugins = load_plugins(settings)
    prepare_data_dir(settings.data_dir)
    database = open_database(settings.database, migrate=settings.ledger_migrate)
    store, local = _stores(settings, plugins)
    services = Services(
        store=store,
        local=local,
        database=database,
        ledger=_ledger(settings, plugins, database),
        masks=masking,
        salts=make_salts(settings, masking),
        keyring=make_keyring(settings, plugins, masking),
        environ=environ,
        on_secret=masking.add_secret,
        spared=settings.spared_fields,
    )
    sealer = make_sealer(settings)
    services.audit = _audit(sealer, services, database, masking)
    key_watch = make_key_watch(settings, plugins, services)
    key_files = make_key_files(settings, key_watch, masking, sealer)
    metrics, templates = Metrics(masking.text), dict[str, str]()
    spans = _spans(settings, masking, templates)
    observers = [logs.ExchangeLog(masking, lines, level=settings.log_level, query=settings.log_query).ended]
    if settings.monitoring_enabled:
        observers.append(metrics.ended)
    if spans is not None:
        observers.append(spans.ended)
    compiler = Compiler(plugins.registry, services, components=COMPONENTS, observers=observers)
    return Foundation(
        settings,
        masking,
        lines,
        plugins,
        services,
        database,
        key_watch,
        key_files,
        make_reencryption(plugins, services),
        metrics,
        spans,
        compiler,
        templates,
    )


def _audit(sealer: Sealer, services: Services, database: Database, masking: Masking) -> AuditWriter:
    return AuditWriter(
        database,
        sealer,
        masks=masking,
        hash=services.salts.hash,
        now=services.clock.now,
        policy=lambda: services.policy,
        tell=partial(services.events.tell, source="audit"),
    )


def _spans(settings: Settings, masking: Masking, templates: Mapping[str, str]) -> Spans | None:
    if not (settings.monitoring_enabled and settings.otlp_endpoint):
        return None
    from gateway.telemetry.spans import Spans  # noqa: PLC0415 - the SDK takes memory that nobody else needs

    return Spans(settings.otlp_endpoint, masking, version=version("payguard"), template=templates.get)


def _masking(settings: Settings) -> Masking:
    masking = Masking(settings.mask_fields, spared=settings.spared_fields)
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr) and file_of(value.get_secret_value()) is None:
            masking.add_secret(value.get_secret_value())
    if settings.redis_url is not None and (password := parse_redis(settings.redis_url.get_secret_value()).password):
        masking.add_secret(password)
    return masking


def _stores(settings: Settings, plugins: Plugins) -> tuple[Store, Store | None]:
    """A plugin's, else the Redis that the settings name, each with a local one for while it is away; else memory."""
    made = cast("Store | None", plugins.hooks.create_store(settings=settings))
    if made is not None:  # one that holds nothing yet is false
        return made, MemoryStore()
    if settings.redis_url is None:
        return MemoryStore(), None
    from gateway.store.redis import RedisStore  # noqa: PLC0415 - the driver takes memory that nobody else needs

    return RedisStore(settings.redis_url.get_secret_value(), settings.redis_timeout), MemoryStore()


def _ledger(settings: Settings, plugins: Plugins, database: Database) -> Ledger:
    made = cast("Ledger | None", plugins.hooks.create_ledger(settings=settings, database=database))
    return SqlLedger(database) if made is None else made
