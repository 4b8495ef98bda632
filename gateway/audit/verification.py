"""Verification: reads chains entry by entry and seal by seal, and names what was edited, removed, moved or put in."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias

import orjson

from gateway.audit.entries import Entry, Seal, beginning, digest, genesis
from gateway.audit.signing import signed, vouched

What: TypeAlias = Literal["edited", "removed", "inserted", "moved", "rewritten", "seal", "key"]

MOST_FINDINGS = 1000
"""Beyond them it is only counted."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with the entries ``first`` to ``last`` of a writer; of a seal, with that after them."""

    writer: str
    first: int
    last: int
    what: What
    why: str

    def __str__(self) -> str:
        which = f"entry {self.first}" if self.first == self.last else f"entries {self.first} to {self.last}"
        return f"{self.writer} {which}: {self.what}: {self.why}"


class Report:
    """``unsealed`` are entries after the last seal of their writer: they hang together, and no key vouches for them."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []
        self.found = self.writers = self.entries = self.seals = self.unsealed = 0

    def add(self, finding: Finding) -> None:
        self.found += 1
        if len(self.findings) < MOST_FINDINGS:
            self.findings.append(finding)


class _Text(NamedTuple):
    """What the text of an entry says of its place; 0 and nothing where it is no entry's."""

    seq: int
    previous: str


class _Moved(NamedTuple):
    """An entry that is whole and does not stand in its place, until the next one says why."""

    place: int
    seq: int
    hash: str


