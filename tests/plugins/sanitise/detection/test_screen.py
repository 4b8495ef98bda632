from __future__ import annotations

from plugins.sanitise.detection.screen import EDGE, joined, screen


def test_triggers_are_told_by_their_numbers() -> None:
    match = screen(("needle", "[0-9]{3}"))

    assert match(joined(["a needle", "42"])) == [0]
    assert sorted(match(joined(["123", "NEEDLE"])) or ()) == [0, 1]
    assert match(joined(["hay"])) is None


def test_a_trigger_may_ask_for_the_beginning_of_a_text() -> None:
    match = screen((f"{EDGE}or ",))

    assert match(joined(["this", "or that"])) == [0]
    assert match(joined(["this or that"])) is None


def test_a_lone_surrogate_does_not_hide_what_follows_it() -> None:
    assert screen(("needle",))(joined(["\ud800 needle"])) == [0]


def test_what_is_at_the_end_of_a_long_text_is_seen_whatever_came_before() -> None:
    match = screen(("needle", "a[ab]{12}c", "b[^c]{0,40}d"))

    assert 0 in (match(joined(["abba" * 16384 + "needle"])) or ())
