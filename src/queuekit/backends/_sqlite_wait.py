"""Who waits for messages in this process: woken by its threads at once."""

from __future__ import annotations

import threading
from collections import deque


class Waiter:
    """One waiting thread."""

    __slots__ = ("_lock",)

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def wake(self) -> None:
        """End the wait, or the next one; only who took the waiter out of its line may do it."""
        self._lock.release()

    def wait(self, seconds: float) -> bool:
        """Wait, and tell whether somebody ended it."""
        return self._lock.acquire(timeout=max(seconds, 0.0))


class Lines:
    """The waiters of each queue, in the order in which they came."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Waiter]] = {}

    def enter(self, queue: str, waiter: Waiter) -> None:
        """Stand in line; look for messages after this, not before."""
        with self._lock:
            self._waiting.setdefault(queue, deque()).append(waiter)

    def leave(self, queue: str, waiter: Waiter, *, satisfied: bool) -> None:
        """Step out; who had been woken and takes nothing wakes the next one."""
        with self._lock:
            line = self._waiting.get(queue)
            if line and waiter in line:
                line.remove(waiter)
            elif line and not satisfied:
                line.popleft().wake()
            if not line:
                self._waiting.pop(queue, None)

    def length(self, queue: str) -> int:
        """Return how many stand in line."""
        return len(self._waiting.get(queue, ()))

    def wake(self, queue: str, messages: int) -> None:
        """Wake as many as there are messages."""
        if queue in self._waiting:
            with self._lock:
                line = self._waiting.get(queue)
                while line and messages > 0:
                    line.popleft().wake()
                    messages -= 1

    def wake_all(self) -> None:
        """Wake everybody: the store was closed."""
        for queue in list(self._waiting):
            self.wake(queue, self.length(queue))
