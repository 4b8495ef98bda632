from __future__ import annotations

import logging
import os
import pty
import sys
import threading
import warnings
from collections.abc import AsyncIterator
from types import SimpleNamespace

import orjson
import pytest
import structlog

from gateway.exchange import Delivery, Note, Step
from gateway.facts import Principal
from gateway.messages import Response
from gateway.telemetry.lines import Lines
from gateway.telemetry.log import ExchangeLog, catch_uncaught, configure
from gateway.telemetry.masking import MASK, Masking
from tests.gateway.telemetry.exchanges import ended


class Written:
    """Lines into a pipe, and what came out of it."""

    def __init__(self) -> None:
        self._reading, self.writing = os.pipe()
        self.lines = Lines(self.writing, every=3600)

    async def text(self) -> str:
        await self.lines.close()
        os.set_blocking(self._reading, False)
        try:
            return os.read(self._reading, 1 << 20).decode()
        except BlockingIOError:
            return ""

    async def documents(self) -> list[dict]:
        return [orjson.loads(line) for line in (await self.text()).splitlines()]

    def close(self) -> None:
        os.close(self._reading)
        os.close(self.writing)


@pytest.fixture
async def written() -> AsyncIterator[Written]:
    written = Written()
    yield written
    await written.lines.close()
    written.close()


@pytest.fixture(autouse=True)
def logging_as_before():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    levels = {
        name: logging.getLogger(name).level for name in ("httpx", "httpcore", "opentelemetry", "urllib3", "asyncio")
    }
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name, former in levels.items():
        logging.getLogger(name).setLevel(former)
    logging.getLogger("uvicorn.access").disabled = False
    logging.captureWarnings(False)
    structlog.reset_defaults()


async def test_each_exchange_is_one_json_line(written):
    log = ExchangeLog(Masking(), written.lines)
    log.ended(ended())
    log.ended(ended(method="GET"))
    first, second = await written.documents()
    assert (first["method"], second["method"]) == ("POST", "GET")
    assert first["ts"].endswith("Z")


@pytest.mark.parametrize(
    ("attributes", "level"),
    [
        ({}, "info"),
        ({"response": Response(402)}, "info"),
        ({"response": None}, "info"),
        ({"response": Response(500)}, "warning"),
        ({"delivery": Delivery.UNKNOWN, "response": None}, "warning"),
        ({"delivery": Delivery.UNKNOWN, "response": None, "operation": None}, "info"),
    ],
)
async def test_what_someone_should_look_at_is_a_warning(written, attributes, level):
    ExchangeLog(Masking(), written.lines).ended(ended(**attributes))
    [line] = await written.documents()
    assert line["level"] == level


@pytest.mark.parametrize(
    ("level", "statuses"), [("debug", [200, 500]), ("info", [200, 500]), ("warning", [500]), ("error", [])]
)
async def test_the_level_says_which_exchanges_are_written(written, level, statuses):
    log = ExchangeLog(Masking(), written.lines, level=level)
    for status in (200, 500):
        log.ended(ended(response=Response(status)))
    assert [line["status"] for line in await written.documents()] == statuses


async def test_nothing_secret_reaches_the_line_wherever_it_comes_from(written):
    masking = Masking()
    masking.add_secret("hunter-2-hunter")
    card = "4111 1111 1111 1111"
    ExchangeLog(masking, written.lines, query=True).ended(
        ended(
            target=b"/v1/4111-1111-1111-1111?token=sk_live_4eC39HqLyjWDarjtT1zdp7dc&q=hunter-2-hunter",
            facts=(Principal(card),),
            steps=[Step(card, "enforce", "refused", 0.0, card)],
            notes=[Note("x", card, {"deep": [{"number": 4111111111111111, card: "hunter-2-hunter"}]})],
        )
    )
    text = await written.text()
    assert "1111-1111" not in text
    assert "1111 1111" not in text
    assert "11111111" not in text
    assert "hunter" not in text
    assert "4eC39" not in text
    assert orjson.loads(text)["principal"] == "[card *1111]"


async def test_ids_made_here_stay_whole_even_where_they_look_like_a_card(written):
    exchange = ended(facts=(Principal("4111111111111111"),))
    exchange.trace.span_id = "4111111111111111"
    ExchangeLog(Masking(), written.lines).ended(exchange)
    [line] = await written.documents()
    assert (line["span_id"], line["principal"]) == ("4111111111111111", "[card *1111]")


