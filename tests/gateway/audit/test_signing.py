"""The key of the seals: where it is from, and whom it vouches for."""

from __future__ import annotations

import pytest

from gateway.audit.signing import FILE_NAME, Sealer, Signer, signed, signers, vouched

ONE, OTHER = "11" * 32, "22" * 32


def test_a_seal_is_signed_by_its_key_and_by_no_other() -> None:
    signer = Signer(b"1" * 32)
    seal = signer.seal("w", 7, "seal", "ab", 1.5)

    assert signed(seal)
    assert not signed(seal._replace(seq=8))
    assert not signed(seal._replace(key=Signer(b"2" * 32).public))
    assert not signed(seal._replace(key="no key"))


def test_the_key_is_derived_from_each_encryption_key_and_the_first_seals(tmp_path) -> None:
    [one] = signers(ONE, tmp_path)
    both = signers(f"b:{OTHER},a:{ONE}", tmp_path)

    assert [each.public for each in both] == [signers(OTHER, tmp_path)[0].public, one.public]
    assert Sealer(both).seal("w", 1, "seal", "ab", 1.0).key == both[0].public
    assert list(tmp_path.iterdir()) == []


def test_a_key_that_follows_vouches_for_those_before_and_nobody_else_can() -> None:
    first, second, third, forger = (Signer(bytes([number]) * 32) for number in range(4))
    sealer = Sealer([second, first])
    pledges = sealer.pledges(1.0)
    sealer.adopt([third])
    later = [each for each in sealer.pledges(2.0) if each.hash == second.public]
    forged = Sealer([forger, third]).pledges(3.0) + Sealer([third, forger]).pledges(3.0)
    bad = [each._replace(signature="00" * 64) for each in forged]

    assert [each.hash for each in pledges] == [first.public]
    assert sealer.seal("w", 1, "seal", "ab", 1.0).key == third.public
    assert vouched([third.public], [*pledges, *later]) == {each.public for each in (first, second, third)}
    assert vouched([third.public], [*pledges, forged[0], *bad]) == {third.public}
    assert vouched([third.public], [third.seal("w", 1, "seal", first.public, 1.0)]) == {third.public}
    assert len({each.writer for each in [*pledges, *sealer.pledges(2.0)]}) == 3


def test_without_one_a_key_is_made_once_kept_for_its_owner_and_vouches_on(tmp_path) -> None:
    assert signers(None, tmp_path) == ()
    [made] = signers(None, tmp_path, make=True)
    [again] = signers(None, tmp_path, make=True)

    assert made.public == again.public
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600
    assert [each.public for each in signers(ONE, tmp_path, make=True)][1:] == [made.public]


def test_a_key_that_was_spoiled_is_said(tmp_path) -> None:
    (tmp_path / FILE_NAME).write_text("abcd")
    with pytest.raises(ValueError, match="audit_key has 2 bytes; 32 are needed"):
        signers(None, tmp_path)
    with pytest.raises(ValueError, match="key 1 has 1 bytes; 32 are needed"):
        signers("ab", tmp_path)
