"""
The state machine of one queue: ready, delayed, claimed. Pure, and no clock: ``now`` is an argument.

In three parts: what waits (``_waiting``; with levels and groups, ``_places``), what is claimed
(``_claims``, with the questions about both), and here the verbs that lead from one to the other.

It is the memory transport's heart and the model that every other transport is tested against, so
it follows the protocol of the Redis layout (``docs/protocol.md``) step by step: a claim is a list
that never grows, a receipt is a token and a place in that list, and what is due is made ready in
windows of ten claims.

A signal handler may raise between any two steps of Python, so no step may leave a message nowhere,
twice, or half of a batch done. What moves, moves within one call into C, where nothing comes in
between; where several moves make one change, ``whole`` does again what was cut short.

For the same reason threads may push, pop, claim and ack at once without a lock: a message changes
hands in one call into C, so one of them gets it. All other verbs run one at a time, under the
store's lock, and take what they change out of ``ready`` or ``_held`` by such a call, too. When a
queue gets its first place it is no longer ``plain``, and everything goes under the lock; a thread
that still saw it plain finds nothing in ``ready``, or leaves a message there that is taken over.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from itertools import chain, repeat
from typing import Any, Final

from ._claims import Claims, Lease
from ._envelope import HEAD, MAGIC, claimed_id, frame_attempts, frame_id
from ._marks import Marks
from ._receipt import by_claim, place_of, token_of
from ._returned import Message, Returned, lost, returned
from ._turns import Turns
from ._whole import moving_back, whole
from .transport import MAX_CLAIM, Delivery, Receipt

CLAIM_WINDOW: Final = 10
"""Expired claims that one step of a claim recovers; the Redis scripts use the same number."""
DUE_WINDOW: Final = 100
"""Due messages that one step of a claim makes ready; the same."""

_PLACES: Final = [f".{i}" for i in range(MAX_CLAIM)]
_new: Final[Callable[[Any, Any], Delivery]] = tuple.__new__  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType] - its type says nothing of what it makes
"""Half the time of a constructor."""


class Lanes(Claims):
    """The messages of one queue, by state."""

    __slots__ = ("marks", "turns")

    def __init__(self) -> None:
        super().__init__()
        self.marks = Marks()
        self.turns = Turns()

    def purge(self) -> int:
        """Remove what is ready or delayed."""
        places, stats = self.places, self.stats()
        if places is not None:

            def forget() -> None:
                places.purge(list(self.held.values()))
                self._delayed = []

            whole(forget)
            return stats.ready + stats.delayed
        gone: list[Message] = []
        count = len(self._delayed)

        def steps() -> None:
            self.take_plain(gone, len(self.ready))
            self._delayed = []

        whole(steps)
        return len(gone) + count

    def make_ready(self, now: float) -> int:
        """Do what goes before a claim, and return how many messages it made ready."""
        before = self.claimable
        if len(self._deadlines) > self._most:  # most are those of claims that have ended
            self._drop_all_ended()
        while self._recover_claims(now, CLAIM_WINDOW):
            pass
        self._promote(now, DUE_WINDOW)
        return self.claimable - before

    def claim(self, token: str, *, now: float, lease: float, limit: int) -> list[Delivery]:
        """Make due things ready, then hide the oldest ready messages under a new claim."""
        self.make_ready(now)
        return self.hide(token, now + lease, limit)

    def claim_one(self, receipt: Receipt, now: float, lease: float) -> list[Delivery] | None:
        """
        Hide the oldest ready message under a new claim, whose only receipt is given.

        None says that something has to be done before; see ``claim``. From the step of the iterator
        to the push into the heap nothing is called, so that no signal handler comes in between.
        """
        deadlines, delayed = self._deadlines, self._delayed
        try:
            if (
                (deadlines and deadlines[0][0] <= now)
                or (delayed and delayed[0][0] <= now)
                or len(deadlines) > self._most
            ):
                return None
            for message in self.next:
                self.held[receipt] = message
                claim = (now + lease, receipt, (receipt,))
                self._claims[receipt] = claim
                heappush(deadlines, claim)
                if message.__class__ is Returned:
                    return [Delivery(message.body, receipt, message.attempts + 1, message.key)]
                if message[:2] == MAGIC and len(message) >= HEAD:  # as ``frame_id``
                    return [
                        _new(Delivery, (message, receipt, message[3] + 1, message[4:HEAD].hex()))
                    ]
                return [Delivery(message, receipt, 1, claimed_id(token_of(receipt), 0))]
        except IndexError:
            pass
        return []

    def hide(self, token: str, end: float, limit: int) -> list[Delivery]:
        """Hide the oldest ready messages under a new claim, whatever is due."""
        held, places = self.held, self.places
        count = min(limit, self.claimable, MAX_CLAIM)
        coming = places.coming() if places else self.next
        receipts = tuple(map(Receipt, map(token.__add__, _PLACES[:count])))
        try:
            held.update(zip(receipts, coming))  # noqa: B905 - it must not ask for one more
        except IndexError:  # other threads were faster
            receipts = tuple([receipt for receipt in receipts if receipt in held])
        if not receipts:
            return []
        claim = (end, token, receipts)
        self._claims[token] = claim
        heappush(self._deadlines, claim)
        return [
            Delivery(message.body, receipt, message.attempts + 1, message.key)
            if isinstance(message, Returned)
            else _new(
                Delivery,
                (
                    message,
                    receipt,
                    frame_attempts(message) + 1,
                    frame_id(message) or claimed_id(token, place),
                ),
            )
            for place, (receipt, message) in enumerate(zip(receipts, map(held.get, receipts)))  # noqa: B905 - as above
            if message is not None  # else it has expired by now
        ]

    def unclaim(self, token: str) -> int:
        """Undo a claim whose deliveries nobody got; return how many are at the head again."""
        receipts = tuple(map(Receipt, map(token.__add__, _PLACES)))
        claim = self._claims.get(token) or self._claims.get(receipts[0])
        receipts = claim[2] if claim else receipts  # interrupted early: all
        return sum(one is not None for one in self._give_back(receipts, counted=False))

    def ack(self, receipts: Sequence[Receipt]) -> list[Receipt]:
        """Forget messages."""
        if self._places is not None:
            return self._ack_and_follow(receipts)
        if len(receipts) == 1:
            held = self.held.pop(receipts[0], None) is not None
            self._claims.pop(receipts[0], None)
            return [] if held else list(receipts)
        found = list(map(self.held.pop, receipts, repeat(None)))
        return [] if all(found) else lost(receipts, found)

    def release(
        self, receipts: Iterable[Receipt], *, counted: bool, now: float = 0.0, delay: float = 0.0
    ) -> list[Receipt]:
        """Give messages back: delayed, to the tail (counted) or to the head (uncounted)."""
        groups: Iterable[list[Receipt]] = by_claim(receipts)
        if not counted and not delay:
            groups = [sorted(group, key=place_of) for group in groups]
        given = list(chain.from_iterable(groups))
        due = now + delay if delay else None
        taken = self._give_back(given, counted=counted, tail=counted or bool(delay), due=due)
        return lost(given, taken)

    def move(self, letters: Iterable[tuple[Receipt, bytes]], to: Lanes) -> list[Receipt]:
        """Store the new bodies in *to* for the messages that are held, and forget those."""
        given = list(letters)
        receipts = [receipt for receipt, _ in given]
        taken: list[Message | None] = []
        new: list[deque[Message]] = []

        def steps() -> None:
            self._take_held(receipts, taken)
            if not new:
                pairs = zip(given, taken, strict=True)
                new.append(to.seat(body for (_, body), one in pairs if one is not None))
            to.put(new[0])
            if self._places is not None:
                self._places.let_follow(taken)

        whole(steps)
        return lost(receipts, taken)

    def recover(self, *, now: float, limit: int) -> int:
        """Make ready up to *limit* expired claims and due messages."""
        done = 0
        while done < limit:
            claims = self._recover_claims(now, min(CLAIM_WINDOW, limit - done))
            if not claims:
                break
            done += claims
        return done + self._promote(now, limit - done)

    def _give_back(
        self,
        receipts: Sequence[Receipt],
        *,
        counted: bool,
        tail: bool = False,
        due: float | None = None,
    ) -> list[Message | None]:
        """Put back what is held, at the head or as ``put`` does; return what each receipt held."""
        taken: list[Message | None] = []
        back: list[deque[Message]] = []

        def steps() -> None:
            self._take_held(receipts, taken)
            if not back:
                found = map(returned, receipts, taken, repeat(counted))
                back.append(deque([message for message in found if message is not None]))
            if tail:
                self.put(back[0], due)
            elif (places := self.places) is not None:
                places.prepend(back[0])
            else:
                self.ready.extendleft(moving_back(back[0]))

        whole(steps)
        return taken

    def _ack_and_follow(self, receipts: Sequence[Receipt]) -> list[Receipt]:
        taken: list[Message | None] = []

        def steps() -> None:
            self._take_held(receipts, taken)
            if self._places is not None:
                self._places.let_follow(taken)

        whole(steps)
        return lost(receipts, taken)

    def _recover_claims(self, now: float, limit: int) -> int:
        window: list[Lease] = []

        def steps() -> None:
            while len(window) < limit:
                self._drop_ended()
                if not self._deadlines or self._deadlines[0][0] > now:
                    break
                window.extend(map(heappop, (self._deadlines,)))
            for _, name, receipts in reversed(window):  # the latest first: the oldest ends in front
                self._give_back(receipts, counted=True)
                self._claims.pop(name, None)

        whole(steps)
        return len(window)
