from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from gateway.control.events import MOST_CODES, REMEMBERED, Events


@pytest.mark.parametrize(("severity", "level"), [("info", "info"), ("warning", "warning"), ("critical", "error")])
def test_an_event_is_a_log_line_and_a_count(severity: str, level: str) -> None:
    events = Events()
    with capture_logs() as lines:
        events.tell("circuit_opened", source="circuit_breaker", severity=severity, upstream="backend")
    assert lines == [
        {
            "event": "circuit_opened",
            "log_level": level,
            "source": "circuit_breaker",
            "severity": severity,
            "upstream": "backend",
        }
    ]
    assert events.counts == {("circuit_opened", severity): 1}


def test_the_last_events_are_remembered_the_newest_first() -> None:
    events = Events(now=iter(range(REMEMBERED + 5)).__next__)
    for number in range(REMEMBERED + 5):
        events.tell("tick", source="test", severity="info", number=number)
    assert len(events.recent) == REMEMBERED
    assert [event.detail["number"] for event in events.recent][:2] == [REMEMBERED + 4, REMEMBERED + 3]
    assert events.recent[0].at == REMEMBERED + 4


def test_codes_that_a_plugin_makes_up_do_not_fill_the_memory() -> None:
    events = Events()
    for number in range(MOST_CODES + 5):
        events.tell(f"code {number}", source="test", severity="info")
    assert len(events.counts) == MOST_CODES
