# Generated from _bounds_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""The length that a queue has at most, and what its producers do when it has it."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Final, Literal, TypeAlias

from ._acompat import Call, sleep
from ._checks import check_count, check_seconds
from ._deadline import Deadline
from .errors import ConfigurationError, QueueFull, Unsupported
from .transport import FifoTransport, PushOptions, Transport

WhenFull: TypeAlias = Literal["block", "raise", "drop"]

_FIRST_PAUSE: Final = 0.005
_LONGEST_PAUSE: Final = 0.05
"""Seconds between the tries of a put that waits for room; each at random, so that they spread."""


class Bound:
    """
    Pushes that keep a queue within its bound; the store decides, in the step of the push.

    Args:
        name: The queue.
        max_length: Messages; those that consumers hold are not counted.
        when_full: What a push does then.
        drop: Removes up to so many messages, those next in line, and returns how many.
    """

    def __init__(
        self, name: str, max_length: int, when_full: WhenFull | None, drop: Call[int, int]
    ) -> None:
        self._name = name
        self.max_length = check_count("max_length", max_length)
        self.when_full = when_full or "block"
        if self.when_full not in ("block", "raise", "drop"):
            raise ConfigurationError(f'when_full= is "block", "raise" or "drop", not {when_full!r}')
        self._drop = drop

    def check_size(self, count: int) -> None:
        """Refuse a batch that will never fit."""
        if count > self.max_length:
            raise ConfigurationError(
                f"a batch of {count} messages never fits into {self._name!r}, which has at most"
                f" {self.max_length}: put fewer at a time"
            )

    def push(
        self,
        opened: Callable[[], Transport],
        bodies: Sequence[bytes],
        options: PushOptions,
        token: str,
        timeout: float | None = None,
    ) -> str | None:
        """
        Push as the transport does, when there is room.

        Every try has the same token: whatever interrupted one, the bodies are stored once at most.
        """
        self.check_size(len(bodies))
        deadline = Deadline(timeout, time.monotonic())
        pause, missed = _FIRST_PAUSE, 0
        while True:
            transport = opened()  # closed by another thread meanwhile, it says so
            try:
                return transport.push(self._name, bodies, options=options, token=token)
            except QueueFull as exc:
                if exc.max_length is None or self.when_full == "raise":  # or the store is full
                    raise
                full = exc
            if self.when_full == "drop":
                dropped = self._drop(self._too_many(transport, len(bodies)))
                missed = 0 if dropped else missed + 1
                if missed < 2:
                    continue
                raise full  # what is here is delayed, or waits in groups: nothing is next in line
            left = deadline.left(time.monotonic())
            if not left:
                raise full
            sleep(min(left, pause * random.uniform(0.5, 1.0)))
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _too_many(self, transport: Transport, count: int) -> int:
        """Return how many messages have to go for *count* new ones, 1 at least."""
        if count == 1:
            return 1
        now = transport.stats(self._name)
        return max(1, min(count, now.ready + now.delayed + count - self.max_length))


def check_patience(bound: Bound | None, timeout: float) -> float:
    """Return the seconds that a put waits for room; refuse them where it never waits."""
    if bound is None or bound.when_full != "block":
        raise ConfigurationError(
            "timeout= is for a queue that blocks when it is full: build it with max_length= and"
            ' when_full="block"'
        )
    return check_seconds("timeout", timeout)


def bound_of(
    name: str,
    transport: FifoTransport,
    max_length: int | None,
    when_full: WhenFull | None,
    drop: Call[int, int],
) -> Bound | None:
    """Return the bound of a queue, None if it has none; refuse it where the store keeps none."""
    if max_length is None:
        if when_full is not None:
            raise ConfigurationError("when_full= says nothing without max_length=")
        return None
    made = Bound(name, max_length, when_full, drop)
    if not isinstance(transport, Transport) or not transport.features.bounds:
        raise Unsupported(
            "this transport keeps no bound on the length of a queue: memory:, sqlite: and redis: do"
        )
    return made
