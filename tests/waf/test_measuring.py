from __future__ import annotations

import pytest

from plugins.sanitise.detection.detector import Detector
from waf import measuring, sqlmap
from waf.encodings import ENCODINGS
from waf.measuring import measure, refused
from waf.ordinary import LOCALES
from waf.report import shortfalls
from waf.samples import Dice, Sample


def test_a_small_measurement_meets_the_targets(monkeypatch) -> None:
    monkeypatch.setattr(sqlmap, "present", lambda: False)
    found = measure(seed=11, each=6)

    assert shortfalls(found) == []
    assert {encoding for family, _, encoding in found.attacks if family == "xss"} == set(ENCODINGS)
    assert set(LOCALES) < set(found.ordinary)
    assert found.skipped != []


@pytest.mark.skipif(not sqlmap.present(), reason="NOT TESTED: Debian's package sqlmap is not installed")
def test_payloads_and_tampers_of_sqlmap_are_found() -> None:
    payloads = sqlmap.payloads(Dice(2))
    tampered = list(sqlmap.tampered(payloads[:20]))
    missed = [each for each in [*payloads, *tampered] if refused(Detector(), each) is None]

    assert len(payloads) > 500
    assert len(missed) <= len(payloads + tampered) / 100, missed


def test_a_text_is_refused_from_one_conclusive_rule_on() -> None:
    assert refused(Detector(), Sample("' or 1=1--", "sqli", "quote")) == "sqli.tautology"
    assert refused(Detector(), Sample("O'Brien", "ordinary", "names")) is None
    assert measuring.REFUSED_FROM == 5
