"""
Moving messages from a queue to another one, in whatever stores, past every kill.

No step can be common to two stores, so a batch goes in four, each whole by itself:

1. It is claimed at the source, and *then* the turn is renewed (see ``Turn``) for longer than that.
2. Copies are pushed to a queue in the target's store that belongs to this run alone. Each copy has
   a number, and no consumer sees it.
3. The source moves the messages, one step each, to the records of the run: only their numbers.
   This decides. It is fenced: a message whose claim is over stays where it is, without a record.
4. Copies with a record move to the target, the others are forgotten; then the records.

What holds before and after every step, and so wherever the mover is killed:

* A message is in the source, or it has a record, or it is in the target.
* A record has its copy, until that copy is in the target: pushes are answered before step 3, and
  copies leave only by step 4, which moves what has a record.
* A copy without a record counts for nothing, also one that arrives late.

The next mover finishes such a run before it begins its own: it has the turn, which outlasts every
claim that could still decide, it recovers the source, so that those claims are over, and it waits
until it holds all records and all copies. So what it reads is final, and step 4 can be done again:
what is not among the copies any more is in the target.

A store that is not ``fenced`` promises this against kills, not against a process that stands still
for longer than a lease and then goes on. Where ``move`` is not atomic (a cluster), a kill within
it may leave a message twice.
"""

from __future__ import annotations

from collections.abc import Generator

from ._carried import carried
from ._checks import check_count, check_name, check_seconds
from ._envelope import frame_id, unwrap, wrap
from .errors import BodyTooLarge, ConfigurationError, QueueFull, QueueKitError, Unsupported
from .moving_later import DelayingTransport, Later, give_back
from .moving_turn import Run, Turn, TurnLost, receipts_of, rest, take_all
from .transport import MAX_CLAIM, Transport

__all__ = ["Move", "TurnLost", "leftovers"]


