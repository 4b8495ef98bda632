"""The start: what can be wrong with it is said in one clear line each."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.control.plugins import PluginError
from gateway.control.problems import PolicyError
from gateway.control.settings import SettingsError


class BadStart(Exception):
    """The gateway cannot start.  Each line says one reason, and is all that a person needs to mend it."""

    def __init__(self, *lines: str) -> None:
        super().__init__("\n".join(lines))
        self.lines = lines


@contextmanager
def bad_starts() -> Iterator[None]:
    """What settings, plugins and a policy raise, as BadStart."""
    try:
        yield
    except (SettingsError, PolicyError) as error:
        raise BadStart(*map(str, error.problems)) from error
    except PluginError as error:
        raise BadStart(str(error)) from error


def prepare_data_dir(folder: Path) -> None:
    """Make it where it is not there, and see that a file in it can be written."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x")
    except OSError as error:
        raise BadStart(f"cannot write to the data folder {folder} (PAYGUARD_DATA_DIR): {why(error)}") from error


def why(error: OSError) -> str:
    """The system's words for it, within a sentence."""
    words = error.strerror or os.strerror(error.errno) if error.errno else str(error)
    return words[:1].lower() + words[1:]
