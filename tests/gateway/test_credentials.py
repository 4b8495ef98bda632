from __future__ import annotations

import pytest
from pydantic import ValidationError

from gateway.credentials import Credentials
from gateway.testing import scope

LENT = scope(secrets={"env:A": "alpha", "env:BREAKS": "a\r\nb", "env:UMLAUT": "ä"})


def test_headers_are_read_from_the_secrets_that_are_named() -> None:
    assert Credentials(headers={"X-Api-Key": "env:A"}).fields(LENT) == {"x-api-key": "alpha"}
    assert Credentials(bearer="env:A").fields(LENT) == {"authorization": "Bearer alpha"}
    assert Credentials().fields(LENT) == {}


def test_a_secret_that_is_not_there_is_told() -> None:
    with pytest.raises(ValueError, match="env:NONE"):
        Credentials(bearer="env:NONE").fields(LENT)


@pytest.mark.parametrize("reference", ["env:BREAKS", "env:UMLAUT"])
def test_what_no_header_can_hold_is_told_without_being_shown(reference) -> None:
    with pytest.raises(ValueError, match="the secret for the header x-a has characters that no header can hold"):
        Credentials(headers={"x-a": reference}).fields(LENT)


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "connection"])
def test_what_the_gateway_writes_is_no_credential(name) -> None:
    with pytest.raises(ValidationError, match="is written by the gateway"):
        Credentials(headers={name: "env:A"})


def test_a_value_in_the_place_of_a_reference_is_refused() -> None:
    with pytest.raises(ValidationError):
        Credentials(bearer="sk_live_1")


def test_one_header_is_said_once() -> None:
    with pytest.raises(ValidationError, match="give one of them"):
        Credentials(bearer="env:A", headers={"Authorization": "env:A"})
