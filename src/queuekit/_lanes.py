"""
The state machine of one queue: ready, delayed, claimed. Pure, and no clock: ``now`` is an argument.

It is the memory transport's heart and the model that every other transport is tested against, so
it follows the protocol of the Redis layout (``docs/protocol.md``) step by step: a claim is a list
that never grows, a receipt is a token and a place in that list, and what is due is made ready in
windows of ten claims.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from heapq import heapify, heappop, heappush
from itertools import islice
from typing import Final

from ._envelope import claimed_id, frame_id
from ._receipt import by_claim, place_of, token_of
from .transport import MAX_CLAIM, Delivery, QueueStats, Receipt

CLAIM_WINDOW: Final = 10
"""Expired claims that one step of a claim recovers; the Redis scripts use the same number."""
DUE_WINDOW: Final = 100
"""Due messages that one step of a claim makes ready; the same."""


class _Entry:
    """One message."""

    __slots__ = ("attempts", "body", "key")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.attempts = 0
        self.key = ""


class _Claim:
    """What one claim call took; a place is None once its message was settled."""

    __slots__ = ("deadline", "live", "places", "token")

    def __init__(self, token: str, deadline: float, places: list[_Entry | None]) -> None:
        self.token = token
        self.deadline = deadline
        self.places = places
        self.live = len(places)


class Lanes:
    """The messages of one queue, by state."""

    __slots__ = ("_claims", "_deadlines", "_delayed", "_put_offs", "ready")

    def __init__(self) -> None:
        self.ready: deque[_Entry] = deque()
        self._delayed: list[tuple[float, int, _Entry]] = []  # a heap
        self._claims: dict[str, _Claim] = {}
        self._deadlines: list[tuple[float, str]] = []  # a heap; what was extended or ended is stale
        self._put_offs = 0

    def push(self, bodies: Iterable[bytes], *, now: float = 0.0, delay: float = 0.0) -> None:
        """Append to the tail, or make ready in *delay* seconds."""
        if not delay:
            self.ready.extend(map(_Entry, bodies))
            return
        for body in bodies:
            self._put_off(_Entry(body), now + delay)

    def pop(self, limit: int) -> list[bytes]:
        """Remove and return the oldest ready bodies."""
        ready = self.ready
        return [ready.popleft().body for _ in range(min(limit, len(ready)))]

    def peek(self, limit: int) -> list[bytes]:
        """Return the oldest ready bodies."""
        return [entry.body for entry in islice(self.ready, limit)]

    def stats(self) -> QueueStats:
        """Count messages by state."""
        claimed = sum(claim.live for claim in self._claims.values())
        return QueueStats(len(self.ready), len(self._delayed), claimed)

    def purge(self) -> int:
        """Remove what is ready or delayed."""
        count = len(self.ready) + len(self._delayed)
        self.ready.clear()
        self._delayed.clear()
        return count

    def claim(self, token: str, *, now: float, lease: float, limit: int) -> list[Delivery]:
        """Make due things ready, then hide the oldest ready messages under a new claim."""
        while self._recover_claims(now, CLAIM_WINDOW):
            pass
        self._promote(now, DUE_WINDOW)
        count = min(limit, len(self.ready), MAX_CLAIM)
        if not count:
            return []
        taken = [self.ready.popleft() for _ in range(count)]
        self._claims[token] = _Claim(token, now + lease, list(taken))
        self._expires(now + lease, token)
        deliveries: list[Delivery] = []
        for i, entry in enumerate(taken):
            if not entry.key:
                entry.key = frame_id(entry.body) or claimed_id(token, i)
            receipt = Receipt(f"{token}.{i}")
            deliveries.append(Delivery(entry.body, receipt, entry.attempts + 1, entry.key))
        return deliveries

    def ack(self, receipts: Iterable[Receipt]) -> list[Receipt]:
        """Forget messages."""
        return [receipt for receipt in receipts if self._take(receipt) is None]

    def release(
        self, receipts: Iterable[Receipt], *, counted: bool, now: float = 0.0, delay: float = 0.0
    ) -> list[Receipt]:
        """Give messages back: delayed, to the tail (counted) or to the head (uncounted)."""
        lost: list[Receipt] = []
        heads: list[list[_Entry]] = []
        for group in by_claim(receipts):
            kept = group if counted or delay else sorted(group, key=place_of)
            back: list[_Entry] = []
            for receipt in kept:
                entry = self._take(receipt)
                if entry is None:
                    lost.append(receipt)
                    continue
                entry.attempts += counted
                back.append(entry)
            if delay:
                for entry in back:
                    self._put_off(entry, now + delay)
            elif counted:
                self.ready.extend(back)
            else:
                heads.append(back)
        for back in reversed(heads):
            self.ready.extendleft(reversed(back))
        return lost

    def extend(self, receipts: Iterable[Receipt], *, now: float, lease: float) -> list[Receipt]:
        """Move deadlines of claims, never to an earlier time."""
        lost: list[Receipt] = []
        for receipt in receipts:
            claim = self._holds(receipt)
            if claim is None:
                lost.append(receipt)
            elif claim.deadline < now + lease:
                claim.deadline = now + lease
                self._expires(claim.deadline, claim.token)
        return lost

    def recover(self, *, now: float, limit: int) -> int:
        """Make ready up to *limit* expired claims and due messages."""
        done = 0
        while done < limit:
            claims = self._recover_claims(now, min(CLAIM_WINDOW, limit - done))
            if not claims:
                break
            done += claims
        return done + self._promote(now, limit - done)

    def next_event(self) -> float | None:
        """Return when the next claim expires or message becomes due, on the clock of ``now``."""
        self._drop_stale()
        times = [heap[0][0] for heap in (self._deadlines, self._delayed) if heap]
        return min(times, default=None)

    def _recover_claims(self, now: float, limit: int) -> int:
        window: list[_Claim] = []
        while len(window) < limit:
            self._drop_stale()
            if not self._deadlines or self._deadlines[0][0] > now:
                break
            window.append(self._claims.pop(heappop(self._deadlines)[1]))
        for claim in reversed(window):  # the latest first, so that the oldest ends in front
            back = [entry for entry in claim.places if entry is not None]
            for entry in back:
                entry.attempts += 1
            self.ready.extendleft(reversed(back))
        return len(window)

    def _promote(self, now: float, limit: int) -> int:
        count = 0
        while count < limit and self._delayed and self._delayed[0][0] <= now:
            self.ready.append(heappop(self._delayed)[2])
            count += 1
        return count

    def _put_off(self, entry: _Entry, due: float) -> None:
        self._put_offs += 1
        heappush(self._delayed, (due, self._put_offs, entry))

    def _expires(self, deadline: float, token: str) -> None:
        heappush(self._deadlines, (deadline, token))
        if len(self._deadlines) > 2 * len(self._claims) + 64:  # acked claims leave stale entries
            self._deadlines = [(claim.deadline, claim.token) for claim in self._claims.values()]
            heapify(self._deadlines)

    def _drop_stale(self) -> None:
        while self._deadlines:
            deadline, token = self._deadlines[0]
            claim = self._claims.get(token)
            if claim is not None and claim.deadline == deadline:
                return
            heappop(self._deadlines)

    def _holds(self, receipt: Receipt) -> _Claim | None:
        claim = self._claims.get(token_of(receipt))
        if claim is None:
            return None
        index = place_of(receipt)
        return claim if 0 <= index < len(claim.places) and claim.places[index] else None

    def _take(self, receipt: Receipt) -> _Entry | None:
        claim = self._holds(receipt)
        if claim is None:
            return None
        index = place_of(receipt)
        entry = claim.places[index]
        claim.places[index] = None
        claim.live -= 1
        if not claim.live:
            del self._claims[claim.token]
        return entry
