"""Verification: whatever is done to a trail, it is found, and what it was done to is named."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import orjson
import pytest

from gateway.audit.entries import Entry, Seal, digest, genesis, linked
from gateway.audit.signing import Signer
from gateway.audit.verification import MOST_FINDINGS, Finding, Report, Verifier
from tests.gateway.audit.conftest import SIGNER

FORGER = Signer(b"the seed of somebody who forges.")


class Trail:
    """A chain of ``count`` entries, sealed after each ``every``; and what somebody may do to it.

    Each of these says which places a finding has to name.
    """

    def __init__(self, writer: str = "w", count: int = 20, every: int = 5, *, ended: bool = True) -> None:
        self.writer = writer
        self.entries: list[Entry] = []
        self.seals: list[Seal] = []
        for number in range(1, count + 1):
            self.entries.append(self.following(f"subject {number}"))
            if number % every == 0:
                self.seals.append(self.sealed("seal"))
        if ended:
            self.seals.append(self.sealed("end"))
        self.log = list(self.seals)

    def following(self, subject: str, seq: int | None = None, previous: str | None = None) -> Entry:
        seq = len(self.entries) + 1 if seq is None else seq
        if previous is None:
            previous = self.entries[seq - 2].hash if seq > 1 else genesis(self.writer)
        said = orjson.dumps({"action": "a.b", "subject": subject})
        line = linked(seq, previous, said, at=1e9, ip=None, policy="5ba1")
        return Entry(self.writer, seq, digest(line), line.decode())

    def sealed(self, kind: str, signer: Signer = SIGNER) -> Seal:
        return signer.seal(self.writer, len(self.entries), kind, self.entries[-1].hash, 1e9)

    def items(self) -> Iterator[Entry | Seal]:
        ranked = [
            (each.seq, "" if isinstance(each, Entry) else each.kind, each) for each in (*self.entries, *self.seals)
        ]
        return (each for *_, each in sorted(ranked, key=lambda each: each[:2]))

    def at(self, place: int) -> Entry:
        return self.entries[place - 1]

    def put(self, place: int, entry: Entry) -> None:
        self.entries[place - 1] = entry._replace(seq=place)

    # what somebody may do

    def edit(self, place: int) -> set[int]:
        self.put(place, self.at(place)._replace(text=self.at(place).text.replace("subject", "sabject")))
        return {place}

    def edit_to_no_entry(self, place: int) -> set[int]:
        self.put(place, self.at(place)._replace(text="no JSON"))
        return {place}

    def edit_hash(self, place: int) -> set[int]:
        self.put(place, self.at(place)._replace(hash="0" * 64))
        return {place}

    def edit_with_hash(self, place: int) -> set[int]:
        self.put(place, self.following("forged", place))
        return {place}

    def forge_whole(self, place: int) -> set[int]:
        self.put(place, self.following("forged", place, "f" * 64))
        return {place}

    def remove(self, place: int) -> set[int]:
        del self.entries[place - 1]
        return {place}

    def remove_and_close_up(self, place: int) -> set[int]:
        del self.entries[place - 1]
        self.entries = [entry._replace(seq=number) for number, entry in enumerate(self.entries, 1)]
        return {place}

    def insert(self, place: int) -> set[int]:
        self.entries.insert(place - 1, self.following("put in", place))
        self.entries = [entry._replace(seq=number) for number, entry in enumerate(self.entries, 1)]
        return {place}

    def insert_loose(self, place: int) -> set[int]:
        self.entries.insert(place - 1, self.following("put in", place, "f" * 64))
        self.entries = [entry._replace(seq=number) for number, entry in enumerate(self.entries, 1)]
        return {place}

    def copy_to(self, place: int, other: int) -> set[int]:
        self.put(place, self.at(other))
        return {place}

    def swap(self, place: int, other: int) -> set[int]:
        one, two = self.at(place), self.at(other)
        self.put(place, two)
        self.put(other, one)
        return {place, other}

    def cut_tail(self, place: int) -> set[int]:
        """With the seals that would tell of it; only the log has them."""
        last = len(self.entries)
        del self.entries[place - 1 :]
        self.seals = [seal for seal in self.seals if seal.seq < place]
        return {place, last}

    def rewrite(self, place: int) -> set[int]:
        """All from there on, with their hashes, and the seals with a key of one's own."""
        kept = self.entries[place - 1 :]
        del self.entries[place - 1 :]
        for _ in kept:
            self.entries.append(self.following("rewritten"))
        self.seals = [
            seal if seal.seq < place else FORGER.seal(self.writer, seal.seq, seal.kind, self.at(seal.seq).hash, seal.at)
            for seal in self.seals
        ]
        return {place}

    def append(self, _: int) -> set[int]:
        """Behind its end."""
        self.entries.append(self.following("put in"))
        return {len(self.entries)}


