"""What keys are called."""

from __future__ import annotations

from gateway.crypto.salts import Salts
from gateway.testing import HandScope
from plugins.fraud.digests import Digests

OLD, NEW = ("a", b"a salt of the tests, the older"), ("b", b"a salt of the tests, the newer")


def of(*salts: tuple[str, bytes]) -> Digests:
    return Digests(HandScope(salts=Salts(list(salts))))


def test_equal_values_of_one_kind_are_called_alike_and_no_others() -> None:
    digests = of(NEW)

    assert digests.of("email", "ada@example.com") == digests.of("email", "ada@example.com")
    assert len({digests.of("email", "a"), digests.of("customer", "a"), digests.of("email", "b"), "a"}) == 4
    assert digests.of("customer", "\ud800") != digests.of("customer", "\udfff")


def test_a_value_is_known_under_older_salts() -> None:
    before, after = of(OLD), of(NEW, OLD)

    assert before.of("ip", "203.0.113.9") in after.all("ip", "203.0.113.9")[1:]
    assert after.is_current("ip", after.of("ip", "203.0.113.9"))
    assert not after.is_current("ip", before.of("ip", "203.0.113.9"))


def test_a_card_is_called_by_the_hash_of_its_number() -> None:
    lent = HandScope(salts=Salts([NEW, OLD]))
    digests = Digests(lent)
    now, before = lent.hashes("card", "4242424242424242")

    assert digests.of_card("4242424242424242") == (digests.of("card", now), digests.of("card", before))
    assert len(digests.of("card", now)) == len("b:") + 24


def test_what_names_nobody_stands_as_it_is() -> None:
    assert (of(NEW).of("bin", "424242"), of(NEW).all("country", "de")) == ("424242", ("de",))
