from __future__ import annotations

import pytest

from plugins.fraud.emails import judge, mailbox
from plugins.fraud.event import MailSigns


@pytest.mark.parametrize(
    "address",
    ["", "nobody", "@example.com", "a@", "a b@example.com", "a..b@example.com", ".a@example.com", "a@localhost"],
)
def test_what_is_no_address_is_bad_syntax_and_nothing_else(address) -> None:
    assert judge(address) == MailSigns(bad_syntax=1.0)


@pytest.mark.parametrize(
    "address", ["jo@example.com", "o'hara-1@mail.example.co.uk", "jörg@exämple.de", "a@xn--exmple-cua.de"]
)
def test_an_ordinary_address_has_no_sign_but_its_digits(address) -> None:
    assert judge(address)._replace(digits=0.0) == MailSigns()


@pytest.mark.parametrize("domain", ["mailinator.com", "sub.mailinator.com"])
def test_domains_to_throw_away_are_known_with_all_below_them(domain) -> None:
    assert judge(f"jo@{domain}").disposable == 1


@pytest.mark.parametrize(
    "domain",
    [
        "gmial.com",
        "gmai.com",
        "gmaill.com",
        "hotmall.com",
        "gmаil.com",
        "xn--gmil-63d.com",
        "outl00k.com",
        "grnail.com",
        "yah0o.com",
    ],
)
def test_domains_that_look_like_a_provider_are_lookalikes(domain) -> None:
    assert judge(f"jo@{domain}").lookalike == 1


@pytest.mark.parametrize("domain", ["gmail.com", "live.com", "example.com", "mailbox.org", "gmx.at", "apple.com"])
def test_providers_and_strangers_are_no_lookalikes(domain) -> None:
    assert judge(f"jo@{domain}").lookalike == 0


def test_providers_for_anybody_are_free() -> None:
    assert judge("Jo@GMail.com").free == 1
    assert judge("jo@company.example").free == 0


def test_digits_are_counted_before_the_at() -> None:
    assert judge("ab12@x1234.com").digits == 0.5


@pytest.mark.parametrize("alias", ["j.o+shop@gmail.com", "jo@googlemail.com", "J.O@gmail.com"])
def test_aliases_are_one_mailbox_and_say_so(alias) -> None:
    assert mailbox(alias) == "jo@gmail.com"
    assert judge(alias).tagged == 1


def test_dots_mean_something_elsewhere() -> None:
    assert mailbox("j.o@example.com") == "j.o@example.com"
    assert judge("j.o@example.com").tagged == 0
