# unasync: source
"""What a loop does while its store cannot be reached: it waits, and goes on by itself."""

from __future__ import annotations

import logging
import random
import time
from typing import Final

from ._acompat import asleep
from ._deadline import Deadline
from ._policy import RetryPolicy
from .errors import TransportUnavailable

_log = logging.getLogger("queuekit")

_PAUSES: Final = RetryPolicy(max_attempts=None, base=0.1, factor=2.0, cap=1.0, jitter=0.5)
"""Seconds between two looks. At most one: so long may a loop take to notice that it was stopped."""


class AsyncOutage:
    """The errors of one loop's store, from the first to the first success."""

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._errors = 0

    async def endure(self, error: TransportUnavailable, deadline: Deadline) -> None:
        """Wait a little, longer each time; raise *error* when no time is left for that."""
        if not deadline.left(time.monotonic()):
            raise error
        self._errors += 1
        if self._errors == 1:
            _log.warning(
                "queue %r: the store is out of reach, trying again: %s", self._queue, error
            )
        pause = _PAUSES.delay(self._errors, random.random())
        await asleep(deadline.slice(time.monotonic(), pause))

    def over(self) -> None:
        """Take note that the store answered."""
        if self._errors:
            _log.warning("queue %r: the store answers again", self._queue)
            self._errors = 0
