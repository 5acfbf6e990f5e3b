"""What pops ask, what came of them, and what is kept of it. No I/O."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from . import _script
from ._claiming import wait_to_land
from ._claims import bodies_of
from ._wire import Argument, Command, Reply
from .keys import WAKE, Keys


class Popped:
    """What one call popped, wherever it stands while that call is under way."""

    __slots__ = ("kept", "lands", "replies", "waits")

    def __init__(self) -> None:
        self.lands = False
        """Whether the first reply is that of a wait which moved a body, and did not take it."""
        self.kept: list[bytes] = []
        """Bodies that had come for an earlier call."""
        self.replies: list[Reply] = []
        self.waits = False
        """Whether the first reply is that of a wait: the list's key before the body."""

    def bodies(self) -> list[bytes]:
        """Return the bodies as they are stored, oldest first."""
        found = self._found()
        if WAKE in found:
            found = [body for body in found if body != WAKE]
        return self.kept + found if self.kept else found

    def learns(self, keys: Keys) -> bool:
        """Tell whether it was found that the queue keeps places."""
        if WAKE not in self._found():
            return False
        keys.is_placed = True
        return True

    def _found(self) -> list[bytes]:
        replies, waits = self.replies, self.waits
        if len(replies) == 1 and not waits:
            return bodies_of(replies[0])
        found = [body for reply in replies[waits:] for body in bodies_of(reply)]
        if waits and replies and not self.lands:
            found = bodies_of(replies[0])[1:] + found
        return found


class Kept:
    """Bodies that were popped for a caller who is gone, for the next one; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bodies: dict[bytes, list[bytes]] = {}

    def put(self, queue: bytes, bodies: Sequence[bytes]) -> None:
        """Keep *bodies*, in front of those that are kept: what was popped last goes back first."""
        if bodies:
            with self._lock:
                self._bodies.setdefault(queue, [])[:0] = bodies

    def take(self, queue: bytes, limit: int, into: Popped) -> None:
        """Move the first kept bodies of a queue."""
        if not self._bodies:  # nearly always
            return
        with self._lock:
            bodies = self._bodies.get(queue)
            if bodies:
                into.kept = bodies[:limit]  # from here to the end nothing is called, and so
                del bodies[:limit]  # no signal handler can come in between

    def take_all(self) -> dict[bytes, list[bytes]]:
        """Remove and return everything, by queue."""
        with self._lock:
            bodies, self._bodies = self._bodies, {}
            return {queue: found for queue, found in bodies.items() if found}

    def forked(self) -> None:
        """Leave the bodies to the parent, whose they are."""
        self._lock = threading.Lock()
        self._bodies = {}


def pop(keys: Keys, limit: int) -> Command:
    """Return what takes what is there."""
    if keys.is_placed:
        return _script.PLACED_POP(keys.places, limit)
    return _script.POP((keys.landing, keys.ready), limit)


def peek(keys: Keys, limit: int) -> Command:
    """Return what looks at what is there."""
    if keys.is_placed:
        return _script.PLACED_PEEK(keys.places, limit)
    return _script.PEEK((keys.landing, keys.ready), limit)


def purge(keys: Keys) -> Command:
    """Return what removes what is ready or delayed."""
    if keys.is_placed:
        return _script.PLACED_PURGE(keys.places)
    return _script.PURGE((keys.ready, keys.landing, keys.delayed))


def pop_waiting(keys: Keys, limit: int, seconds: float) -> list[Command]:
    """Return what waits for one body, then takes what is there."""
    if keys.is_placed:
        return [wait_to_land(keys, timeout(seconds)), pop(keys, limit)]
    wait: Command = (b"BLPOP", keys.landing, keys.ready, timeout(seconds))
    return [wait, pop(keys, limit - 1)] if limit > 1 else [wait]


def timeout(seconds: float) -> Argument:
    """Return a timeout as the server reads it; below a millisecond it would mean for ever."""
    return f"{max(seconds, 0.01):.3f}"


def milliseconds(seconds: float) -> int:
    """Return whole milliseconds, 0 only for 0."""
    return -int(-seconds * 1000 // 1)
