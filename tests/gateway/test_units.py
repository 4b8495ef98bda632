import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway import Config, Duration, SecretRef, Size
from gateway.units import duration_text, seconds, size, size_text


class Options(Config):
    window: Duration = 60.0
    most: Size = 0
    key: SecretRef = "env:KEY"


@pytest.mark.parametrize(
    ("text", "meant"), [("250ms", 0.25), ("8s", 8.0), ("1.5m", 90.0), ("23h", 82800.0), ("7d", 604800.0), ("0s", 0.0)]
)
def test_a_duration_is_written_with_its_unit(text: str, meant: float) -> None:
    assert Options.model_validate({"window": text}).window == meant


@pytest.mark.parametrize(
    ("text", "meant"), [("512", 512), (512, 512), ("16KiB", 16384), ("1MB", 10**6), ("1 GiB", 1 << 30)]
)
def test_a_size_is_written_plain_or_with_its_unit(text: str | int, meant: int) -> None:
    assert Options.model_validate({"most": text}).most == meant


@pytest.mark.parametrize("wrong", [5, 5.0, "5", "-1s", "1 s", "1w", True, None])
def test_what_is_no_duration_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate({"window": wrong})


@pytest.mark.parametrize("wrong", [-1, "-1", "1Kb", "1.5MiB", True, None])
def test_what_is_no_size_is_refused(wrong: object) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate({"most": wrong})


@pytest.mark.parametrize("value", ["hunter2", "env:", "env:1X", "file:relative", "vault:x"])
def test_a_secret_is_named_and_never_given(value: str) -> None:
    with pytest.raises(ValidationError):
        Options.model_validate({"key": value})


def test_options_as_json_are_written_as_a_person_writes_them() -> None:
    assert Options.model_validate({"window": "1380m", "most": 16384}).model_dump(mode="json") == {
        "window": "23h",
        "most": "16KiB",
        "key": "env:KEY",
    }


@given(st.integers(0, 10**9))
def test_what_is_written_is_read_as_the_same(number: int) -> None:
    assert seconds(duration_text(number / 1000)) == pytest.approx(number / 1000)
    assert size(size_text(number)) == number
