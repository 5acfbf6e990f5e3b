"""What pops ask, what came of them, and what is kept of it. No I/O."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from . import _script
from ._claims import bodies_of
from ._wire import Argument, Command, Reply
from .keys import Keys


class Kept:
    """Bodies that were popped for a caller who is gone, for the next one; thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._bodies: dict[bytes, list[bytes]] = {}

    def put(self, queue: bytes, bodies: Sequence[bytes]) -> None:
        """Keep *bodies* behind those that are kept."""
        if bodies:
            with self._lock:
                self._bodies.setdefault(queue, []).extend(bodies)

    def take(self, queue: bytes, limit: int) -> list[bytes]:
        """Remove and return the first kept bodies of a queue."""
        if not self._bodies:  # nearly always
            return []
        with self._lock:
            bodies = self._bodies.pop(queue, [])
            if len(bodies) > limit:
                self._bodies[queue] = bodies[limit:]
            return bodies[:limit]

    def take_all(self) -> dict[bytes, list[bytes]]:
        """Remove and return everything, by queue."""
        with self._lock:
            bodies, self._bodies = self._bodies, {}
            return bodies

    def forked(self) -> None:
        """Leave the bodies to the parent, whose they are."""
        self._lock = threading.Lock()
        self._bodies = {}


def pop(keys: Keys, limit: int) -> Command:
    """Return what takes what is there."""
    return _script.POP((keys.landing, keys.ready), limit)


def pop_waiting(keys: Keys, limit: int, seconds: float) -> list[Command]:
    """Return what waits for one body, then takes what is there."""
    wait: Command = (b"BLPOP", keys.landing, keys.ready, timeout(seconds))
    return [wait, pop(keys, limit - 1)] if limit > 1 else [wait]


def popped(replies: Sequence[Reply], *, waits: bool) -> list[bytes]:
    """Return the bodies of one exchange; what waited answers with the list's key before it."""
    bodies = [body for reply in replies[waits:] for body in bodies_of(reply)]
    return bodies_of(replies[0])[1:] + bodies if waits and replies else bodies


def timeout(seconds: float) -> Argument:
    """Return a timeout as the server reads it; below a millisecond it would mean for ever."""
    return f"{max(seconds, 0.01):.3f}"


def milliseconds(seconds: float) -> int:
    """Return whole milliseconds, 0 only for 0."""
    return -int(-seconds * 1000 // 1)
