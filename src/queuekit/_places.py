"""
Ready messages that have a level or a group in their frames, and who waits in a group. Pure.

A line of a group begins with its *first*: the message that is ready, claimed or waits for its next
try. The others of the group stand behind it there, and nowhere else. Which one is the first says
its seat, which stays the same while the message is claimed and comes back as another object.

All this runs under the store's lock. Every step may be repeated by ``whole``: it moves a message in
one call into C, or looks whether it has been done.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import chain, islice, starmap
from typing import Final

from ._envelope import HEAD, MAGIC, PLACED, FrameError, frame_place
from ._returned import Message, Returned
from ._whole import moving, whole

HIGHEST: Final = 3
_ONE: Final = ((),)
"""Arguments for one call."""


class Seat:
    """Where one message stands, as long as it lives."""

    __slots__ = ("group", "level")

    def __init__(self, level: int, group: str) -> None:
        self.level = level
        self.group = group


class Seated(Returned):
    """A message with a seat."""

    __slots__ = ("seat",)

    def __init__(self, body: bytes, attempts: int, key: str, seat: Seat) -> None:
        super().__init__(body, attempts, key)
        self.seat = seat

    def again(self, counted: bool) -> Seated:
        """Return what goes back for it."""
        return Seated(self.body, self.attempts + counted, self.key, self.seat)


def seated(body: bytes) -> Message:
    """Give a seat to a body whose frame carries a place; others stand as they are."""
    if body[:2] != MAGIC or len(body) < HEAD or not body[2] & PLACED:
        return body
    try:
        level, group = frame_place(body)
    except FrameError:  # no place that anybody wrote
        return body
    return Seated(body, body[3], body[4:HEAD].hex(), Seat(max(level, -HIGHEST), group))


class Places:
    """The levels of a queue, and the lines of its groups."""

    __slots__ = ("_groups", "_levels")

    def __init__(self) -> None:
        self._levels: list[deque[Message]] = [deque() for _ in range(2 * HIGHEST + 1)]
        self._groups: dict[str, deque[Message]] = {}

    def absorb(self, ready: deque[Message]) -> None:
        """Take over what was pushed without looking here: it is of the usual level."""
        with suppress(IndexError):  # another thread was faster
            self._levels[HIGHEST].extend(moving(ready))

    @property
    def claimable(self) -> int:
        """How many can be claimed now."""
        return sum(map(len, self._levels))

    @property
    def waiting(self) -> int:
        """How many wait for others of their groups."""
        return sum(map(len, self._groups.values())) - len(self._groups)

    def coming(self) -> Iterator[Message]:
        """Return what takes out messages, the next one first, within one call."""
        return chain.from_iterable([moving(level) for level in self._levels])

    def peek(self, limit: int) -> list[Message]:
        """Return the next ones that can be claimed."""
        return list(islice(chain.from_iterable(self._levels), limit))

    def line_of(self, message: Message) -> deque[Message]:
        """Return where a message belongs: in its level, or behind the others of its group."""
        if not isinstance(message, Seated):
            return self._levels[HIGHEST]
        seat = message.seat
        if seat.group:
            line = self._groups.get(seat.group)
            if line is None:
                self._groups[seat.group] = deque((message,))  # and now it is the first
            elif _seat(line[0]) is not seat:
                return line
        return self._levels[HIGHEST - seat.level]

    def append(self, messages: deque[Message]) -> None:
        """Empty *messages* into the tails of their lines."""
        while messages:
            self.line_of(messages[0]).extend(starmap(messages.popleft, _ONE))

    def prepend(self, messages: deque[Message]) -> None:
        """Empty *messages*, all of them the first of their groups, into the heads of levels."""
        while messages:
            self.line_of(messages[-1]).extendleft(starmap(messages.pop, _ONE))

    def pop(self, hand: list[Message], limit: int) -> None:
        """Move the next ones into *hand*, and let others of their groups follow."""
        start = len(hand)
        hand.extend(islice(self.coming(), limit))
        whole(lambda: self.let_follow(hand[start:]))

    def put_back(self, hand: list[Message]) -> None:
        """Empty the hand of a pop into the heads; whose group went on stands next in it."""
        while hand:
            line, seat = self.line_of(hand[-1]), _seat(hand[-1])
            if seat is None or line is not self._groups.get(seat.group):
                line.extendleft(starmap(hand.pop, _ONE))
            else:
                if len(line) < 2 or line[1] is not hand[-1]:
                    line.insert(1, hand[-1])
                del hand[-1]

    def let_follow(self, gone: Iterable[Message | None]) -> None:
        """Make ready who comes behind each of *gone*, at the tails of their levels."""
        for message in gone:
            if isinstance(message, Seated) and message.seat.group:
                self._follow(message.seat)

    def purge(self, held: Iterable[Message]) -> None:
        """Forget all that is here; groups go on whose first is among those *held*."""
        stay = {id(_seat(message)) for message in held}
        lines = self._groups.items()
        self._groups = {one: deque((line[0],)) for one, line in lines if id(_seat(line[0])) in stay}
        for level in self._levels:
            level.clear()

    def _follow(self, seat: Seat) -> None:
        line = self._groups.get(seat.group)
        if line is None or _seat(line[0]) is not seat:
            return  # it has been done
        if len(line) == 1:
            self._groups.pop(seat.group, None)
            return
        following = line[1]
        level = self._levels[HIGHEST - (_seat(following) or seat).level]
        if not level or level[-1] is not following:
            level.append(following)
        line.popleft()


def _seat(message: Message) -> Seat | None:
    return message.seat if isinstance(message, Seated) else None
