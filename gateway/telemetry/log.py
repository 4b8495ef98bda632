"""The log: structlog for what happens rarely, lines built by hand for exchanges; all of it masked, on one way out."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any

import orjson
import structlog

from gateway.errors import UpstreamError
from gateway.exchange import Exchange
from gateway.outcomes import Outcome, outcome_of
from gateway.telemetry.lines import Lines
from gateway.telemetry.masking import Masking
from gateway.telemetry.records import FIELDS, pretty, record
from gateway.telemetry.stamps import Stamps
from gateway.telemetry.template import Template

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}

_FROM_OUTSIDE = b'"request_id"'
"""What stands before it in a line is this process's own, or a trace's hexadecimal id: it is not looked through."""

_LINE = orjson.OPT_APPEND_NEWLINE
_TALKATIVE = ("httpx", "httpcore", "opentelemetry", "urllib3", "asyncio")
_FIRST = ("ts", "level", "logger", "event")


class ExchangeLog:
    """One line for each exchange: JSON, or something for people on a terminal.

    WARNING where the gateway answered 5xx or a payment is left in doubt, else INFO; ``level`` is the lowest written.
    The query of a target is left out unless ``query`` asks for it.
    """

    def __init__(self, masking: Masking, lines: Lines, *, level: str = "info", query: bool = False) -> None:
        self._masking = masking
        self._lines = lines
        self._query = query
        self._stamps = Stamps()
        self._informs = LEVELS[level] <= logging.INFO
        self._warns = LEVELS[level] <= logging.WARNING
        self._colours = "NO_COLOR" not in os.environ
        self._named = any(map(masking.names, FIELDS))
        self._common = not (self._named or query or lines.terminal)
        self._template = Template(masking)

    def ended(self, exchange: Exchange) -> None:
        outcome = None if exchange.operation is None else outcome_of(exchange)
        response = exchange.response
        warns = (
            outcome is Outcome.IN_DOUBT
            or (response is not None and response.status >= 500)
            or (exchange.error is not None and isinstance(exchange.error, UpstreamError))  # after the head had gone
        )
        if not (self._warns if warns else self._informs):
            return
        level, ts = "warning" if warns else "info", self._stamps.now()
        if self._common and (line := self._template.line(exchange, ts, level, outcome)) is not None:
            self._lines.put(line.encode())
        else:
            self._lines.put(self._closely(record(exchange, ts, level, outcome, self._masking, query=self._query)))

    def _closely(self, document: dict[str, Any]) -> bytes:
        """The line of an exchange that the template does not take."""
        line = orjson.dumps(document, option=_LINE)
        if self._named or self._masking.suspects(line[line.find(_FROM_OUTSIDE) :]):
            document = self._masked(document)
            line = orjson.dumps(document, option=_LINE)
        return pretty(document, colours=self._colours).encode() if self._lines.terminal else line

    def flush(self) -> None:
        self._lines.flush()

    def _masked(self, document: dict[str, Any]) -> dict[str, Any]:
        """But for what this process made up, which may look like a card number by chance."""
        own = {"ts": document["ts"], "trace_id": document["trace_id"], "span_id": document["span_id"]}
        masked: dict[str, Any] = self._masking.document(document)
        return masked | own


def configure(level: str, *, masking: Masking, lines: Lines) -> None:
    """Send structlog and the standard library's logging, uvicorn's included, through ``masking`` to ``lines``.

    ``catch_uncaught`` does so with what ends the process or a thread of it.
    """
    handler = _Handler(lines)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                structlog.stdlib.ExtraAdder(),
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,  # before masking: a traceback quotes what it failed on
                _Masked(masking),
                structlog.dev.ConsoleRenderer(pad_event_to=0, colors="NO_COLOR" not in os.environ)
                if lines.terminal
                else _json,
            ],
        )
    )
    _route(handler, LEVELS[level])
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            structlog.stdlib.add_logger_name,
            structlog.stdlib.add_log_level,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def _route(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    for former in [former for former in root.handlers if isinstance(former, _Handler)]:
        root.removeHandler(former)
    root.addHandler(handler)
    root.setLevel(level)
    logging.captureWarnings(True)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.asgi"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.setLevel(logging.NOTSET)  # whoever configured uvicorn before may have set another
        logger.propagate = True
    logging.getLogger("uvicorn.access").disabled = True  # each exchange has its own line
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))


def catch_uncaught() -> None:
    """What nobody caught would go to stderr by itself, with the values that its message quotes."""
    logger = logging.getLogger("payguard.uncaught")

    def of_process(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
        else:
            logger.critical("An error ended the process", exc_info=(kind, error, trace))

    def of_thread(uncaught: threading.ExceptHookArgs) -> None:
        if uncaught.exc_value is not None and not isinstance(uncaught.exc_value, SystemExit):
            logger.critical("An error ended a thread", exc_info=uncaught.exc_value)

    def of_nobody(unraisable: sys.UnraisableHookArgs) -> None:
        logger.error("An error could be raised to nobody", exc_info=unraisable.exc_value)

    sys.excepthook, threading.excepthook, sys.unraisablehook = of_process, of_thread, of_nobody


class _Handler(logging.Handler):
    def __init__(self, lines: Lines) -> None:
        super().__init__()
        self._lines = lines
        self._stamps = Stamps()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.say(self.format(record).encode() + b"\n")
        except Exception as error:  # noqa: BLE001 - a handler must not raise into whoever logs
            # the base class would report it to stderr, with all that was to be logged
            line = {"level": "error", "event": "a line cannot be written", "logger": record.name}
            self._lines.say(orjson.dumps({"ts": self._stamps.now(), **line, "error": type(error).__name__}) + b"\n")


class _Masked:
    def __init__(self, masking: Masking) -> None:
        self._masking = masking
        self._stamps = Stamps()

    def __call__(self, logger: Any, name: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:  # noqa: ARG002
        masked: dict[str, Any] = self._masking.document(event)
        masked["ts"] = self._stamps.now()
        first = {key: masked.pop(key) for key in _FIRST if key in masked}
        return first | masked


def _json(logger: Any, name: str, event: MutableMapping[str, Any]) -> str:  # noqa: ARG001
    return orjson.dumps(event).decode()
