from __future__ import annotations

import re
from pathlib import Path

from plugins.sanitise.detection import FAMILIES, RULES

DOCUMENT = (Path(__file__).parents[4] / "docs" / "detection.md").read_text()


def test_the_id_of_a_rule_begins_with_its_family() -> None:
    assert {rule.id: rule.family for rule in RULES.values()} == {name: name.partition(".")[0] for name in RULES}
    assert set(FAMILIES) == {rule.family for rule in RULES.values()}


def test_every_rule_stands_in_the_documentation_as_it_is_and_no_other_does() -> None:
    rows = re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| (.+?) \| (\d+) \|$", DOCUMENT, re.MULTILINE)

    assert rows == [(rule.id, rule.says, str(rule.score)) for rule in RULES.values()]
