from __future__ import annotations

import pytest

from plugins.sanitise.masking import LONGEST, masked


@pytest.mark.parametrize(
    ("excerpt", "written"),
    [
        ("' OR 1=1--", "' OR 0=0--"),
        ("' UNION SELECT iban FROM customers", "' UNION SELECT … FROM …"),
        ("Ada <script>alert(4242424242424242)</script>", "… <script>alert(0)</script>"),
        ("Müller' AND 1", "…' AND 0"),
    ],
)
def test_only_the_language_of_attacks_is_written(excerpt, written) -> None:
    assert masked(excerpt) == written


def test_an_excerpt_is_short() -> None:
    assert len(masked("'" * 1000)) == LONGEST
