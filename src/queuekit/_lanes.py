"""
The state machine of one queue: ready, delayed, claimed. Pure, and no clock: ``now`` is an argument.

It is the memory transport's heart and the model that every other transport is tested against, so
it follows the protocol of the Redis layout (``docs/protocol.md``) step by step: a claim is a list
that never grows, a receipt is a token and a place in that list, and what is due is made ready in
windows of ten claims.

A signal handler may raise between any two steps of Python, so no step may leave a message nowhere,
twice, or half of a batch done. What moves, moves within one call into C, where nothing comes in
between; where several moves make one change, ``whole`` does again what was cut short.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from heapq import heapify, heappop, heappush
from itertools import islice, repeat, starmap
from operator import itemgetter
from typing import Final, TypeVar

from ._envelope import claimed_id, frame_id
from ._receipt import by_claim, place_of, token_of
from .transport import MAX_CLAIM, Delivery, QueueStats, Receipt

_T = TypeVar("_T")

CLAIM_WINDOW: Final = 10
"""Expired claims that one step of a claim recovers; the Redis scripts use the same number."""
DUE_WINDOW: Final = 100
"""Due messages that one step of a claim makes ready; the same."""

_ENTRY: Final = itemgetter(2)


class Entry:
    """One message."""

    __slots__ = ("attempts", "body", "key")

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.attempts = 0
        self.key = ""


class _Claim:
    """What one claim call took; a place is None once its message was settled."""

    __slots__ = ("deadline", "live", "places", "token")

    def __init__(self, token: str, deadline: float, live: int) -> None:
        self.token = token
        self.deadline = deadline
        self.places: list[Entry | None] = []
        self.live = live


class Lanes:
    """The messages of one queue, by state."""

    __slots__ = ("_claims", "_deadlines", "_delayed", "_put_offs", "ready")

    def __init__(self) -> None:
        self.ready: deque[Entry] = deque()
        self._delayed: list[tuple[float, int, Entry]] = []  # a heap
        self._claims: dict[str, _Claim] = {}
        self._deadlines: list[tuple[float, str]] = []  # a heap; what was extended or ended is stale
        self._put_offs = 0

    def push(self, bodies: Iterable[bytes], *, now: float = 0.0, delay: float = 0.0) -> None:
        """Append to the tail, or make ready in *delay* seconds."""
        self.put(deque(map(Entry, bodies)), now + delay if delay else None)

    def put(self, entries: deque[Entry], due: float | None = None) -> None:
        """Empty *entries* into the tail, or among the delayed: all or, when repeated, no more."""
        if due is None:
            self.ready.extend(_moving(entries))
            return
        first = self._put_offs
        self._put_offs += len(entries)
        numbered = zip(repeat(due), range(first, self._put_offs), _moving(entries))
        deque(map(heappush, repeat(self._delayed), numbered), maxlen=0)

    def take(self, hand: deque[Entry], limit: int) -> None:
        """Move the oldest ready messages into *hand*."""
        hand.extend(_moving(self.ready, limit))

    def put_back(self, hand: deque[Entry]) -> None:
        """Empty *hand* into the head, in its order."""
        self.ready.extendleft(_moving_back(hand))

    def pop(self, limit: int) -> list[bytes]:
        """Remove and return the oldest ready bodies."""
        hand: deque[Entry] = deque()
        self.take(hand, limit)
        return [entry.body for entry in hand]

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
        ready: deque[Entry] = deque()
        self.ready, self._delayed = ready, []
        return count

    def claim(self, token: str, *, now: float, lease: float, limit: int) -> list[Delivery]:
        """Make due things ready, then hide the oldest ready messages under a new claim."""
        while self._recover_claims(now, CLAIM_WINDOW):
            pass
        self._promote(now, DUE_WINDOW)
        count = min(limit, len(self.ready), MAX_CLAIM)
        if not count:
            return []
        claim = _Claim(token, now + lease, count)
        self._claims[token] = claim
        self._expires(now + lease, token)
        taken: Iterator[Entry] = _moving(self.ready, count)
        claim.places.extend(taken)
        deliveries: list[Delivery] = []
        for i, entry in enumerate(claim.places):
            assert entry is not None
            if not entry.key:
                entry.key = frame_id(entry.body) or claimed_id(token, i)
            receipt = Receipt(f"{token}.{i}")
            deliveries.append(Delivery(entry.body, receipt, entry.attempts + 1, entry.key))
        return deliveries

    def unclaim(self, token: str) -> int:
        """Undo a claim whose deliveries nobody got; return how many are at the head again."""
        return self._give_back(token, counted=False)

    def ack(self, receipts: Iterable[Receipt]) -> list[Receipt]:
        """Forget messages."""
        held = _Held(self._holds, self._claims)
        lost = [receipt for receipt in receipts if held.take(receipt) is None]
        whole(held.forget)
        return lost

    def release(
        self, receipts: Iterable[Receipt], *, counted: bool, now: float = 0.0, delay: float = 0.0
    ) -> list[Receipt]:
        """Give messages back: delayed, to the tail (counted) or to the head (uncounted)."""
        held = _Held(self._holds, self._claims)
        lost: list[Receipt] = []
        groups: list[deque[Entry]] = []
        for group in by_claim(receipts):
            kept = group if counted or delay else sorted(group, key=place_of)
            back: deque[Entry] = deque()
            for receipt in kept:
                entry = held.take(receipt)
                if entry is None:
                    lost.append(receipt)
                else:
                    back.append(entry)
            groups.append(back)
        attempts = [(entry, entry.attempts + counted) for back in groups for entry in back]

        def steps() -> None:
            for entry, count in attempts:
                entry.attempts = count
            for back in groups if counted or delay else reversed(groups):
                if counted or delay:
                    self.put(back, now + delay if delay else None)
                else:
                    self.put_back(back)
            held.forget()

        whole(steps)
        return lost

    def move(self, letters: Iterable[tuple[Receipt, bytes]], to: Lanes) -> list[Receipt]:
        """Store the new bodies in *to* for the messages that are held, and forget those."""
        held = _Held(self._holds, self._claims)
        lost: list[Receipt] = []
        new: deque[Entry] = deque()
        for receipt, body in letters:
            if held.take(receipt) is None:
                lost.append(receipt)
            else:
                new.append(Entry(body))

        def steps() -> None:
            to.put(new)
            held.forget()

        whole(steps)
        return lost

    def extend(self, receipts: Iterable[Receipt], *, now: float, lease: float) -> list[Receipt]:
        """Move deadlines of claims, never to an earlier time."""
        given = list(receipts)
        claims = [self._holds(receipt) for receipt in given]

        def steps() -> None:
            for claim in claims:
                if claim is not None and claim.deadline < now + lease:
                    self._expires(now + lease, claim.token)
                    claim.deadline = now + lease

        whole(steps)
        return [receipt for receipt, claim in zip(given, claims, strict=True) if claim is None]

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
        window: list[tuple[float, str]] = []

        def steps() -> None:
            while len(window) < limit:
                self._drop_stale()
                if not self._deadlines or self._deadlines[0][0] > now:
                    break
                window.extend(map(heappop, (self._deadlines,)))
            for _, token in reversed(window):  # the latest first, so the oldest ends in front
                self._give_back(token, counted=True)

        whole(steps)
        return len(window)

    def _give_back(self, token: str, *, counted: bool) -> int:
        """Put what is left of a claim at the head, and return how many; 0 if it has ended."""
        claim = self._claims.get(token)
        if claim is None:
            return 0
        back = deque(filter(None, claim.places))
        attempts = [(entry, entry.attempts + counted) for entry in back]

        def steps() -> None:
            for entry, count in attempts:
                entry.attempts = count
            self.put_back(back)
            self._claims.pop(token, None)

        whole(steps)
        return len(attempts)

    def _promote(self, now: float, limit: int) -> int:
        count = 0
        while count < limit and self._delayed and self._delayed[0][0] <= now:
            self.ready.extend(map(_ENTRY, map(heappop, (self._delayed,))))
            count += 1
        return count

    def _expires(self, deadline: float, token: str) -> None:
        heappush(self._deadlines, (deadline, token))
        if len(self._deadlines) > 2 * len(self._claims) + 64:  # acked claims leave stale entries
            deadlines = [(claim.deadline, claim.token) for claim in self._claims.values()]
            heapify(deadlines)
            self._deadlines = deadlines

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


class _Held:
    """What a batch of receipts names and still holds, each once; it is held until ``forget``."""

    def __init__(
        self, holds: Callable[[Receipt], _Claim | None], claims: dict[str, _Claim]
    ) -> None:
        self._holds = holds
        self._claims = claims
        self._places: dict[str, tuple[_Claim, int, set[int]]] = {}

    def take(self, receipt: Receipt) -> Entry | None:
        """Note a receipt and return its message; None if it is not held, or was noted before."""
        claim = self._holds(receipt)
        if claim is None:
            return None
        place = place_of(receipt)
        _, _, places = self._places.setdefault(claim.token, (claim, claim.live, set()))
        if place in places:
            return None
        places.add(place)
        return claim.places[place]

    def forget(self) -> None:
        """Settle what was noted; once more does nothing more."""
        for claim, live, places in self._places.values():
            for place in places:
                claim.places[place] = None
            claim.live = live - len(places)
            if not claim.live:
                self._claims.pop(claim.token, None)


def _moving(line: deque[_T], limit: int | None = None) -> Iterator[_T]:
    """Return what empties *line* from its front into the one call that it is given to."""
    count = len(line) if limit is None else min(limit, len(line))
    return starmap(line.popleft, repeat((), count))


def _moving_back(line: deque[_T]) -> Iterator[_T]:
    """Return what empties *line* from its end."""
    return starmap(line.pop, repeat((), len(line)))


def whole(steps: Callable[[], None]) -> None:
    """Run *steps*, and once more where an interruption cut them short; each may be done twice."""
    try:
        steps()
    except BaseException:
        steps()
        raise