def verified(*trails: Trail, log: Sequence[Seal] = (), trusted: Sequence[str] = (SIGNER.public,)) -> Report:
    verifier = Verifier(trusted, logged=log)
    for trail in trails:
        for item in trail.items():
            verifier.take(item)
    return verifier.end()


def names(report: Report, place: int) -> bool:
    return any(each.first <= place <= each.last for each in report.findings)


def test_a_trail_that_nobody_touched_is_whole() -> None:
    one, other = Trail("a"), Trail("b", count=7, ended=False)
    report = verified(one, other, log=[*one.log, *other.log])

    assert report.findings == []
    assert (report.writers, report.entries, report.seals, report.unsealed) == (2, 27, 6, 2)


ALONE = (
    "edit",
    "edit_to_no_entry",
    "edit_hash",
    "edit_with_hash",
    "forge_whole",
    "remove",
    "remove_and_close_up",
    "insert",
    "insert_loose",
    "cut_tail",
    "rewrite",
    "append",
)


@pytest.mark.parametrize("how", ALONE)
@pytest.mark.parametrize("place", [1, 2, 5, 6, 13, 19, 20])
def test_one_change_is_found_and_named(how, place) -> None:
    trail, beside = Trail("a"), Trail("b")
    touched = getattr(trail, how)(place)
    report = verified(trail, beside, log=[*trail.log, *beside.log])

    assert all(names(report, each) for each in touched), report.findings
    assert {each.writer for each in report.findings} == {"a"}


@pytest.mark.parametrize("how", ["edit", "edit_hash", "forge_whole", "remove", "insert", "remove_and_close_up"])
def test_a_change_in_the_middle_is_one_finding_about_one_entry(how) -> None:
    trail = Trail()
    getattr(trail, how)(12)
    report = verified(trail, log=trail.log)

    [finding] = report.findings
    assert (finding.first, finding.last) == (12, 12)
    assert str(finding).startswith(f"w entry 12: {finding.what}: ")


@pytest.mark.parametrize(("place", "other"), [(1, 2), (1, 20), (7, 8), (7, 12), (19, 20)])
def test_entries_that_changed_places_are_named_both(place, other) -> None:
    trail = Trail()
    trail.swap(place, other)
    report = verified(trail, log=trail.log)

    assert [(each.first, each.what) for each in report.findings] == [(place, "moved"), (other, "moved")]


@pytest.mark.parametrize(("place", "other"), [(7, 8), (8, 7), (2, 19), (20, 1), (19, 20)])
def test_a_copy_in_the_place_of_another_is_named(place, other) -> None:
    trail = Trail()
    trail.copy_to(place, other)

    assert names(verified(trail, log=trail.log), place)


def test_a_tail_that_was_cut_with_its_seals_is_found_by_the_log_alone() -> None:
    trail = Trail()
    trail.cut_tail(11)

    assert verified(trail).findings == []
    [finding] = verified(trail, log=trail.log).findings
    assert finding == Finding("w", 11, 20, "removed", "a seal in the log says that the chain went on")


def test_a_tail_that_was_cut_without_its_seals_is_found_by_them() -> None:
    trail = Trail()
    del trail.entries[12:]
    report = verified(trail)

    assert (report.findings[0].first, report.findings[0].last) == (13, 15)
    assert names(report, 20)


def test_a_chain_that_was_removed_whole_is_found_by_the_log() -> None:
    trail = Trail()
    report = verified(log=trail.log)

    assert [(each.writer, each.first, each.last, each.what) for each in report.findings] == [("w", 1, 20, "removed")]


def test_a_chain_that_was_written_anew_up_to_the_log_s_last_seal_is_found_by_it() -> None:
    trail = Trail()
    log = trail.log
    trail.rewrite(8)
    trail.seals = [seal for seal in trail.seals if seal.key == SIGNER.public]
    [finding] = verified(trail, log=log).findings

    assert (finding.first, finding.last, finding.what) == (6, 20, "rewritten")


