"""What every keyring must do, whoever keeps its keys: one suite, and each joins it by a way to make one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.protocol import Keyring, Unreadable

PLACE = b"shop, payment 1"


def local() -> Keyring:
    return LocalKeyring.parse(f"new:{'ff' * 32},old:{'00' * 32}")


@pytest.fixture(params=[local], scope="module")
def keyring(request) -> Keyring:
    return request.param()


@given(data=st.binary(max_size=2000), bound=st.binary(max_size=50))
def test_what_was_sealed_opens_in_its_place(keyring, data: bytes, bound: bytes) -> None:
    assert keyring.open("request", keyring.seal("request", data, bound), bound) == data


def test_what_was_sealed_says_nothing_of_its_content_and_is_never_the_same_again(keyring) -> None:
    sealed = {keyring.seal("request", b"4242424242424242", PLACE) for _ in range(100)}

    assert len(sealed) == 100
    assert not any(b"4242" in each for each in sealed)


@pytest.mark.parametrize(
    ("purpose", "bound"), [("answer", PLACE), ("request", b"shop, payment 2")], ids=["purpose", "place"]
)
def test_what_was_sealed_opens_in_no_other_place(keyring, purpose: str, bound: bytes) -> None:
    with pytest.raises(Unreadable):
        keyring.open(purpose, keyring.seal("request", b"a", PLACE), bound)


def test_what_was_changed_in_any_byte_or_cut_does_not_open(keyring) -> None:
    sealed = keyring.seal("request", b"a", PLACE)
    changed = [sealed[:at] + bytes((sealed[at] ^ 1,)) + sealed[at + 1 :] for at in range(len(sealed))]
    for each in [*changed, *(sealed[:end] for end in range(len(sealed)))]:
        with pytest.raises(Unreadable):
            keyring.open("request", each, PLACE)


@given(data=st.binary(max_size=60))
def test_what_was_never_sealed_is_unreadable_and_nothing_worse(keyring, data: bytes) -> None:
    with pytest.raises(Unreadable):
        keyring.open("request", data, PLACE)


def test_check_values_are_always_the_same(keyring) -> None:
    assert keyring.check_values() == keyring.check_values()
