from __future__ import annotations

import json

from rich.console import Console

from waf.measuring import Cell, Measured
from waf.report import document, shortfalls, show, worst


def measured(*, missed: int = 0, refused: int = 0, behind: int = 0) -> Measured:
    found = Measured()
    for family in ("sqli", "xss"):
        found.attacks[family, "data", "plain"] = Cell(1000, [f"attack {number}" for number in range(missed)])
        found.attacks[family, "data", "percent"] = Cell(1000, [f"attack {number}" for number in range(missed + behind)])
    found.ordinary["names"] = Cell(1000, [f"name {number}" for number in range(refused)])
    return found


def test_nothing_is_missed_where_the_targets_are_met() -> None:
    assert shortfalls(measured(missed=30, refused=4, behind=0)) == []


def test_each_target_that_is_missed_is_told() -> None:
    assert [text.partition(":")[0] for text in shortfalls(measured(missed=40))] == ["sqli", "xss"]
    assert [text.partition(":")[0] for text in shortfalls(measured(refused=6))] == ["ordinary text"]
    assert [text.partition(":")[0] for text in shortfalls(measured(behind=6))] == ["sqli, percent", "xss, percent"]


def test_what_could_not_be_measured_is_said_loudly() -> None:
    screen, found = Console(record=True, width=120), measured()
    found.skipped.append("sqlmap is not there")
    with screen.capture() as shown:
        show(screen, found)

    assert "NOT MEASURED: sqlmap is not there" in shown.get()


def test_the_worst_are_the_shortest_and_each_is_told_once() -> None:
    assert worst(Cell(3, ["long one", "short", "short"])) == ["short", "long one"]


def test_the_document_is_json_with_all_figures() -> None:
    written = json.loads(json.dumps(document(measured(missed=10))))

    assert written["found"] == {"sqli": 0.99, "xss": 0.99}
    assert written["refused"] == 0
