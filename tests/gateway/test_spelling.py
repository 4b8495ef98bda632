import pytest

from gateway.spelling import did_you_mean


@pytest.mark.parametrize(
    ("word", "meant"),
    [("prinicpal", "principal"), ("PRINCIPAL", "principal"), ("kb", "kB"), ("body-limit", "body_limit")],
)
def test_the_nearest_word_is_offered_in_its_own_case(word: str, meant: str) -> None:
    assert did_you_mean(word, ["principal", "kB", "body_limit"]) == f"; did you mean {meant!r}?"


def test_nothing_is_offered_where_nothing_is_near() -> None:
    assert did_you_mean("magic", ["principal", "body_limit"]) == ""
    assert did_you_mean("magic", []) == ""
