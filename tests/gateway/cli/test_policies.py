from pathlib import Path

import pytest

from gateway.cli.policies import Refused, loaded, offline_compiler, text_of


def test_a_plugin_that_cannot_be_loaded_is_refused_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="is not a directory") as caught:
        loaded([tmp_path / "none"])
    assert caught.value.exit_code == 2
    assert "\n" not in caught.value.message


def test_settings_that_are_wrong_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAYGUARD_PROT", "1")
    with pytest.raises(Refused, match="did you mean 'PAYGUARD_PORT'"):
        loaded([])


def test_what_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(Refused, match="cannot be read"):
        text_of(str(tmp_path / "p.yaml"))


def test_the_compiler_knows_the_built_in_plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENCRYPTION_KEY", "00" * 32)
    text = (Path(__file__).parents[3] / "policies" / "payments.yaml").read_text()
    assert offline_compiler([]).check(text, "payments.yaml") == []
