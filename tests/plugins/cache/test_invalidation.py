from __future__ import annotations

import pytest

from gateway import BEGINNINGS
from plugins.cache.invalidation import changed_targets

OWN = "http://shop/v1/payments?x=1"


@pytest.mark.parametrize(
    ("named", "target"),
    [
        (b"/v1/invoices/7", "http://shop/v1/invoices/7"),
        (b"9?y=2", "http://shop/v1/9?y=2"),
        (b"http://shop/v1/9#part", "http://shop/v1/9"),
        (b"http://elsewhere/v1/9", None),
        (b"https://shop/v1/9", None),
        (b"//elsewhere/v1/9", None),
        (b"http://[bad", None),
    ],
)
def test_what_the_answer_names_at_the_same_origin_may_have_changed_too(named, target) -> None:
    for field in (b"location", b"content-location"):
        found = list(changed_targets(OWN, [BEGINNINGS[field], named]))
        assert found == [OWN, *([target] if target else [])]
