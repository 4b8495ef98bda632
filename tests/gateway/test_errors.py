"""Errors are public API: each has a code of its own, and the module's docstring shows them all."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

import gateway
from gateway import errors
from gateway.errors import GatewayError

GENERAL = {"Rejected", "UpstreamError", "InternalError"}
"""Those whose code says no more than their kind; plugins subclass them."""


def family(kind: type[GatewayError] = GatewayError) -> Iterator[type[GatewayError]]:
    for child in kind.__subclasses__():
        if child.__module__ == errors.__name__:
            yield child
            yield from family(child)


def test_every_error_is_in_the_tree_that_the_docstring_shows() -> None:
    shown = re.findall(r"^ *[*+-] ([\w, ]+?)(?:  |$)", errors.__doc__ or "", re.MULTILINE)

    assert set(", ".join(shown).split(", ")) == {"GatewayError", *(kind.__name__ for kind in family())}


def test_no_two_errors_have_one_code() -> None:
    codes = [kind.code for kind in family() if kind.__name__ not in GENERAL]

    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("kind", [*family()])
def test_the_status_says_whose_fault_it_is(kind) -> None:
    assert kind.status // 100 == (4 if issubclass(kind, errors.Rejected) else 5)


def test_the_detail_and_the_members_are_for_the_client() -> None:
    error = errors.Rejected("too much", headers={"retry-after": "5"}, most=3)

    assert (error.detail, str(error), error.headers, error.members) == (
        "too much",
        "too much",
        {"retry-after": "5"},
        {"most": 3},
    )


def test_what_a_plugin_raises_or_catches_is_exported() -> None:
    for name in ("Rejected", "BodyTooLarge", "InvalidJson", "DependencyDown", "UpstreamError", "GatewayError"):
        assert getattr(gateway, name) is getattr(errors, name)
