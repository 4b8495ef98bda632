from __future__ import annotations

import pytest

from gateway.audit.signing import signers
from gateway.cli.policies import Refused
from gateway.cli.seal_keys import seal_keys
from gateway.control.settings import load_settings

KEY = "11" * 32


def test_they_are_those_of_the_gateway_whether_its_key_is_in_a_variable_or_a_file(tmp_path) -> None:
    file = tmp_path / "keys"
    file.write_text(KEY)
    [gateways] = signers(KEY, tmp_path)
    for setting in (KEY, f"file:{file}"):
        [found] = seal_keys(load_settings({"ENCRYPTION_KEY": setting, "PAYGUARD_DATA_DIR": str(tmp_path)}))
        assert found.public == gateways.public


def test_none_is_made_and_a_file_that_is_away_is_said(tmp_path) -> None:
    for environ, said in (({}, "there is no key"), ({"ENCRYPTION_KEY": "file:/nowhere"}, "No such file")):
        with pytest.raises(Refused, match=said):
            seal_keys(load_settings({"PAYGUARD_DATA_DIR": str(tmp_path), **environ}))
    assert list(tmp_path.iterdir()) == []
