from __future__ import annotations

import re
import time
import uuid

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry.masking import MASK, Masking
from tests.gateway.telemetry.numbers import card_numbers, spaced

MASKING = Masking()
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"

words = st.text(st.characters(codec="ascii", categories=["L", "P", "Zs"], exclude_characters=".-"), max_size=30)


@given(words, card_numbers().flatmap(spaced), words)
def test_no_card_number_passes_in_text_or_in_a_line(before, card, after):
    text = f"{before} : {card} : {after}"
    line = orjson.dumps({"event": text, "nested": [{"text": text}]})
    for masked in (MASKING.text(text), MASKING.line(line).decode()):
        assert re.sub(r"\D", "", card) not in re.sub(r"[ \-\u00a0\u2013]", "", masked)


@given(card_numbers())
def test_a_card_number_that_is_a_json_number_becomes_text_and_the_line_stays_json(card):
    masked = orjson.loads(MASKING.line(b'{"amount": %b, "limit": 1000}' % card.encode()))
    if int(card) < 1 << 64:
        assert masked == {"amount": f"[card *{card[-4:]}]", "limit": 1000}


@pytest.mark.parametrize(
    "text", ["PAN4111111111111111", "card_4111111111111111", "card:4111111111111111.", "(4111111111111111)"]
)
def test_a_card_number_is_found_close_to_other_characters(text):
    assert "[card *1111]" in MASKING.text(text)


@given(st.uuids(version=4), st.integers(0, (1 << 128) - 1), st.binary(min_size=20, max_size=64))
def test_identifiers_stay_whole(identifier: uuid.UUID, number: int, digest: bytes):
    trace = f"a{number:031x}"[:32]
    for text in (str(identifier), identifier.hex[:12] + "a" + identifier.hex[13:], trace, "d" + digest.hex()):
        assert MASKING.text(f"id {text}, and more") == f"id {text}, and more"


@given(st.integers(1_000_000_000, 1_999_999_999), st.integers(0, 999_999_999))
def test_times_stay_whole(seconds, nanoseconds):
    moment = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))
    for text in (
        f"{seconds}{nanoseconds:09d}",
        f"{seconds}{nanoseconds // 1000:06d}",
        f"{seconds}{nanoseconds // 1_000_000:03d}",
        f"{seconds}.{nanoseconds:09d}",
        f"{moment}.{nanoseconds:09d}",
        moment.replace(" ", "T") + "Z",
        re.sub(r"\D", "", moment),
    ):
        assert MASKING.text(text) == text


def test_the_decimals_of_a_number_are_no_card():
    assert MASKING.text("0.4111111111111111") == "0.4111111111111111"


@given(st.text(max_size=60))
def test_masking_twice_changes_nothing(text):
    once = MASKING.text(text)
    assert MASKING.text(once) == once


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("Authorization: Bearer abcdef123456", f"Authorization: {MASK}"),
        ("sent bearer abcdef123456 on", f"sent bearer {MASK} on"),
        ("authorization: Basic dXNlcjpwYXNzd29yZA==", f"authorization: {MASK}"),
        ("key sk_live_4eC39HqLyjWDarjtT1zdp7dc.", f"key sk_live_{MASK}."),
        ("key rk_test_4eC39HqLyjWDarjtT1zdp7dc", f"key rk_test_{MASK}"),
        ("whsec_5fRrPsUjTgL0cVbN", f"whsec_{MASK}"),
        (f"token {JWT}, expired", f"token {MASK}, expired"),
        ("cvc=123&amount=500", f"cvc={MASK}&amount=500"),
        ('{"card": {"cvc": "123", "brand": "visa"}}', f'{{"card": {{"cvc": {MASK}, "brand": "visa"}}}}'),
        ("{'Client-Secret': 'pi_1_secret_2'}", f"{{'Client-Secret': {MASK}}}"),
        ("Cookie: a=1; session=2\nAccept: */*", f"Cookie: {MASK}\nAccept: */*"),
    ],
)
def test_tokens_keys_and_fields_in_text_are_masked(text, masked):
    assert MASKING.text(text) == masked


@pytest.mark.parametrize(
    "spelled",
    [
        "%34111111111111111",
        "%2534%2531%2531%2531111111111111",
        r"\u0034111111111111111",
        "&#52;111111111111111",
        "４１１１１１１１１１１１１１１１",
        "４１１１１１１１１１１１１１１１".encode().decode("latin-1"),
        "４111111111111111".encode().decode("ascii", "backslashreplace"),
    ],
)
def test_a_card_number_is_found_however_it_is_spelled(spelled):
    assert MASKING.text(f"pay {spelled}!") == "pay [card *1111]!"
    assert MASKING.suspects(orjson.dumps({"event": spelled}))


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("cvc 123", "cvc ***"),
        ("the CVV2 is 1234.", "the CVV2 is ***."),
        ("card[cvc]=123", f"card[cvc]={MASK}"),
        ("security code: 123", "security code: ***"),
        ("4111111111111111 12/27 123", "[card *1111] 12/27 ***"),
    ],
)
def test_security_codes_in_text_are_masked(text, masked):
    assert MASKING.text(text) == masked