async def test_a_terminal_gets_lines_for_people(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    controller, terminal = pty.openpty()
    lines = Lines(terminal)
    ExchangeLog(Masking(), lines).ended(ended())
    await lines.close()
    assert b"  201  POST  /v1/payments  12.5 ms  create-payment" in os.read(controller, 1 << 16)
    os.close(controller)
    os.close(terminal)


async def test_structlog_and_the_standard_library_write_the_same_kind_of_line(written):
    configure("info", masking=Masking(), lines=written.lines)
    structlog.get_logger("payguard.policy").info("policy activated", digest="abc")
    logging.getLogger("uvicorn.error").info("Started %s", "server", extra={"port": 8080})
    logging.getLogger("httpx").info("HTTP Request")
    ours, theirs = await written.documents()
    assert list(ours) == ["ts", "level", "logger", "event", "digest"]
    assert (ours["event"], ours["level"], ours["logger"]) == ("policy activated", "info", "payguard.policy")
    assert (theirs["event"], theirs["logger"], theirs["port"]) == ("Started server", "uvicorn.error", 8080)


async def test_everything_off_the_path_is_masked_tracebacks_too(written):
    masking = Masking()
    masking.add_secret("hunter-2-hunter")
    configure("info", masking=masking, lines=written.lines)
    log = structlog.get_logger("payguard")
    log.warning("declined 4111 1111 1111 1111", password="p", nested={"cvc": 123}, half="\ud800")
    try:
        int("hunter-2-hunter")
    except ValueError:
        logging.getLogger("plugins.x").exception("broken")
    first, second = await written.documents()
    assert first["event"] == "declined [card *1111]"
    assert (first["password"], first["nested"]) == (MASK, {"cvc": MASK})
    assert f"with base 10: '{MASK}'" in second["exception"]
    assert "test_log.py" in second["exception"]


async def test_the_level_holds_for_both(written):
    configure("warning", masking=Masking(), lines=written.lines)
    structlog.get_logger("a").info("unsaid")
    logging.getLogger("b").info("unsaid")
    structlog.get_logger("a").error("said")
    assert [line["event"] for line in await written.documents()] == ["said"]


async def test_warnings_of_python_are_log_lines(written):
    configure("info", masking=Masking(), lines=written.lines)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(True)
        warnings.warn("old", stacklevel=1)
        logging.captureWarnings(False)
    [line] = await written.documents()
    assert line["logger"] == "py.warnings"


async def test_configuring_again_replaces_and_does_not_double(written):
    configure("info", masking=Masking(), lines=written.lines)
    configure("info", masking=Masking(), lines=written.lines)
    structlog.get_logger("a").info("once")
    assert len(await written.documents()) == 1


async def test_a_terminal_gets_events_for_people(monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    controller, terminal = pty.openpty()
    lines = Lines(terminal)
    configure("info", masking=Masking(), lines=lines)
    structlog.get_logger("payguard").info("policy activated", digest="abc")
    await lines.close()
    said = os.read(controller, 1 << 16)
    assert b"policy activated" in said
    assert b"digest" in said
    os.close(controller)
    os.close(terminal)


@pytest.fixture
def hooks_as_before():
    before = sys.excepthook, threading.excepthook, sys.unraisablehook
    yield
    sys.excepthook, threading.excepthook, sys.unraisablehook = before


async def test_what_nobody_caught_is_masked_too(written, hooks_as_before):
    configure("info", masking=Masking(), lines=written.lines)
    catch_uncaught()
    error = ValueError("no such card: 4111111111111111")
    thread = threading.Thread(target=lambda: int("4111 1111 1111 1111"))
    thread.start()
    thread.join()
    sys.excepthook(ValueError, error, None)
    sys.unraisablehook(SimpleNamespace(exc_type=ValueError, exc_value=error))
    text = await written.text()
    assert [orjson.loads(line)["logger"] for line in text.splitlines()] == ["payguard.uncaught"] * 3
    assert text.count("[card *1111]") == 4  # a traceback quotes the line as well
    assert "4111" not in text.replace("*1111", "")


async def test_an_interruption_by_hand_stays_what_it_is(written, hooks_as_before, capfd):
    configure("info", masking=Masking(), lines=written.lines)
    catch_uncaught()
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert await written.text() == ""
    assert "KeyboardInterrupt" in capfd.readouterr().err


async def test_a_line_that_cannot_be_written_says_so_and_not_what_it_was_to_hold(written, capfd):
    configure("info", masking=Masking(), lines=written.lines)
    ours = logging.getLogger().handlers[-1]
    ours.handle(logging.LogRecord("plugins.x", logging.WARNING, "", 1, "%d cards", ("4111111111111111",), None))
    [line] = await written.documents()
    assert (line["event"], line["logger"], line["error"]) == ("a line cannot be written", "plugins.x", "TypeError")
    assert capfd.readouterr().err == ""
