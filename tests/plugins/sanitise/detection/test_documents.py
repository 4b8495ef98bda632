from __future__ import annotations

import pytest

from plugins.sanitise.detection import Kind
from plugins.sanitise.detection.documents import judge, judge_filter


def rules(text: str, kind: Kind = Kind.VALUE) -> set[str]:
    return {hit.rule.id for hit in judge(text, kind)}


@pytest.mark.parametrize("key", ["$ne", "$where", "user[$gt]", "a[b][$regex]", "filter.$in"])
def test_an_operator_as_a_key_is_told(key) -> None:
    assert rules(key, Kind.KEY) == {"nosql.operator_key"}


@pytest.mark.parametrize("key", ["amount", "$ref", "price$", "$schema", "items[0]"])
def test_another_key_passes(key) -> None:
    assert rules(key, Kind.KEY) == set()


@pytest.mark.parametrize("text", ['{"$gt": ""}', "[$ne]=1", "'; return this.a", "' || 'a'=='a", "db.users.drop("])
def test_a_condition_in_a_text_is_told(text) -> None:
    assert rules(text) == {"nosql.operator"}


@pytest.mark.parametrize("text", ["$ne York", "$100", "this. And that", "functional"])
def test_a_dollar_in_a_text_passes(text) -> None:
    assert rules(text) == set()


def test_a_filter_that_is_closed_and_opened_again_is_told() -> None:
    assert [hit.rule.id for hit in judge_filter("*)(uid=*))(|(uid=*", Kind.VALUE)] == ["ldap.filter"]
    assert list(judge_filter("Smith (UK) (and sons)", Kind.VALUE)) == []
