"""Tokens: what they are made of, and that they open nowhere else."""

from __future__ import annotations

import base64
import hmac

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from gateway.crypto.fields import FieldCipher, is_token
from gateway.crypto.keyring import LocalKeyring
from gateway.crypto.protocol import Unreadable

KEY = bytes(range(32))
DATA = (
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
)
SEALED = (
    "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"
)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def cipher(*, tenant: str = "shop", purpose: str = "card", keys=(("k1", KEY),)) -> FieldCipher:
    return FieldCipher(LocalKeyring(keys), tenant, purpose)


@given(JSON)
def test_strings_numbers_and_whole_objects_come_back_as_what_they_were(value) -> None:
    assert cipher().open("/card", cipher().seal("/card", value)) == value


def test_the_same_value_is_never_the_same_token() -> None:
    assert cipher().seal("/card", "4242") != cipher().seal("/card", "4242")


def test_a_token_says_what_it_is_and_which_key_sealed_it() -> None:
    token = cipher(keys=[("2026-b", KEY), ("k1", bytes(32))]).seal("/card", "4242424242424242")
    assert token.startswith("pg1.2026-b.")
    assert is_token(token)
    assert token.isascii()
    assert "4242" not in token


@pytest.mark.parametrize("value", ["", "pg1", "pg1.a", "pg2.a.b", "tok_123", 7, None, {"pg1.a.b": 1}])
def test_what_is_no_token(value) -> None:
    assert not is_token(value)


@pytest.mark.parametrize(
    "elsewhere",
    [
        lambda token: cipher().open("/card/cvc", token),
        lambda token: cipher(tenant="other").open("/card", token),
        lambda token: cipher(purpose="e-mail").open("/card", token),
        lambda token: cipher(keys=[("k1", bytes(32))]).open("/card", token),
        lambda token: cipher(keys=[("k2", KEY)]).open("/card", token),
    ],
    ids=["field", "tenant", "purpose", "another key", "a key that is missing"],
)
def test_a_token_opens_nowhere_else(elsewhere) -> None:
    with pytest.raises(Unreadable):
        elsewhere(cipher().seal("/card", "4242"))


def test_no_field_can_borrow_from_the_tenant_or_purpose_before_it() -> None:
    with pytest.raises(Unreadable):
        cipher(tenant="a", purpose="bc").open("/d", cipher(tenant="ab", purpose="c").seal("/d", 1))


def test_no_character_of_a_token_can_be_changed_left_out_or_added() -> None:
    token = cipher().seal("/card", "4242")
    for place, character in enumerate(token):
        for changed in (
            token[:place] + ("A" if character != "A" else "B") + token[place + 1 :],
            token[:place] + token[place + 1 :],
            token[:place] + "A" + token[place:],
        ):
            with pytest.raises(Unreadable):
                cipher().open("/card", changed)


def test_a_token_is_aes_256_gcm_under_a_key_by_hkdf_as_another_program_computes_it() -> None:
    extracted = hmac.digest(b"payguard/keyring", KEY, "sha256")
    key = hmac.digest(extracted, b"field" + b"\x01", "sha256")
    prefix, nonce = b"\x01\x02k1", bytes(12)
    sealed = prefix + nonce + AESGCM(key).encrypt(nonce, b'"4242"', prefix + b"4:shop4:card/card/number")
    token = "pg1.k1." + base64.urlsafe_b64encode(sealed).decode().rstrip("=")
    assert cipher().open("/card/number", token) == "4242"


@pytest.mark.parametrize(
    ("key", "nonce", "data", "bound", "sealed"),
    [
        ("00" * 32, "00" * 12, "", "", "530f8afbc74536b9a963b4f1c4cb738b"),
        ("00" * 32, "00" * 12, "00" * 16, "", "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"),
        (
            "feffe9928665731c6d6a8f9467308308" * 2,
            "cafebabefacedbaddecaf888",
            DATA,
            "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            SEALED,
        ),
    ],
    ids=["13", "14", "16"],
)
def test_the_cipher_gives_the_known_answers_of_the_gcm_specification(key, nonce, data, bound, sealed) -> None:
    """McGrew and Viega, The Galois/Counter Mode of Operation, appendix B: the cases with 256 bits of key."""
    answer = AESGCM(bytes.fromhex(key)).encrypt(*map(bytes.fromhex, (nonce, data, bound)))
    assert answer.hex() == sealed


def test_bytes_are_sealed_as_they_are_and_open_in_the_same_field_alone() -> None:
    sealed = cipher().seal_bytes("entry", b"\xff\x00")
    assert cipher().open_bytes("entry", sealed) == b"\xff\x00"
    for other, field in ((cipher(), "another"), (cipher(tenant="else"), "entry"), (cipher(purpose="else"), "entry")):
        with pytest.raises(Unreadable):
            other.open_bytes(field, sealed)