def test_what_is_spelled_another_way_and_is_no_secret_stays_as_it_is():
    for text in ("100%25 sure", r"a\u0041b", "caf%C3%A9 12"):
        assert MASKING.text(text) == text


def test_a_number_in_a_field_that_is_spared_is_shown_but_a_card_in_any_other_is_not():
    masking = Masking(spared=["Order-Id"])
    number = "4111111111111111"
    document = {"order_id": number, "orderId": int(number), "note": number, "order-id": f"pay {number}"}
    assert masking.document(document) == {
        "order_id": number,
        "orderId": int(number),
        "note": "[card *1111]",
        "order-id": "pay [card *1111]",
    }
    assert masking.text(f"order_id={number}, card={number}") == f"order_id={number}, card=[card *1111]"


def test_a_field_that_is_masked_cannot_be_spared():
    assert Masking(fields=["tax_id"], spared=["tax_id"]).document({"tax_id": "4111111111111111"}) == {"tax_id": MASK}


def test_ordinary_text_is_left_alone():
    text = "The bearer of this 12 digit number 123456789012 was paid 4999999 at 10:11:12; see cvc."
    assert MASKING.text(text) == text


@given(st.text(min_size=4, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_a_registered_secret_is_found_in_text_and_in_lines_however_json_writes_it(secret, before, after):
    masking = Masking()
    masking.add_secret(secret)
    assert secret not in masking.text(before + secret + after).replace(MASK, "")
    assert masking.suspects(orjson.dumps({"event": before + secret + after}))


def test_a_registered_secret_is_found_as_a_url_writes_it():
    masking = Masking()
    masking.add_secret("p@ss/wörd")
    assert masking.text("postgres://user:p%40ss%2Fw%C3%B6rd@db") == f"postgres://user:{MASK}@db"


def test_a_secret_of_three_characters_is_not_registered():
    masking = Masking()
    masking.add_secret("abc")
    assert masking.text("abcdef") == "abcdef"


def test_the_newest_250_secrets_are_kept():
    masking = Masking()
    for number in range(251):
        masking.add_secret(f"secret-{number:04d}")
    assert masking.text("secret-0250 secret-0001 secret-0000") == f"{MASK} {MASK} secret-0000"


def test_fields_are_masked_by_name_at_any_depth_and_in_any_spelling():
    masking = Masking(fields=["Tax-Id"])
    document = {"tax_id": "DE1", "TAX-ID": 7, "taxId": "DE1", "lines": [{"cvc": "123", "amount": 5}], "password": None}
    assert masking.document(document) == {
        "tax_id": MASK,
        "TAX-ID": MASK,
        "taxId": MASK,
        "lines": [{"cvc": MASK, "amount": 5}],
        "password": None,
    }


@pytest.mark.parametrize("named", ["tax_id", "Tax-Id", "taxId", "TAX_ID"])
@pytest.mark.parametrize("written", ["tax_id", "Tax-Id", "taxId", "TAXID"])
def test_a_field_is_found_in_text_in_any_spelling(named, written):
    assert Masking(fields=[named]).text(f"{written}=DE1&amount=5") == f"{written}={MASK}&amount=5"


def test_the_names_of_a_document_are_masked_too():
    assert MASKING.document({"4111111111111111": 1}) == {"[card *1111]": 1}


def test_a_clean_line_is_returned_as_it_is():
    line = orjson.dumps({"event": "exchange", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "path": "/v1/payments"})
    assert MASKING.line(line) is line


def test_what_was_clean_is_looked_at_again_once_there_is_a_new_secret():
    masking = Masking()
    assert masking.document({"user": "hunter-2"}) == {"user": "hunter-2"}
    masking.add_secret("hunter-2")
    assert masking.document({"user": "hunter-2"}) == {"user": MASK}


def test_what_is_remembered_as_clean_is_bounded():
    masking = Masking()
    for number in range(2000):
        masking.document(str(number))
    assert len(masking._clean) <= 500


PIECES = st.one_of(
    words,
    card_numbers().flatmap(spaced),
    st.sampled_from(
        ["sk_live_4eC39HqLyjWD", "RK_TEST_", "whsec_5fRrPsUj", "BEARER abcdef123456", JWT, "hunter-2-hunter", "\t"]
    ),
)


@given(st.lists(PIECES, max_size=6).map("".join))
def test_whatever_would_be_masked_in_text_is_suspected_in_a_line(text):
    masking = Masking()
    masking.add_secret("hunter-2-hunter")
    assert masking.text(text) == text or masking.suspects(orjson.dumps({"event": text}))
