from __future__ import annotations

from html.parser import HTMLParser

import pytest

from plugins.fraud.judge import judge_of
from plugins.fraud.offline.backtest import backtest
from plugins.fraud.offline.replay import replay
from plugins.fraud.offline.report import lines, page
from tests.plugins.fraud.modelling import rows


@pytest.fixture(scope="module")
def report():
    return backtest(replay(rows(days=16)), judge_of({}), judge_of({"review_at": 20}))


def test_a_page_needs_nothing_beside_it_and_shows_the_curve(report) -> None:
    found: list[str] = []
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: found.append(tag)
    parser.feed(page(report, "<new> policy"))

    assert {"svg", "table", "h1"} <= set(found)
    assert not {"script", "link", "img"} & set(found)
    assert "&lt;new&gt; policy" in page(report, "<new> policy")


def test_the_terminal_is_told_the_same_figures(report) -> None:
    told = "\n".join(lines(report))

    assert f"{report['payments']:,} payments with {report['frauds']:,} frauds" in told
    assert f"average precision {report['average_precision']['value']:.3f}" in told
    assert "review → allow: " in told
