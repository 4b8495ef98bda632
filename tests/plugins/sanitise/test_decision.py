from __future__ import annotations

import pytest

from plugins.sanitise.decision import LONGEST_MATCHED, MOST_TOLD, TOGETHER, Judge
from plugins.sanitise.detection import Kind
from plugins.sanitise.options import SanitiseConfig
from plugins.sanitise.problems import BodyTooComplex
from plugins.sanitise.texts import Text

SQL = "x' OR 1=1-- "
SCRIPT = "<script>alert(1)</script>"


def judge(*texts: Text, **options):
    return Judge(SanitiseConfig.model_validate(options)).judge(texts)


def outcomes(*texts: Text, **options) -> set[tuple[str, str]]:
    return {(each.rule.family, each.outcome) for each in judge(*texts, **options).found}


def test_what_is_found_blocks() -> None:
    findings = judge(Text("/name", "Ada"), Text("/note", SQL))

    assert findings.blocking == findings.found[0]
    assert (findings.blocking.field, findings.blocking.rule.family) == ("/note", "sqli")


def test_where_nothing_is_found_nothing_blocks() -> None:
    findings = judge(Text("/name", "Ada O'Brien"))

    assert (findings.found, findings.blocking, findings.cleaned) == ([], None, {})


def test_a_family_may_be_reported_or_left_alone() -> None:
    text = Text("/note", SQL)

    assert outcomes(text, families={"sqli": "report"}) == {("sqli", "report")}
    assert judge(text, families={"sqli": "report"}).blocking is None
    assert outcomes(text, families={"sqli": "off"}) == set()


def test_a_family_that_is_off_but_in_a_field_is_looked_for_there_alone() -> None:
    options = {"families": {"sqli": "off"}, "fields": [{"at": "/note", "families": {"sqli": "block"}}]}

    assert judge(Text("/note", SQL), **options).blocking is not None
    assert judge(Text("/name", SQL), **options).blocking is None


@pytest.mark.parametrize("allowed", ["sqli", "all"])
def test_a_field_may_allow_a_family_or_everything(allowed) -> None:
    fields = [{"at": "/note", "allow": [allowed]}]

    assert judge(Text("/note", SQL), fields=fields).found == []
    assert judge(Text("/name", SQL), fields=fields).blocking is not None


def test_a_field_may_allow_one_rule() -> None:
    [rule] = {each.rule.id for each in judge(Text("/note", SQL)).found}

    assert judge(Text("/note", SQL), fields=[{"at": "/note", "allow": [rule]}]).found == []


def test_the_first_entry_that_a_field_matches_is_for_it() -> None:
    fields = [{"at": "/note", "families": {"sqli": "report"}}, {"at": "/**", "allow": ["all"]}]

    assert outcomes(Text("/note", SQL), Text("/name", SQL), fields=fields) == {("sqli", "report")}


def test_no_entry_is_for_a_name_that_is_longer_than_any() -> None:
    fields = [{"at": "/**", "allow": ["all"]}]

    assert judge(Text("/" + "a" * LONGEST_MATCHED, SQL), fields=fields).blocking is not None


def test_scores_are_summed_over_the_request_and_only_what_blocks_counts() -> None:
    one, two, reported = Text("/a", SQL), Text("/b", SQL), Text("/c", SCRIPT)
    options = {"threshold": 10, "families": {"xss": "report"}}

    assert judge(one, reported, **options).blocking is None
    assert judge(one, reported, two, **options).blocking.field == "/a"


def test_a_text_is_cleaned_where_its_field_says_so() -> None:
    findings = judge(Text("/note", f"<b>hi</b> {SCRIPT}"), fields=[{"at": "/note", "clean": "html"}])

    assert findings.cleaned == {"/note": "<b>hi</b> "}
    assert {each.outcome for each in findings.found} == {"clean"}
    assert findings.blocking is None


def test_cleaning_resolves_scripts_and_nothing_else() -> None:
    assert judge(Text("/note", SCRIPT + SQL), fields=[{"at": "/note", "clean": "strip"}]).blocking.rule.family == "sqli"


def test_what_only_shows_once_the_markup_is_gone_is_found_as_well() -> None:
    text = Text("/note", f"x' O<script>1</script>R 1=1-- {SCRIPT}")

    assert judge(text, fields=[{"at": "/note", "clean": "strip"}]).blocking.rule.family == "sqli"


@pytest.mark.parametrize("field", ["header:referer", "header:origin"])
def test_the_page_that_a_browser_was_on_may_be_on_its_own_machine(field) -> None:
    assert judge(Text(field, "http://localhost:3000/checkout", Kind.HEADER)).found == []
    assert judge(Text("/callback_url", "http://localhost:3000/", Kind.URL)).blocking.rule.family == "ssrf"


def test_a_key_cannot_be_cleaned() -> None:
    key = Text(f"/{SCRIPT.replace('/', '~1')}", SCRIPT, Kind.KEY)

    assert judge(key, fields=[{"at": "/**", "clean": "html"}]).blocking is not None


def test_what_takes_too_long_to_look_at_is_refused() -> None:
    one, other, bounds = Text("/a", "Ada O'Brien <b>"), Text("/b", "Bob O'Brien <b>"), {"effort": "0ms"}

    judge(one, one, one, bounds=bounds)  # the same is looked at once
    with pytest.raises(BodyTooComplex):
        judge(one, other, bounds=bounds)
    judge(one, other)


def test_texts_are_innocent_only_where_nothing_is_in_them_whatever_is_allowed() -> None:
    assert judge(Text("/note", "Ada O'Brien")).innocent
    assert not judge(Text("/note", SQL), fields=[{"at": "/note", "allow": ["all"]}]).innocent


def test_what_is_found_names_no_piece_of_it() -> None:
    [found] = judge(Text("/notes/secret' value", "Lovelace' OR 4242424242424242=4242424242424242-- ")).found[:1]

    assert found.field == "/notes/*"
    assert "Lovelace" not in found.excerpt
    assert "4242" not in found.excerpt


def test_once_enough_is_found_the_rest_is_left() -> None:
    texts = iter([Text(f"/{number}", SQL) for number in range(100)])
    found = Judge(SanitiseConfig()).judge(texts).found

    assert MOST_TOLD <= len(found) < 2 * MOST_TOLD
    assert len(list(texts)) >= 100 - 2 * TOGETHER


def test_an_attack_among_many_ordinary_texts_is_found() -> None:
    texts = [Text(f"/{number}", "Ada") for number in range(100)]
    for number in (0, TOGETHER - 1, TOGETHER, 99):
        assert judge(*texts[:number], Text("/x", SQL), *texts[number + 1 :]).blocking.field == "/x"


def test_the_screen_passes_what_has_nothing_in_it_and_stops_what_has() -> None:
    screen = Judge(SanitiseConfig()).clean

    assert screen(["Ada Lovelace", "cus_4QFOF3xrvBT2nU"])
    assert not screen(["Ada", SQL])