def test_a_seal_that_is_not_signed_or_by_a_key_of_nobody_s_is_named() -> None:
    trail = Trail()
    trail.seals[1] = trail.seals[1]._replace(signature="00" * 64)
    trail.seals[2] = trail.seals[2]._replace(key=FORGER.public)
    trail.seals[3] = trail.seals[3]._replace(key="no key")
    report = verified(trail, trusted=[SIGNER.public, "no key"])

    assert [(each.first, each.what) for each in report.findings] == [(10, "seal"), (15, "key"), (20, "seal")]


def test_what_was_removed_because_it_was_old_is_not_missed_and_what_follows_is_chained_to_it() -> None:
    trail = Trail()
    kept = SIGNER.seal("w", 10, "kept", trail.at(10).hash, 2e9)
    gone = trail.entries[:10]
    del trail.entries[:9]  # the last of them is about to be removed
    trail.seals = [seal for seal in trail.seals if seal.seq >= 10]
    verifier = Verifier([SIGNER.public], first=[kept], logged=trail.log)
    for item in trail.items():
        verifier.take(item)

    assert verifier.end().findings == []
    trail.entries[1] = trail.entries[1]._replace(text=gone[0].text)
    verifier = Verifier([SIGNER.public], first=[kept])
    for item in trail.items():
        verifier.take(item)
    assert names(verifier.end(), 11)


def test_where_more_than_one_chain_was_cut_because_it_was_old_an_export_says_so_first() -> None:
    one, other = Trail("a"), Trail("b")
    first = [SIGNER.seal(trail.writer, 10, "kept", trail.at(10).hash, 2e9) for trail in (one, other)]
    for trail in (one, other):
        del trail.entries[:10]
        trail.seals = [seal for seal in trail.seals if seal.seq > 10]
    verifier = Verifier([SIGNER.public], first=first)
    for item in (*first, *one.items(), *other.items()):
        verifier.take(item)

    assert verifier.end().findings == []


def test_who_forges_that_something_was_old_is_found() -> None:
    trail = Trail()
    kept = FORGER.seal("w", 10, "kept", trail.at(10).hash, 2e9)
    del trail.entries[:10]
    verifier = Verifier([SIGNER.public], first=[kept])
    for item in trail.items():
        verifier.take(item)
    report = verifier.end()

    told = [(each.what, each.first, each.last) for each in report.findings]
    assert told == [("key", 10, 10), ("removed", 1, 5), ("removed", 6, 10)]


def test_a_chain_of_which_everything_was_old_is_not_missed() -> None:
    trail = Trail()
    verifier = Verifier([SIGNER.public], first=[SIGNER.seal("w", 20, "kept", trail.at(20).hash, 2e9)], logged=trail.log)

    assert verifier.end().findings == []


def test_a_place_that_no_chain_has_is_named() -> None:
    trail = Trail()
    trail.entries.insert(0, trail.following("put in", 1)._replace(seq=0))

    assert [(each.first, each.what) for each in verified(trail).findings] == [(0, "inserted")]


def test_lines_of_an_export_that_changed_places_are_named() -> None:
    trail = Trail()
    items = list(trail.items())
    items[1], items[2] = items[2], items[1]
    verifier = Verifier([SIGNER.public])
    for item in items:
        verifier.take(item)

    assert {(each.first, each.what) for each in verifier.end().findings} == {(2, "removed"), (2, "moved")}


def test_of_very_many_findings_the_first_are_kept_and_all_counted() -> None:
    trail = Trail(count=MOST_FINDINGS + 50)
    for place in range(1, MOST_FINDINGS + 51):
        trail.edit(place)
    report = verified(trail)

    assert (len(report.findings), report.found) == (MOST_FINDINGS, MOST_FINDINGS + 50)


def tampered(chance: random.Random) -> tuple[Trail, set[int], str]:
    """A trail of some length, and one thing done to it by chance."""
    trail = Trail(count=chance.randint(3, 60), every=chance.randint(1, 20))
    how = chance.choice([*ALONE, "swap", "copy_to"])
    places = chance.sample(range(1, len(trail.entries) + 1), 2)
    touched = getattr(trail, how)(*(places if how in ("swap", "copy_to") else places[:1]))
    return trail, touched, f"{how} {places}"


def found_all(seeds: range) -> None:
    """Each, and the entry that was touched named."""
    for seed in seeds:
        trail, touched, how = tampered(random.Random(seed))
        report = verified(trail, log=trail.log)
        assert all(names(report, place) for place in touched), (seed, how, report.findings)


def test_whatever_is_done_by_chance_is_found_and_named() -> None:
    found_all(range(1000))