class Move:
    """
    Move the messages of a queue to another one, in order.

    Kept are bodies, ids, headers, attempts, priorities and groups, and of a delay what is left
    where both stores are ``Delaying``; elsewhere, and with a place, delayed messages are moved
    when they are due. Messages that consumers hold are moved when they come back. A body without a
    frame stays without one, unless it has attempts or an id to carry. A kill counts an attempt for
    the batch that was under way, as the death of any consumer does.

    Args:
        source: Where the messages are.
        queue: The queue's name there.
        target: Where they go; may be the same store.
        to: The queue's name there.
        batch: Messages of one step, 1 to 1000; they are in memory.
        lease: Seconds for one batch; a mover that was killed is waited for twice as long.

    Raises:
        ConfigurationError: A bad name or number, or the same queue of the same transport.
    """

    def __init__(
        self,
        source: Transport,
        queue: str,
        target: Transport,
        to: str,
        *,
        batch: int = 500,
        lease: float = 10.0,
    ) -> None:
        if check_name(queue) == check_name(to) and source is target:
            raise ConfigurationError(f"{queue!r} cannot be moved to itself")
        if check_count("batch", batch) > MAX_CLAIM:
            raise ConfigurationError(f"a batch has at most {MAX_CLAIM} messages, not {batch}")
        seconds = check_seconds("lease", lease, positive=True)
        for store in (source, target):
            if store.features.max_lease is not None:
                seconds = min(seconds, store.features.max_lease / 2)
        self._source = source
        self._queue = queue
        self._target = target
        self._batch = batch
        self._lease = seconds
        self._turn = Turn(source, queue, to, 2 * seconds)
        self._run = self._turn.run
        self._number = 0
        self._later: Later | None = None
        if isinstance(source, DelayingTransport) and isinstance(target, DelayingTransport):
            self._later = Later(source, target, self._turn, self._next_id)

    def batches(
        self, limit: int | None = None, *, wait: bool = False
    ) -> Generator[int, None, None]:
        """
        Move until the queue is empty, and yield after each batch how many messages it moved.

        The first number is what a run that was cut short had left; while it waits, it yields 0.
        Stop between any two of them, with ``close``; an iterator serves once.

        Args:
            limit: Messages to move, those of a run that was cut short not counted.
            wait: Also wait for messages that are delayed or held.

        Raises:
            BodyTooLarge: A message, with 40 bytes of frames, is over the target's limit; the
                messages before it may be moved, it stays.
            QueueFull: The target has no room; what is not moved stays.
            TransportUnavailable: A store cannot be reached; run it again.
            TurnLost: This process stood still for longer than the lease; run it again.
            QueueKitError: Another process moves this queue, or one was cut short that moved it to
                another store.
        """
        left = limit
        moved = self._begin()
        try:
            yield moved
            while left is None or left > 0:
                most = self._batch if left is None else min(left, self._batch)
                found, moved = self._step(most)
                if not found and self._later is not None:
                    found, moved = self._later.step(most)
                if moved:
                    left = None if left is None else left - moved
                    yield moved
                elif not found:
                    if not (wait and any(self._source.stats(self._queue))):
                        break
                    rest()
                    yield 0
        except GeneratorExit:  # only ever between two steps
            self._end()
            raise
        self._end()

    def _begin(self) -> int:
        """Take the turn and finish what others left; return how many messages that moved."""
        unfinished = self._turn.take()
        run = self._run
        if self._queue == run.to and self._target.stats(self._turn.place).claimed:
            self._turn.finished(run)
            self._turn.give_up()
            raise ConfigurationError(
                f"{run.to!r} cannot be moved to itself, or while it is moved elsewhere"
            )
        while self._source.recover(self._queue, limit=100) == 100:  # ends the claims of the dead
            self._turn.keep()
        moved = 0
        self._give_back_later()
        for each in unfinished:
            moved += self._finish_other(each)
        self._target.push(run.marker, [b"1"])
        return moved

    def _give_back_later(self) -> None:
        """Give back delayed messages on their way, before anybody's records are read."""
        try:
            if isinstance(self._source, DelayingTransport):
                give_back(self._source, self._run)
            if isinstance(self._target, DelayingTransport):
                self._target.peek_delayed(self._run.later_copies)
        except Unsupported:  # a cluster
            self._later = None

    def _finish_other(self, run: Run) -> int:
        known = self._target.stats(run.marker).ready > 0
        records = (run.records, run.later_records)
        if not known and any(any(self._source.stats(each)) for each in records):
            self._turn.finished(self._run)
            self._turn.give_up()
            raise QueueKitError(
                f"a move of {run.queue!r} to {run.to!r} was cut short, and its target is not in"
                " this store: run it again as it was, so that it ends, and then this one"
            )
        moved = self._settle(run)
        if self._later is not None:
            moved += self._later.settle(run)
        self._target.purge(run.marker)
        self._turn.finished(run)
        return moved

    def _step(self, limit: int) -> tuple[int, int]:
        """Move one batch; return how many messages were claimed, and how many moved."""
        found = self._source.claim(self._queue, lease=self._lease, limit=limit)
        self._turn.keep()  # behind the claim: the turn outlasts it
        if not found:
            return 0, 0
        ids = [self._next_id() for _ in found]
        counts = self._target.features.counts_attempts
        copies = [
            wrap(each, carried(one, counts=counts)) for each, one in zip(ids, found, strict=True)
        ]
        try:
            self._target.push(self._run.copies, copies, token=ids[0].hex())
        except (BodyTooLarge, QueueFull):  # certain, so nobody has to wait for a lease
            self._source.release(self._queue, receipts_of(found), counted=False)
            self._turn.give_up()
            raise
        records = [(one.receipt, wrap(each, b"")) for each, one in zip(ids, found, strict=True)]
        lost = self._source.move(self._queue, records, to=self._run.records)
        moved = self._settle(self._run, len(found) - len(lost), len(found))
        if not moved:
            self._turn.give_up()
            raise QueueKitError(
                f"{len(found)} messages of {self._queue!r} took longer than their lease of"
                f" {self._lease:g} s, and stay: make the lease longer or the batch smaller"
            )
        return len(found), moved

    def _settle(self, run: Run, records: int | None = None, copies: int | None = None) -> int:
        """Move the copies with a record, forget the others, then the records."""
        decided = take_all(
            self._source, run.records, self._turn, lease=self._lease, expected=records
        )
        found = take_all(self._target, run.copies, self._turn, lease=self._lease, expected=copies)
        numbers = {frame_id(each.body) for each in decided}
        chosen = {frame_id(each.body): each for each in found if frame_id(each.body) in numbers}
        letters = [(each.receipt, unwrap(each.body).body) for each in chosen.values()]
        if letters and self._target.move(run.copies, letters, to=run.to):
            raise QueueKitError(
                f"the lease of {self._lease:g} s was over before {len(letters)} messages were in"
                f" {run.to!r}: run it again, with a longer lease or a smaller batch"
            )
        used = {receipt for receipt, _ in letters}
        if garbage := [each.receipt for each in found if each.receipt not in used]:
            self._target.ack(run.copies, garbage)
        if decided:
            self._source.ack(run.records, receipts_of(decided))
        return len(letters)

    def _end(self) -> None:
        self._target.purge(self._run.marker)
        self._turn.finished(self._run)

    def _next_id(self) -> bytes:
        self._number += 1
        return bytes.fromhex(self._run.id[:16]) + self._number.to_bytes(8, "big")


def leftovers(source: Transport, queue: str) -> int:
    """Return how many runs out of a queue are under way or were cut short."""
    return sum(source.stats(f"{queue}!moving"))
