"""What is wrong with a start is said in one line each."""

from __future__ import annotations

import errno
import os

import pytest

from gateway.control.plugins import PluginError
from gateway.control.problems import PolicyError, Problem
from gateway.control.settings import SettingsError
from gateway.control.start import BadStart, bad_starts, prepare_data_dir, why


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (SettingsError(["PORT: no", "HOST: no"]), ("PORT: no", "HOST: no")),
        (PolicyError([Problem("p.yaml", 3, 5, "routes", "is missing")]), ("p.yaml:3:5: routes: is missing",)),
        (PluginError("the plugin ours is refused"), ("the plugin ours is refused",)),
    ],
)
def test_what_is_known_to_go_wrong_is_a_line_each(error, lines) -> None:
    with pytest.raises(BadStart) as bad, bad_starts():
        raise error
    assert bad.value.lines == lines


def test_a_bug_is_no_bad_start() -> None:
    with pytest.raises(ZeroDivisionError), bad_starts():
        raise ZeroDivisionError


def test_the_data_folder_is_made_for_its_owner_alone(tmp_path) -> None:
    folder = tmp_path / "state" / "payguard"
    prepare_data_dir(folder)
    prepare_data_dir(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.iterdir()) == []


def test_a_data_folder_that_cannot_be_made_is_named(tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadStart, match=r"cannot write to the data folder .*/file \(PAYGUARD_DATA_DIR\): file exists"):
        prepare_data_dir(tmp_path / "file")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_that_is_read_only_is_named(tmp_path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(BadStart, match="permission denied"):
        prepare_data_dir(tmp_path)


def test_the_system_s_words_fit_into_a_sentence() -> None:
    assert why(OSError(errno.EACCES, "Permission denied")) == "permission denied"
    assert why(OSError("It keeps changing")) == "it keeps changing"
