from __future__ import annotations

from plugins.sanitise.detection import sql_lexicon
from plugins.sanitise.detection.sql_lexicon import CLAUSES, COMPARING_WORDS, KNOWN, LOGIC, PREFIXES


def test_no_word_that_ends_an_expression_goes_on_with_one() -> None:
    assert not CLAUSES & (LOGIC | COMPARING_WORDS | PREFIXES)


def test_every_word_is_in_lower_case_as_texts_are_read() -> None:
    sets = [value for value in vars(sql_lexicon).values() if isinstance(value, frozenset)]

    assert KNOWN in sets
    assert all(word == word.lower() for words in sets for word in words)
