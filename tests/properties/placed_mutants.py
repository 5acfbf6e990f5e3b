"""Wrong stores: the memory transport with one rule of levels, groups, keys or bounds off."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, ClassVar

from queuekit._lanes import Lanes
from queuekit._marks import Marks
from queuekit._places import HIGHEST, Places, Seat, Seated
from queuekit._returned import Message, Returned
from queuekit._whole import moving
from queuekit.transport import Receipt

from .mutants import Base


class PlacedBase(Base):
    """Every fault of its ``Wrong`` places and keys."""

    WrongPlaces: ClassVar[type[Places]] = Places
    WrongMarks: ClassVar[type[Marks]] = Marks

    def __init__(self) -> None:
        super().__init__()
        self.marks = self.WrongMarks()

    def seat(self, bodies: Iterable[bytes]) -> deque[Any]:
        had_places = self._places is not None
        found = super().seat(bodies)
        if self._places is not None and not had_places:
            self._places = self.WrongPlaces()
        return found


class LevelsIgnored(PlacedBase):
    class WrongPlaces(Places):
        def line_of(self, message: Message) -> deque[Message]:
            line = super().line_of(message)
            levels = [id(level) for level in self._levels]
            return self._levels[HIGHEST] if id(line) in levels else line


class LowestFirst(PlacedBase):
    class WrongPlaces(Places):
        def coming(self) -> Iterator[Message]:
            return chain.from_iterable([moving(level) for level in reversed(self._levels)])


class PeekByAge(PlacedBase):
    """A peek shows the usual level first."""

    class WrongPlaces(Places):
        def peek(self, limit: int) -> list[Message]:
            usual = self._levels[HIGHEST]
            others = [one for one in super().peek(1000) if all(one is not each for each in usual)]
            return [*usual, *others][:limit]


class LevelLostByExpiry(PlacedBase):
    """What comes back to the head comes back to that of the usual level."""

    class WrongPlaces(Places):
        def prepend(self, messages: deque[Message]) -> None:
            self._levels[HIGHEST].extendleft(reversed(messages))
            messages.clear()


class GroupsIgnored(PlacedBase):
    class WrongPlaces(Places):
        def line_of(self, message: Message) -> deque[Message]:
            level = message.seat.level if isinstance(message, Seated) else 0
            return self._levels[HIGHEST - level]


class NobodyFollows(PlacedBase):
    class WrongPlaces(Places):
        def let_follow(self, gone: Iterable[Message | None]) -> None:
            pass


class FollowsToTheHead(PlacedBase):
    class WrongPlaces(Places):
        def _follow(self, seat: Seat) -> None:
            before = [len(level) for level in self._levels]
            super()._follow(seat)
            for level, length in zip(self._levels, before, strict=True):
                if len(level) > length:
                    level.rotate(1)


class FollowsBackwards(PlacedBase):
    """The newest of those who wait follows."""

    class WrongPlaces(Places):
        def _follow(self, seat: Seat) -> None:
            line = self._groups.get(seat.group)
            if line is not None and len(line) > 2:
                line.insert(1, line.pop())
            super()._follow(seat)


class FollowsAfterAFailure(PlacedBase):
    """A group does not wait for the next try of its first message."""

    def release(
        self, receipts: Iterable[Receipt], *, counted: bool, now: float = 0.0, delay: float = 0.0
    ) -> list[Receipt]:
        given = list(receipts)
        going = [self.held.get(receipt) for receipt in given]
        lost = super().release(given, counted=counted, now=now, delay=delay)
        if delay and self.places is not None:
            self.places.let_follow(going)
        return lost


class FailedGoesBehindItsGroup(PlacedBase):
    def put(self, messages: deque[Any], due: float | None = None) -> None:
        if due is None and self.places is not None:
            self.places.let_follow(one for one in messages if isinstance(one, Returned))
        super().put(messages, due)


class DelayedHoldsItsGroup(PlacedBase):
    """A message blocks its group before it is due."""

    def put(self, messages: deque[Any], due: float | None = None) -> None:
        if due is not None and self.places is not None:
            for one in messages:
                self.places.line_of(one)
        super().put(messages, due)


class RejectHoldsItsGroup(PlacedBase):
    """Only an ack lets a group go on."""

    def move(self, letters: Iterable[tuple[Receipt, bytes]], to: Lanes) -> list[Receipt]:
        places, self._places = self.places, None
        try:
            return super().move(letters, to)
        finally:
            self._places = places or self._places


class SentBackWithoutItsPlace(PlacedBase):
    def move(self, letters: Iterable[tuple[Receipt, bytes]], to: Lanes) -> list[Receipt]:
        to.seat = lambda bodies: deque(bodies)
        try:
            return super().move(letters, to)
        finally:
            del to.seat


class WhoWaitsIsNotCounted(PlacedBase):
    """Neither in the statistics nor by the bound."""

    class WrongPlaces(Places):
        @property
        def waiting(self) -> int:
            return 0


class PurgeLeavesWhoWaits(PlacedBase):
    class WrongPlaces(Places):
        def purge(self, held: Iterable[Message]) -> None:
            groups = self._groups
            super().purge(held)
            self._groups = groups


class PurgeFreesGroupsInFlight(PlacedBase):
    class WrongPlaces(Places):
        def purge(self, held: Iterable[Message]) -> None:
            super().purge([])


class BoundOfOneMore(PlacedBase):
    def has_room(self, count: int, max_length: int) -> bool:
        return super().has_room(count, max_length + 1)


class BoundCountsClaims(PlacedBase):
    def has_room(self, count: int, max_length: int) -> bool:
        return super().has_room(count + len(self.held), max_length)


class BoundForgetsDelayed(PlacedBase):
    def has_room(self, count: int, max_length: int) -> bool:
        return super().has_room(count - len(self._delayed), max_length)


class BoundOfTheFirst(PlacedBase):
    """A batch is stored if its first message has room."""

    def has_room(self, count: int, max_length: int) -> bool:
        return super().has_room(1, max_length)


class WindowOfTheLastPush(PlacedBase):
    """Every look at a key renews its window."""

    class WrongMarks(Marks):
        def get(self, key: str, now: float) -> str | None:
            value = super().get(key, now)
            if value is not None:
                self.set(key, value, now=now, window=4.5)
            return value


class KeyForEver(PlacedBase):
    class WrongMarks(Marks):
        def get(self, key: str, now: float) -> str | None:
            return super().get(key, 0.0)


class KeyOfTheLastPush(PlacedBase):
    """A known key names the wrong push."""

    class WrongMarks(Marks):
        def get(self, key: str, now: float) -> str | None:
            return super().get(key, now) and "another"


class PurgeForgetsKeys(PlacedBase):
    def purge(self) -> int:
        self.marks = Marks()
        return super().purge()


PLACED_MUTANTS: list[type[PlacedBase]] = [
    one for one in list(globals().values()) if isinstance(one, type) and PlacedBase in one.__bases__
]
