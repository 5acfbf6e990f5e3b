"""What is claimed, and until when; how many wait or are claimed. Pure; ``now`` is an argument."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import heappop, heappush
from itertools import repeat, starmap
from typing import TypeAlias

from ._receipt import token_of
from ._returned import Message, lost
from ._waiting import Waiting
from ._whole import whole
from .transport import QueueStats, Receipt

Lease: TypeAlias = tuple[float, str, tuple[Receipt, ...]]
"""When a claim ends, its name, and its receipts: the name is the token, or its only receipt."""


class Claims(Waiting):
    """The claims of one queue, beside what waits."""

    __slots__ = ("_claims", "_deadlines", "_most", "held")

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[Receipt, Message] = {}
        """What is claimed; who takes a message out, in one call, has settled it."""
        self._claims: dict[str, Lease] = {}  # by their names; some have ended
        self._deadlines: list[Lease] = []  # a heap; what was extended or ended is stale
        self._most = 64

    def extend(self, receipts: Iterable[Receipt], *, now: float, lease: float) -> list[Receipt]:
        """Move deadlines of claims, never to an earlier time."""
        given = list(receipts)
        held = [self.held.get(receipt) for receipt in given]
        going = [receipt for receipt, one in zip(given, held, strict=True) if one is not None]

        def steps() -> None:
            for receipt in going:
                claim = self._claims.get(receipt) or self._claims.get(token_of(receipt))
                if claim and claim[0] < now + lease:
                    later = (now + lease, *claim[1:])
                    heappush(self._deadlines, later)
                    self._claims[later[1]] = later

        whole(steps)
        return lost(given, held)

    def has_room(self, count: int, max_length: int) -> bool:
        """Tell whether *count* messages more would be no more than *max_length*."""
        stats = self.stats()
        return stats.ready + stats.delayed + count <= max_length

    def stats(self) -> QueueStats:
        """Count messages by state; what is claimed meanwhile may count twice, never not at all."""
        ready = self.claimable + (self._places.waiting if self._places else 0)
        return QueueStats(ready, len(self._delayed), len(self.held))

    def is_due(self, now: float) -> bool:
        """Tell whether there is something to do before a claim."""
        try:
            return bool(
                (self._deadlines and self._deadlines[0][0] <= now)
                or (self._delayed and self._delayed[0][0] <= now)
                or len(self._deadlines) > self._most
            )
        except IndexError:  # another thread has done it
            return True

    def next_event(self) -> float | None:
        """Return when the next claim expires or message becomes due, on the clock of ``now``."""
        self._drop_ended()
        times = [heap[0][0] for heap in (self._deadlines, self._delayed) if heap]
        return min(times, default=None)

    def _take_held(self, receipts: Sequence[Receipt], taken: list[Message | None]) -> None:
        """Move into *taken* what each receipt holds, once; None for what is not held."""
        if not taken:
            taken.extend(map(self.held.pop, receipts, repeat(None)))

    def _goes_on(self, claim: Lease) -> bool:
        """Tell whether a claim holds something, and was not extended to a later end."""
        _, name, receipts = claim
        return self._claims.get(name) is claim and not self.held.keys().isdisjoint(receipts)

    def _drop_ended(self) -> None:
        """Have a claim that goes on at the top of the deadlines."""
        deadlines = self._deadlines
        while deadlines and not self._goes_on(deadlines[0]):
            self._keep_going(lambda taken: map(heappop, (deadlines,) * (not taken)))

    def _drop_all_ended(self) -> None:
        """Keep only deadlines of claims that go on."""
        deadlines = self._deadlines
        self._keep_going(lambda _: starmap(deadlines.pop, repeat((), len(deadlines))))
        self._most = 2 * len(deadlines) + 64

    def _keep_going(self, taking: Callable[[list[Lease]], Iterator[Lease]]) -> None:
        """Take deadlines out, and put back those of claims that go on; the others are forgotten."""
        claims, held = self._claims, self.held.keys()
        taken: list[Lease] = []

        def steps() -> None:
            taken.extend(taking(taken))
            for claim in taken:
                if claims.get(claim[1]) is claim:
                    if held.isdisjoint(claim[2]):
                        claims.pop(claim[1], None)
                    else:
                        heappush(self._deadlines, claim)

        whole(steps)
