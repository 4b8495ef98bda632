"""What it was measured on: the figures mean little without it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_DISTRIBUTIONS = ("payguard", "uvicorn", "uvloop", "httptools", "httpx", "opentelemetry-sdk", "prometheus-client")
_PROGRAMS = {"nginx": ["nginx", "-v"], "haproxy": ["haproxy", "-v"], "wrk": ["wrk", "-v"]}
_PACKAGES = ("libmodsecurity3", "modsecurity-crs")


def machine() -> dict[str, str]:
    """Date, processor, load at the start, and versions of what is present."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "processor": f"{os.cpu_count()} x {_processor()}",
        "kernel": platform.release(),
        "load average": f"{os.getloadavg()[0]:.2f}",
        "python": f"{platform.python_version()} ({platform.python_compiler()})",
        **versions(),
    }


def versions() -> dict[str, str]:
    found = {name: _output(argv) for name, argv in _PROGRAMS.items() if shutil.which(name)}
    for name in _DISTRIBUTIONS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    if shutil.which("dpkg-query"):
        found |= {name: _output(["dpkg-query", "-W", "-f", "${Version}", name]) for name in _PACKAGES}
    return found


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _output(argv: list[str]) -> str:
    done = subprocess.run(argv, check=False, capture_output=True, text=True)
    text = (done.stdout + done.stderr).strip()
    return text.splitlines()[0] if text else "?"
