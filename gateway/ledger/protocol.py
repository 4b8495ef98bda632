"""What a ledger does.  Every change is one statement, committed before its method returns."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence
from typing import Protocol

from gateway.ledger.records import Entry, Page, Query, Record, Settlement, State
from gateway.ledger.schedules import Schedules


class Ledger(Protocol):
    """Payments by id and by claim.  All raise DatabaseDown where nobody knows whether the change took effect.

    Methods that return an awaitable have handed their change over when they return: whoever stops waiting for it,
    takes nothing back.  A change that reports False found the record in another state, epoch or revision than it
    needs, and did nothing.
    """

    @property
    def schedules(self) -> Schedules:
        """When declined payments are tried again."""

    def reserve(self, entry: Entry, lease: float) -> Awaitable[bool]:
        """Make the record, ``reserved`` in epoch 1 for ``lease`` seconds.  False where its claim is taken.

        Raises ReferenceTaken where its claim is free and another payment of its reference is open or has succeeded.
        """

    def reserve_again(self, id: str, epoch: int, entry: Entry, lease: float) -> Awaitable[bool]:  # noqa: A002
        """Claim the record in epoch + 1: one that is released, or reserved and its lease is over.

        Never one with ``accepted_until``: that is sent by whoever takes it with ``take_accepted``; nor one whose
        reference another took meanwhile.

        It takes the request id, the trace id and the policy of ``entry``; its history goes on, without its oldest lines
        where it has become long.
        """

    def send(self, id: str, epoch: int, lease: float, request: bytes | None = None) -> Awaitable[bool]:  # noqa: A002
        """``reserved`` → ``sent``, the compare-and-set that must be committed before the first byte.

        It is due when the lease is over.  False also where the lease of the reservation is over by the database's
        clock.
        """

    def begin(self, entry: Entry, lease: float, request: bytes | None = None) -> Awaitable[bool]:
        """Make the record ``sent`` at once, in epoch 1.  False, and ReferenceTaken, as above."""

    def settle(self, id: str, epoch: int, settlement: Settlement) -> Awaitable[bool]:  # noqa: A002
        """What the owner of ``epoch`` knows to have become of it.

        Takes a record that is ``reserved`` to released, held, failed, or accepted again (due at its
        ``accepted_until``); ``sent`` to any state but reserved; ``in_doubt``, ``pending`` and ``unresolved`` (its owner
        was slow, and recovery spoke first) to where its late answer says: an outcome, pending, and from ``in_doubt``
        released or accepted again; in doubt or unresolved is no answer.  What somebody said to be pending, or what
        they contradict each other about, is never free again by a late answer.  Never leaves ``succeeded`` or
        ``failed``.  One with ``accepted_until`` is accepted again and never released; without, it is not accepted.
        """

    def resolve(
        self,
        id: str,  # noqa: A002
        revision: int,
        state: State,
        *,
        by: str,
        reason: str,
        trail: bytes | None = None,
        due_in: float | None = None,
    ) -> Awaitable[bool]:
        """Take a record where evidence, or a human with a reason, says.  Compare-and-set on ``revision``.

        From pending, in_doubt or unresolved to any state but reserved, sent, accepted and held; from accepted or held
        to failed.  One that is released is promised to nobody any more.
        """

    def postpone(self, id: str, revision: int, due_in: float, trail: bytes | None = None) -> Awaitable[bool]:  # noqa: A002
        """Nobody knew: it is asked for once more in ``due_in`` seconds."""

    def resend(self, id: str, revision: int, lease: float) -> Awaitable[int | None]:  # noqa: A002
        """Take over the right to send, to send the identical bytes under the same key again: the new epoch, or None.

        Only of a record that is pending, in_doubt or unresolved; its state stays.  Whoever had the right before can
        neither send any more nor release it.
        """

    def accept(
        self,
        id: str,  # noqa: A002
        epoch: int,
        request: bytes,
        trail: bytes,
        *,
        most: int,
        ceiling: int,
        within: float,
    ) -> Awaitable[bool]:
        """``reserved`` or ``sent`` → ``accepted``, with the request to send later; what its owner knows was not sent.

        False also where ``most`` of its route are accepted already, or with this one their amounts would be more than
        ``ceiling`` in its currency.  ``accepted_until``, when it is due, and then failed, is in ``within`` seconds.
        """

    def hold(
        self,
        id: str,  # noqa: A002
        epoch: int,
        request: bytes,
        trail: bytes,
        *,
        most: int,
        within: float,
        reason: str,
    ) -> Awaitable[bool]:
        """``reserved`` → ``held``, with the request to send once a reviewer approves.

        Due, and then failed, in ``within`` seconds.  False also where ``most`` of its route are held already.
        """

    def approve(self, id: str, revision: int, *, by: str, reason: str, within: float) -> Awaitable[bool]:  # noqa: A002
        """``held`` → ``accepted``, which is sent by whoever takes it with ``take_accepted``, for ``within`` seconds.

        Compare-and-set on ``revision``.  False also where its time is over by the database's clock.
        """

    async def expire_held(self, limit: int) -> Sequence[str]:
        """``held`` and due → ``failed``, reason ``not_sent``; the ids."""

    async def expire_accepted(self, limit: int) -> Sequence[str]:
        """``accepted`` and due → ``failed``, reason ``not_sent``; the ids."""

    async def take_due(self, limit: int, lease: float) -> Sequence[Record]:
        """Records that are sent, pending or in_doubt and due: those that are it longest, in the order of their ids.

        Nobody else is given them for ``lease`` seconds.  One that was ``sent`` is ``in_doubt`` from now on, for its
        owner is lost.
        """

    async def free_expired(self, limit: int) -> int:
        """Release what is reserved and whose lease is over, in a new epoch, so that its owner can no longer send.

        One with ``accepted_until`` is ``accepted`` again, and due then: it was promised to somebody.
        """

    async def take_accepted(self, limit: int, lease: float) -> Sequence[Record]:
        """Records that are accepted, the oldest first, one of each customer (or owner, where it has none).

        Each is ``reserved`` in a new epoch.  A customer is passed over of whom another such record is reserved or sent.
        """

    async def find(self, id: str) -> Record | None: ...  # noqa: A002

    async def find_claim(self, claim: bytes) -> Record | None: ...

    async def find_reference(self, reference: bytes) -> Record | None:
        """The payment of this business reference that is open or has succeeded."""

    async def linked(self, id: str) -> Sequence[Record]:  # noqa: A002
        """Those that say that they are a retry, capture or refund of it, the oldest first; without large parts."""

    async def find_request(self, request_id: str) -> Record | None: ...

    async def list(self, query: Query) -> Page:
        """Without their bodies, histories and trails.

        Where no index finds what is asked for (alone, a route, owner, customer, amount, currency or a state that is
        settled), it looks at so many payments before the cursor, and the page says where that ended.
        """

    async def now(self) -> float:
        """The database's clock: seconds since the epoch."""

    async def counts(self) -> Mapping[State, int]:
        """Of the states that are not settled."""

    async def ages(self) -> Mapping[State, float]:
        """For how many seconds the oldest of each such state has been in the ledger; 0 where there is none."""

    async def prune(self, limit: int) -> int:
        """Remove records that are settled and whose ``keep`` is over; how many.

        One that is not settled stays, and so does one that a schedule or another record names.
        """
