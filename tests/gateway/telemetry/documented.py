"""What ``docs/observability.md`` says, for the tests that hold the code to it."""

from __future__ import annotations

import re
from pathlib import Path

_PAGE = Path(__file__).parents[3] / "docs" / "observability.md"


def table(heading: str) -> list[list[str]]:
    """The rows of the first table under ``## heading``, each a list of its cells without their back-ticks."""
    _, _, section = _PAGE.read_text().partition(f"\n## {heading}\n")
    lines = re.findall(r"^\| (.*) \|$", re.split(r"^## ", section, flags=re.MULTILINE)[0], re.MULTILINE)
    return [[cell.strip().replace("`", "") for cell in line.split(" | ")] for line in lines[1:]]
