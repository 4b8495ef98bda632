"""``payguard demo``; what it starts is tested in ``tests/examples/test_demo.py``."""

from __future__ import annotations

from importlib import import_module

from click.testing import CliRunner

module = import_module("gateway.cli.demo")


def test_where_there_is_no_checkout_it_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "CHECKOUT", tmp_path)
    shown = CliRunner().invoke(module.demo, [])
    assert shown.exit_code == 2
    assert "from a checkout" in shown.output
