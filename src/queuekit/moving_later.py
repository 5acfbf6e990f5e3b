"""
Moving delayed messages to another store, with what is left of their delays.

They are not claimed, since a claim that runs out makes them ready. They go through one queue in
the source's store, ``<queue>!later``, still delayed, under numbers of the run; see ``Move`` for
the steps, of which these differ:

1. They move, one step, to ``<queue>!later``. Then the turn is renewed.
2. Copies are pushed with the delays that are left, so that the target's clock counts them down.
3. They move, one step, from there to the records of the run.
4. Copies with a record move to the target, with their due times; the others are forgotten.

Who has the turn first gives back what is in ``<queue>!later``, so a mover that stood still finds
its numbers there no more: what it decides, it decides about nothing.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from typing import Final, Protocol, runtime_checkable

from ._carried import carried
from ._envelope import frame_id, unwrap, wrap
from .abilities import Delaying
from .errors import BodyTooLarge, QueueFull, QueueKitError, Unsupported
from .moving_turn import Run, Turn, TurnLost
from .transport import MAX_CLAIM, Delivery, PushOptions, Transport

_SOON: Final = 0.001
"""Seconds: a copy that is due meanwhile is delayed all the same, or it would be a ready one."""

_TOGETHER: Final = 0.001
"""Seconds: what one call has delayed is due at nearly the same time, and is pushed in one call."""


@runtime_checkable
class DelayingTransport(Transport, Delaying, Protocol):
    """A store whose delayed messages can be moved."""


def give_back(store: Delaying, run: Run) -> None:
    """Put what is on its way at the source back to the delayed messages of the queue."""
    while found := store.peek_delayed(run.later, limit=MAX_CLAIM):
        letters = [(one.receipt, unwrap(one.body).body) for one, _ in found]
        store.move_delayed(run.later, letters, to=run.queue)


class Later:
    """
    The delayed messages of a queue and their copies.

    Args:
        source: The store that they are in.
        target: The store that they go to.
        turn: Held by the caller at every call.
        next_id: Numbers them.
    """

    def __init__(
        self,
        source: DelayingTransport,
        target: DelayingTransport,
        turn: Turn,
        next_id: Callable[[], bytes],
    ) -> None:
        self._source = source
        self._target = target
        self._turn = turn
        self._run = turn.run
        self._next_id = next_id

    def step(self, limit: int) -> tuple[int, int]:
        """Move up to *limit* messages; return how many were found, and how many moved."""
        run = self._run
        found = self._source.peek_delayed(run.queue, limit=limit)
        if not found:
            return 0, 0
        ids = [self._next_id() for _ in found]
        letters = [
            (one.receipt, wrap(each, carried(one, new_id=lambda: os.urandom(16))))
            for each, (one, _) in zip(ids, found, strict=True)
        ]
        self._source.move_delayed(run.queue, letters, to=run.later)
        try:
            self._turn.keep()
        except TurnLost:
            give_back(self._source, run)  # who has the turn does not know of these
            raise
        own = {each.hex() for each in ids}
        going = [each for each in _all(self._source, run.later) if frame_id(each[0].body) in own]
        looked = time.monotonic()  # not before: rather late than early
        try:
            for together, left in _by_due(going):
                delay = max(_SOON, left - (time.monotonic() - looked))
                self._target.push(
                    run.later_copies,
                    [one.body for one in together],
                    options=PushOptions(delay=delay),
                    token=frame_id(together[0].body),
                )
        except (BodyTooLarge, QueueFull, Unsupported):
            give_back(self._source, run)
            self._turn.give_up()
            raise
        records = [(one.receipt, _number_of(one)) for one, _ in going]
        self._source.move_delayed(run.later, records, to=run.later_records)
        return len(found), self.settle(run)

    def settle(self, run: Run) -> int:
        """Move the copies with a record, forget the others, then the records."""
        decided = {frame_id(one.body) for one, _ in _all(self._source, run.later_records)}
        copies = [one for one, _ in _all(self._target, run.later_copies)]
        letters = [
            (one.receipt, unwrap(one.body).body) for one in copies if frame_id(one.body) in decided
        ]
        if letters and self._target.move_delayed(run.later_copies, letters, to=run.to):
            raise QueueKitError(
                f"another process has moved delayed messages to {run.to!r} meanwhile; nothing is"
                " lost, run it again"
            )
        if copies:
            self._target.purge(run.later_copies)
        if decided:
            self._source.purge(run.later_records)
        return len(letters)


def _all(store: Delaying, queue: str) -> list[tuple[Delivery, float]]:
    """Return all delayed messages of a queue that only movers use."""
    limit = MAX_CLAIM
    while len(found := store.peek_delayed(queue, limit=limit)) == limit:
        limit *= 2
    return found


def _by_due(found: list[tuple[Delivery, float]]) -> Iterator[tuple[list[Delivery], float]]:
    """Yield the messages that are due together, and the seconds left of the first."""
    together: list[Delivery] = []
    first = 0.0
    for one, left in found:
        if together and left - first >= _TOGETHER:
            yield together, first
            together = []
        if not together:
            first = left
        together.append(one)
    if together:
        yield together, first


def _number_of(delivery: Delivery) -> bytes:
    number = frame_id(delivery.body)
    assert number is not None
    return wrap(bytes.fromhex(number), b"")
