from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from plugins.sanitise.detection import FAMILIES, RULES, Kind
from plugins.sanitise.detection.detector import Detector
from waf.encodings import ENCODINGS
from waf.injections import injections
from waf.ordinary import AWKWARD
from waf.others import others
from waf.samples import Dice
from waf.scripts import scripts

DETECTOR = Detector()
ATTACKS = [*injections(Dice(3), 3), *scripts(Dice(3), 5), *others(Dice(3), 5)]
FRAGMENTS = st.sampled_from(
    ["'", '"', "`", " or ", "1", "=", "<", ">", "script", "on", "load", "(", ")", "--", "#", "/*", "*/", ";", "union ", "select ", "%27", "%25", "&#39;", "\\u0027", "＇", "’", "${", "{{", "}}", "../", "|", "&", "cat ", "http://", "127.0.0.1", "\n", "\x00", "a", " "]
)  # fmt: skip
TEXTS = st.one_of(st.text(), st.lists(FRAGMENTS, max_size=24).map("".join))


def rules(text: str, kind: Kind = Kind.VALUE) -> set[str]:
    return {hit.rule.id for hit in DETECTOR.inspect(text, kind)}


@given(st.lists(TEXTS, max_size=6), st.sampled_from(Kind))
@example(["Σ", "' or 1=1"], Kind.VALUE)
def test_nothing_is_found_in_texts_that_are_clean_together(texts, kind) -> None:
    if DETECTOR.clean(texts):
        assert [DETECTOR.inspect(text, kind) for text in texts] == [()] * len(texts)


def test_texts_of_which_one_is_an_attack_are_not_clean() -> None:
    found = [sample.text for sample in ATTACKS if DETECTOR.inspect(sample.text, sample.kind)]

    assert [text for text in found if DETECTOR.clean(["Ada", text, "Lovelace"])] == []


@given(TEXTS, st.sampled_from(Kind))
def test_every_text_is_judged_and_each_rule_told_once(text, kind) -> None:
    hits = DETECTOR.inspect(text, kind)

    assert len({hit.rule.id for hit in hits}) == len(hits)
    assert all(RULES[hit.rule.id] is hit.rule for hit in hits)


def test_ordinary_texts_that_look_like_attacks_pass() -> None:
    assert {text: rules(text) for text in AWKWARD if rules(text)} == {}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_an_attack_is_found_in_every_encoding(encoding) -> None:
    attacks = [sample for sample in ATTACKS if sample.family in ("sqli", "xss") and rules(sample.text, sample.kind)]
    missed = [sample for sample in attacks if not rules(ENCODINGS[encoding](Dice(1), sample.text), sample.kind)]

    assert len(missed) <= len(attacks) / 200, missed


def test_a_detector_of_some_families_tells_of_no_other() -> None:
    some = Detector(["xss"])

    assert {hit.rule.family for hit in some.inspect("' or 1=1-- <script>alert(1)</script>")} == {"xss"}
    assert some.clean(["' or 1=1--"])


def test_a_detector_of_every_family_knows_them_all() -> None:
    asked = {sample.family for sample in ATTACKS}
    found = {RULES[rule].family for sample in ATTACKS for rule in rules(sample.text, sample.kind)}

    assert asked == found == set(FAMILIES)


@pytest.mark.parametrize("unit", ["' or ", "<a b=", "{{", "%2525", "`", "&lt", "(", "\\x27", "1+"])
def test_a_long_text_is_judged_to_its_end_or_refused(unit) -> None:
    text = unit * (65536 // len(unit)) + "<script>alert(1)</script>"

    assert rules(text) != set()
