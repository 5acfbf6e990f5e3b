"""Turns: who moves messages out of a queue, and what those left who were killed at it."""

from __future__ import annotations

import json
import random
import secrets
import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from ._checks import check_name
from ._deadline import Deadline
from ._envelope import frame_id, unwrap_or_raw, wrap
from .errors import QueueKitError
from .transport import MAX_CLAIM, Delivery, Receipt, Transport

_TICK: Final = 0.2
"""Seconds between looks whether the leases of others are over; half as long or twice, by chance."""

_GRACE: Final = 5.0
"""Seconds beyond a lease, for the store to give back what it held."""


class TurnLost(QueueKitError):
    """Somebody else moves this queue now, since this process stood still for too long."""


class Run(NamedTuple):
    """One mover's turn, and the queues that it uses."""

    id: str
    """32 hexadecimal digits."""
    queue: str
    to: str

    @property
    def records(self) -> str:
        """In the source's store: names the copies that count."""
        return f"{self.queue}!moved-{self.id[:12]}"

    @property
    def copies(self) -> str:
        """In the target's store: copies that no consumer sees."""
        return f"{self.to}!moving-{self.id[:12]}"

    @property
    def later(self) -> str:
        """In the source's store: delayed messages on their way, of whatever run."""
        return f"{self.queue}!later"

    @property
    def later_records(self) -> str:
        """In the source's store, delayed: names the copies of delayed messages that count."""
        return f"{self.queue}!later-{self.id[:12]}"

    @property
    def later_copies(self) -> str:
        """In the target's store: delayed copies that no consumer sees."""
        return f"{self.to}!later-{self.id[:12]}"

    @property
    def marker(self) -> str:
        """In the target's store: one message, which says that it is the target's store."""
        return f"{self.to}!marker-{self.id[:12]}"


class Turn:
    """
    The right to move messages out of a queue, held by one process at a time.

    It is a message in the queue ``<queue>!moving`` of the same store, claimed under a lease. Who
    finds the messages of others there that are no longer held has the turn if at one moment nobody
    else holds any; they name the runs that were cut short, and go when those are finished.

    Args:
        lease: Seconds that the turn is held for without a word.
    """

    def __init__(self, store: Transport, queue: str, to: str, lease: float) -> None:
        self._store = store
        self._lease = lease
        self._place = check_name(f"{queue}!moving")
        self.run = Run(secrets.token_hex(16), queue, to)
        for name in (self.run.records, self.run.copies, self.run.marker):
            check_name(name)
        self._held: list[Delivery] = []

    @property
    def place(self) -> str:
        """The queue of the turns."""
        return self._place

    def take(self) -> list[Run]:
        """
        Wait for the turn and return the runs to finish.

        Raises:
            QueueKitError: Another process goes on moving this queue.
        """
        patience = Deadline(patience_of(self._store, self._lease), time.monotonic())
        while not self._try():
            if not patience.left(time.monotonic()):
                raise QueueKitError(
                    f"another process moves {self.run.queue!r}: let it end, or stop it; nothing was"
                    " changed"
                )
            rest()
        return [run for run in map(self._run_of, self._held) if run.id != self.run.id]

    def _try(self) -> bool:
        self._claim()
        now = self._store.stats(self._place)
        if now.claimed == len(self._held):
            self._store.push(self._place, [self._message()])
            self._claim()
            now = self._store.stats(self._place)
            mine = [each for each in self._held if frame_id(each.body) == self.run.id]
            if now.ready == 0 and now.claimed == len(self._held) and mine:
                return True
        self._let_go()
        return False

    def _claim(self) -> None:
        while more := self._store.claim(self._place, lease=self._lease, limit=MAX_CLAIM):
            self._held += more

    def _let_go(self) -> None:
        """Take back the own word, and leave those of others as they were."""
        mine = [each.receipt for each in self._held if frame_id(each.body) == self.run.id]
        others = [each.receipt for each in self._held if frame_id(each.body) != self.run.id]
        self._held = []
        if mine:
            self._store.ack(self._place, mine)
        if others:
            self._store.release(self._place, others, counted=False)

    def keep(self) -> None:
        """
        Hold the turn for a lease from now.

        Raises:
            TurnLost: It was over.
        """
        held = [each.receipt for each in self._held]
        if self._store.extend(self._place, held, lease=self._lease):
            raise TurnLost(
                f"this process stood still for more than {self._lease:g} s while it moved"
                f" {self.run.queue!r}, and another one may move it now; nothing is lost, run it"
                " again"
            )

    def finished(self, run: Run) -> None:
        """Forget a run that has nothing left."""
        receipts = [each.receipt for each in self._held if frame_id(each.body) == run.id]
        self._held = [each for each in self._held if frame_id(each.body) != run.id]
        self._store.ack(self._place, receipts)

    def give_up(self) -> None:
        """Let the next one have the turn at once; what this one left is finished by it."""
        held = [each.receipt for each in self._held]
        self._held = []
        self._store.release(self._place, held, counted=False)

    def _message(self) -> bytes:
        return wrap(bytes.fromhex(self.run.id), json.dumps({"to": self.run.to}).encode())

    def _run_of(self, delivery: Delivery) -> Run:
        message_id, _, body, _ = unwrap_or_raw(delivery.body)
        try:
            to: object = json.loads(body)["to"]
        except (ValueError, KeyError, TypeError) as exc:
            raise _foreign(self._place) from exc
        if message_id is None or not isinstance(to, str):
            raise _foreign(self._place)
        return Run(message_id, self.run.queue, to)


def take_all(
    store: Transport, queue: str, turn: Turn, *, lease: float, expected: int | None = None
) -> list[Delivery]:
    """
    Claim all messages of a queue that only movers use: what others hold is waited for.

    With *expected* messages nothing more is looked for.
    """
    found: list[Delivery] = []
    patience = Deadline(patience_of(store, lease), time.monotonic())
    while True:
        while more := store.claim(queue, lease=lease, limit=MAX_CLAIM):
            found += more
            if len(found) == expected:
                return found
        now = store.stats(queue)
        if now.ready == now.delayed == 0 and now.claimed == len(found):
            return found
        store.release(queue, receipts_of(found), counted=False)
        if not patience.left(time.monotonic()):
            raise QueueKitError(f"somebody else consumes {queue!r}, which is for moves only")
        found = []
        rest()
        turn.keep()


def receipts_of(deliveries: Sequence[Delivery]) -> list[Receipt]:
    """Return the receipts of deliveries."""
    return [each.receipt for each in deliveries]


def patience_of(store: Transport, lease: float) -> float:
    """Return the seconds after which a store has given back what a dead process held."""
    # A layout with a longest lease may hold everything for that long, and a turn of it more.
    return max(lease, 3 * (store.features.max_lease or 0.0)) + _GRACE


def rest() -> None:
    """Wait a little, by chance: two processes must not look in step."""
    time.sleep(_TICK * random.uniform(0.5, 2.0))


def _foreign(place: str) -> QueueKitError:
    return QueueKitError(f"{place!r} holds a message that no move has put there: take it away")
