"""The demo: its parts, and all of it as a user starts it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from examples.demo import town
from examples.demo.payments import Row, outcome
from examples.demo.service import Service, ServiceFailedError

ROOT = Path(__file__).parents[2]
NOWHERE = "http://127.0.0.1:9/"
ROW = Row("A payment succeeds", "POST /v1/payments", "201 paid", 201, "paid", "r1", 1.0)


def test_a_row_is_as_expected_where_status_and_outcome_begin_so():
    assert ROW.as_expected
    assert replace(ROW, expected="401", status=401, outcome="unauthenticated").as_expected
    assert not replace(ROW, status=500, outcome="internal_error").as_expected
    assert not replace(ROW, outcome="processing").as_expected
    assert replace(ROW, status=None, outcome="pg1.1.x", expected="pg1.").as_expected
    assert not replace(ROW, status=None, outcome="4242", expected="pg1.").as_expected


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"id": "pi_1", "status": "paid"}, "paid"),
        ({"id": "pi_1", "total": 4200}, "ok"),
        ({"id": "a1", "state": "succeeded"}, "succeeded"),
        ({"status": 402, "code": "card_declined", "decline_code": "lost_card"}, "card_declined lost_card"),
        ({"status": 422, "code": "invalid_payment", "pointer": "/amount"}, "invalid_payment /amount"),
        ({"status": 403, "code": "attack_suspected", "field": "/note"}, "attack_suspected /note"),
    ],
)
def test_an_outcome_says_what_is_to_blame(document, said):
    assert outcome(document) == said


def test_a_port_that_is_taken_is_not_chosen():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert town.free_port(port) != port
    assert town.free_port(port) == port


def test_the_policy_differs_in_addresses_and_in_when_it_asks_after_lost_answers(tmp_path, monkeypatch):
    monkeypatch.chdir(ROOT)
    ours = (ROOT / town.POLICY).read_text()
    copy = town.policy_for("http://127.0.0.1:9123", "http://127.0.0.1:9124", tmp_path).read_text()
    assert copy == ours.replace(":9000", ":9123").replace("https://api.stripe.com", "http://127.0.0.1:9124").replace(
        "stuck_after: 60s", "stuck_after: 1s\n    every: 1s"
    )
    assert (copy.count(":9123"), copy.count(":9124")) == (2, 1)
    kept = town.policy_for(town.BACKEND_IN_POLICY, town.STRIPE_IN_POLICY, tmp_path).read_text()
    assert kept.count(":9000") == 2


def test_a_service_that_ends_is_told_with_its_last_words(tmp_path):
    words = "import sys; sys.exit('the port is taken')"
    service = Service("The shop", [sys.executable, "-c", words], NOWHERE, log=tmp_path / "log")
    with pytest.raises(ServiceFailedError, match=r"The shop ended with exit code 1\nthe port is taken"):
        service.start()


def test_a_service_that_is_not_ready_in_time_is_stopped(tmp_path):
    waiting = [sys.executable, "-c", "import signal; signal.pause()"]
    before = set(psutil.Process().children())
    service = Service("The shop", waiting, NOWHERE, log=tmp_path / "log", ready_within=0.1)
    with pytest.raises(ServiceFailedError, match=r"The shop was not ready within 0\.1 s"):
        service.start()
    assert set(psutil.Process().children()) == before


@contextmanager
def demo(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """As a script starts it beside itself: with Ctrl-C ignored."""
    command = [sys.executable, "-m", "gateway", "demo", *arguments]
    former = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
    finally:
        signal.signal(signal.SIGINT, former)
    with process:
        try:
            yield process
        finally:
            process.kill()  # where a test gives up, it must not wait for ever


def test_once_shows_what_became_of_each_payment_and_ends():
    with demo("--once") as process:
        shown, errors = process.communicate()
    assert process.returncode == 0, shown + errors
    assert "✗" not in shown
    for said in (
        "(replayed)",
        "(cached), backend asked 1 time",
        "idempotency_key_reused",
        "insufficient_funds",
        "unauthenticated",
        "/amount",
        "attack_suspected",
    ):
        assert said in shown
    assert "upstream_unreachable" in shown
    assert "rate_limited" in shown
    assert "processor_unavailable" in shown
    assert re.search(r"at the backend +the backend's book +pg1\.", shown)
    assert re.search(r"at the processor +the fake Stripe +4242424242424242", shown)
    assert "succeeded" in shown


def test_sigint_ends_it_and_everything_that_it_started():
    with demo() as process:
        for line in process.stdout:
            if "Ctrl-C" in line:
                break
        started = psutil.Process(process.pid).children(recursive=True)
        assert len(started) >= 3
        os.kill(process.pid, signal.SIGINT)
        shown, errors = process.communicate()
    assert process.returncode == 0, shown + errors
    gone, alive = psutil.wait_procs(started, timeout=5)
    assert (len(gone), alive) == (len(started), [])