class Verifier:
    """Takes the chains of a trail, one after another: each entry in the order of its place, each seal after its entry.

    The seals of ``trusted`` count, which are public keys, and of those that they vouch for.  ``first`` are the seals by
    which they do, and those before which old entries were removed; ``logged`` the last seals that the log has.
    """

    def __init__(self, trusted: Collection[str], *, first: Iterable[Seal] = (), logged: Iterable[Seal] = ()) -> None:
        self.report = Report()
        first = list(first)
        self._trusted = vouched(trusted, first)
        self._kept = {seal.writer: seal for seal in first if seal.kind == "kept"}
        self._logged = _last(logged)
        self._unknown: set[str] = set()
        self._writer: str | None = None

    def take(self, item: Entry | Seal) -> None:
        if isinstance(item, Seal) and item.kind not in ("seal", "end"):
            return  # one of ``first``
        if item.writer != self._writer:
            self._end()
            self._begin(item.writer)
        if isinstance(item, Entry):
            self._entry(item)
        else:
            self._seal(item)

    def end(self) -> Report:
        """After the last item."""
        self._end()
        for writer in sorted({*self._logged, *self._kept} - {""}):
            self._begin(writer)  # one that has no entry left
            self._end()
        return self.report

    # one chain

    def _begin(self, writer: str) -> None:
        self._writer = writer
        self.report.writers += 1
        self._next, self._link = 1, genesis(writer)
        self._shift = 0
        """By how much entries stand behind the place that they say."""
        self._moved: _Moved | None = None
        self._doubt = 0
        """The place of an entry that does not name the one before: the next one says which of the two was changed."""
        self._last = _Text(0, "")
        self._blamed = 0
        """The last place that a finding names."""
        self._found = self._sealed = 0
        self._ended = 0
        self._log = self._logged.pop(writer, None)
        kept = self._kept.pop(writer, None)
        if kept is not None and self._vouched(kept):
            self._next, self._link, self._sealed = kept.seq + 1, kept.hash, kept.seq
            self._old = kept.seq
        else:
            self._old = 0

    def _end(self) -> None:
        if self._writer is None:
            return
        if self._moved is not None:
            self._explain(self._moved, None)
        self._give_up_doubt()
        log = self._log
        if log is not None and self._vouched(log) and log.seq > max(self._reached, self._old):
            self._find(self._next, log.seq, "removed", "a seal in the log says that the chain went on")
        self.report.unsealed += max(0, self._next - 1 - max(self._sealed, self._old))
        self._writer = None

    @property
    def _reached(self) -> int:
        """The last entry that was seen, or one behind it that stands further on."""
        return self._next - 1 - min(self._shift, 0)

    def _entry(self, entry: Entry) -> None:
        if entry.seq < 1:
            self._find(entry.seq, entry.seq, "inserted", "no chain has such a place")
            return
        if entry.seq <= self._old:
            return  # it is old, and about to be removed
        self.report.entries += 1
        line = entry.text.encode()
        if (
            entry.seq == self._next
            and not self._shift
            and self._moved is None
            and not self._doubt
            and entry.text.startswith(beginning(entry.seq, self._link))
            and digest(line) == entry.hash
        ):
            self._last, self._link = _Text(entry.seq, self._link), entry.hash
        elif entry.seq < self._next:
            self._find(entry.seq, entry.seq, "moved", "it does not come in its order")
            return
        else:
            self._look(entry, line)
        if self._ended and entry.seq - self._shift > self._ended:
            self._find(entry.seq, entry.seq, "inserted", "its writer had said that nothing follows")
        self._next = entry.seq + 1
        if self._log is not None and self._log.seq == entry.seq:
            self._compare(self._log, "the last seal in the log")

    def _look(self, entry: Entry, line: bytes) -> None:
        """Closely: at one that is not what was expected."""
        if entry.seq > self._next:
            self._find(self._next, entry.seq - 1, "removed", "there is nothing in its place")
            self._link = ""
        said = _said(entry.text)
        if said.seq < 1 or digest(line) != entry.hash:
            self._settle_moved(None)
            self._give_up_doubt()
            self._find(entry.seq, entry.seq, "edited", "its text is not that of its hash")
            self._last = _Text(entry.seq - self._shift, said.previous)
        elif entry.seq - said.seq != self._shift:
            moved = _Moved(entry.seq, said.seq, entry.hash)
            if self._moved is not None and self._explain(self._moved, moved):
                self._linked(entry, said)
                return
            self._moved = moved
            return
        else:
            self._settle_moved(entry)
            self._linked(entry, said)
        self._link = entry.hash

    def _settle_moved(self, entry: Entry | None) -> None:
        moved, self._moved = self._moved, None
        if moved is not None:
            self._find(moved.place, moved.place, "moved", f"the entry {moved.seq} stands there")
            if entry is not None:
                self._link = ""

    def _linked(self, entry: Entry, said: _Text) -> None:
        """It is whole and in its place: then the one before it is what it says, or was changed with its hash."""
        follows = not self._link or said.previous == self._link
        if self._doubt:
            changed = self._doubt - 1 if follows else self._doubt
            self._doubt = 0
            self._find(changed, changed, "edited", "with its hash: its neighbours name another")
        elif not follows and self._blamed < entry.seq - 1:
            if entry.seq - 1 == self._old:
                self._find(entry.seq, entry.seq, "edited", "it does not follow what is before it")
            else:
                self._doubt = entry.seq
        self._last, self._link = said, entry.hash

    def _give_up_doubt(self) -> None:
        if self._doubt:
            self._find(self._doubt - 1, self._doubt, "edited", "one of the two, with its hash")
        self._doubt = 0

    def _explain(self, moved: _Moved, after: _Moved | None) -> bool:
        """Whether what stands after it is as much out of place: then something was put in, or taken out, before."""
        shift = moved.place - moved.seq
        if after is None:
            alike = shift < self._shift or (moved.seq == self._last.seq and moved.hash != self._link)
        else:
            alike = after.place - after.seq == shift
        self._moved, self._doubt = None, 0
        if not alike:
            self._find(moved.place, moved.place, "moved", f"the entry {moved.seq} stands there")
            self._link = ""
            return False
        if shift > self._shift:
            first, last = moved.place - (shift - self._shift), moved.place - 1
            self._find(first, last, "inserted", "those behind it were moved on to make room")
        else:
            first, last = moved.seq - (self._shift - shift), moved.seq - 1
            self._find(first, last, "removed", "those behind it were moved up to hide it")
        self._shift, self._link = shift, moved.hash
        return True

    # seals

    def _seal(self, seal: Seal) -> None:
        self.report.seals += 1
        if not self._vouched(seal):
            return
        if seal.seq > self._reached:
            self._find(self._next, seal.seq, "removed", "a seal says that the chain went on")
            self._next = seal.seq + 1
        elif seal.seq > self._old:
            self._compare(seal, "a seal")
        self._sealed = seal.seq
        if seal.kind == "end":
            self._ended = seal.seq

    def _compare(self, seal: Seal, which: str) -> None:
        """With the entry that was read last.  Where something was found since the seal before, that is why."""
        unsettled = self._found or self._shift or self._doubt or self._moved is not None
        if seal.hash != self._link and not unsettled and self._vouched(seal):
            first, blamed = max(self._sealed, self._old) + 1, self._blamed
            self._find(first, seal.seq, "rewritten", f"{which} after it is of another chain")
            self._blamed = blamed  # it may yet be known which
        self._found = 0

    def _vouched(self, seal: Seal) -> bool:
        if seal.key not in self._trusted:
            if seal.key not in self._unknown:
                self._unknown.add(seal.key)
                self._blame(seal, "key", f"sealed with {seal.key}, which nobody vouches for")
            return False
        if not signed(seal):
            self._blame(seal, "seal", "it is not signed by the key that it names")
            return False
        return True

    def _blame(self, seal: Seal, what: What, why: str) -> None:
        """A seal that counts nothing explains nothing of the entries."""
        self.report.add(Finding(seal.writer, seal.seq, seal.seq, what, why))

    def _find(self, first: int, last: int, what: What, why: str) -> None:
        assert self._writer is not None
        self._found += 1
        self._blamed = last
        self.report.add(Finding(self._writer, first, last, what, why))


def _said(text: str) -> _Text:
    try:
        document = orjson.loads(text)
        seq, previous = document["seq"], document["prev"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return _Text(0, "")
    return _Text(seq, previous) if type(seq) is int and isinstance(previous, str) else _Text(0, "")


def _last(seals: Iterable[Seal]) -> dict[str, Seal]:
    """The last of each writer."""
    found: dict[str, Seal] = {}
    for seal in seals:
        if seal.writer not in found or found[seal.writer].seq <= seal.seq:
            found[seal.writer] = seal
    return found
