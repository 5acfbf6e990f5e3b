"""What waits to be claimed: ready or delayed messages. Pure; ``now`` is an argument."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from heapq import heappop, heappush
from itertools import islice, repeat, starmap
from operator import itemgetter
from typing import Any, Final

from ._places import Places, Seated, seated
from ._returned import Message, bodies_of
from ._whole import moving

_MESSAGE: Final = itemgetter(2)


class Waiting:
    """The ready and the delayed messages of one queue."""

    __slots__ = ("_delayed", "_places", "_put_offs", "next", "plain", "ready")

    def __init__(self) -> None:
        self.plain = True
        """Whether threads may push, pop, claim and ack without the lock."""
        self.ready: deque[Message] = deque()
        self.next: Iterator[Any] = iter(self.ready.popleft, object())
        """Takes the oldest ready message by each step; IndexError says that there is none."""
        self._places: Places | None = None
        self._delayed: list[tuple[float, int, Message]] = []  # a heap
        self._put_offs = 0

    def push(
        self,
        bodies: Iterable[bytes],
        *,
        now: float = 0.0,
        delay: float = 0.0,
        placed: bool = False,
    ) -> None:
        """Append to the tail, or make ready in *delay* seconds; *placed* ones where they belong."""
        messages = self.seat(bodies) if placed else deque(bodies)
        self.put(messages, now + delay if delay else None)

    def seat(self, bodies: Iterable[bytes]) -> deque[Any]:
        """Return messages for ``put``, which keeps the places in their frames from now on."""
        messages = deque(map(seated, bodies))
        if self._places is None and any(isinstance(one, Seated) for one in messages):
            self.plain = False
            self._places = Places()
        return messages

    @property
    def places(self) -> Places | None:
        """Levels and groups, with everything that is ready; None if there never were any."""
        if self._places is not None and self.ready:  # another thread saw no places yet
            self._places.absorb(self.ready)
        return self._places

    @property
    def claimable(self) -> int:
        """How many messages can be claimed now."""
        places = self.places
        return len(self.ready) if places is None else places.claimable

    def put(self, messages: deque[Any], due: float | None = None) -> None:
        """Empty *messages* into the tail, or among the delayed: all or, when repeated, no more."""
        if due is None:
            places = self.places
            if places is None:
                self.ready.extend(moving(messages))
            else:
                places.append(messages)
            return
        first = self._put_offs
        self._put_offs += len(messages)
        numbered = zip(repeat(due), range(first, self._put_offs), moving(messages))
        deque(map(heappush, repeat(self._delayed), numbered), maxlen=0)

    def take(self, hand: list[Message], limit: int) -> None:
        """Move the oldest ready messages into *hand*; the highest level first."""
        places = self.places
        if places is not None:
            places.pop(hand, limit)
        else:
            self.take_plain(hand, limit)

    def take_plain(self, hand: list[Message], limit: int) -> None:
        """Do it as if there were no places, whoever else does."""
        try:
            hand.extend(islice(self.next, min(limit, len(self.ready))))
        except IndexError:  # another thread was faster
            pass

    def put_back(self, hand: list[Message]) -> None:
        """Empty *hand* into the head, in its order."""
        places = self.places
        if places is not None:
            places.put_back(hand)
            return
        self.ready.extendleft(starmap(hand.pop, repeat((), len(hand))))

    def pop(self, limit: int) -> list[bytes]:
        """Remove and return the oldest ready bodies."""
        hand: list[Message] = []
        self.take(hand, limit)
        return bodies_of(hand)

    def peek(self, limit: int) -> list[bytes]:
        """Return the oldest ready bodies."""
        places = self.places
        return bodies_of(places.peek(limit) if places else list(islice(self.ready, limit)))

    def _promote(self, now: float, limit: int) -> int:
        count = 0
        while count < limit and self._delayed and self._delayed[0][0] <= now:
            places = self.places
            line = self.ready if places is None else places.line_of(self._delayed[0][2])
            line.extend(map(_MESSAGE, map(heappop, (self._delayed,))))
            count += 1
        return count
