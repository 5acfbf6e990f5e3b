# Generated from message_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""A message that a reliable queue handed out, and what its consumer can say of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self

from ._letters import enqueued_at
from ._tally import Outcome
from .errors import QueueKitError
from .serializer import T
from .transport import Receipt

if TYPE_CHECKING:
    from ._messages import Messages
    from ._settling import SettlingQueue
    from ._slot import Slot


class Message(Generic[T]):
    """
    A message under a lease: yours until it is settled or the lease runs out.

    As a context manager it is acked on success and failed on an error, unless the block has
    settled it already; the error propagates. What interrupts the block from outside (Ctrl-C, a
    cancelled task) releases it uncounted, with what its loop has claimed behind it; once the block
    has succeeded it is acked all the same.
    """

    __slots__ = (
        "attempt",
        "body",
        "data",
        "headers",
        "id",
        "outcome",
        "queue",
        "receipt",
        "settled",
        "source",
        "until",
    )

    def __init__(
        self,
        queue: SettlingQueue[T],
        message_id: str,
        body: T,
        headers: Mapping[str, str],
        attempt: int,
        receipt: Receipt,
        data: bytes,
    ) -> None:
        self.queue = queue
        self.id = message_id
        """32 hexadecimal digits, the same on every delivery: remember it to do its work once."""
        self.body = body
        self.headers = headers
        self.attempt = attempt
        """1 on the first delivery; failures and crashed consumers add to it."""
        self.receipt = receipt
        """Names this delivery: ``queue.ack(receipt)`` settles it from elsewhere."""
        self.data = data
        """The stored bytes, frame included."""
        self.settled = False
        """True once this object was told to be acked, failed, released or rejected."""
        self.source: Messages[T] | Slot[T] | None = None
        """The loop that handed it out, if one did."""
        self.until = 0.0
        """Until when it is held for certain, by the monotonic clock; negative: known to be lost."""
        self.outcome: Outcome | None = None
        """What it was told to become, or that it was lost; None: nothing yet, or acked."""

    @property
    def held(self) -> bool:
        """
        Whether it is certainly still yours: ask before what must not be done twice.

        False once it is settled, its lease is known to be lost, or must be presumed to be because
        no renewal has come through for so long. Asks this process's clock, not the store, and so
        may be asked often.
        """
        return not self.settled and time.monotonic() < self.until

    @property
    def enqueued_at(self) -> datetime | None:
        """When it was put, in UTC by its producer's clock; None if that program writes no ids."""
        return enqueued_at(self.id)

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__} {self.id} of {self.queue.name!r}, attempt {self.attempt}"
            f"{', settled' if self.settled else ''}>"
        )

    def ack(self) -> None:
        """
        Say that the work is done: the message is forgotten.

        That of the message which a loop handed out last travels with the loop's next claim, if
        more than half of its lease is left; see ``ReliableQueue.consume``.

        Raises:
            LeaseLost: The lease ran out and another consumer has or had it, or it was settled
                before.
        """
        if self.source is None or not self.source.takes(self):
            self.queue.ack(self)

    def fail(
        self,
        *,
        delay: float | None = None,
        reason: str = "",
        error: BaseException | None = None,
    ) -> None:
        """
        Say that the work failed: tried again by the queue's policy, or given up.

        Args:
            delay: Seconds to wait instead of the policy's; 0 puts it at the end of the queue.
            reason: Kept with the dead letter if this was the last attempt.
            error: The exception, for the rules of the policy and the dead letter.

        Raises:
            LeaseLost: As for ``ack``.
        """
        self.queue.fail(self, delay=delay, reason=reason, error=error)

    def release(self) -> None:
        """
        Give the message back to the head of the queue, without counting an attempt.

        Raises:
            LeaseLost: As for ``ack``.
        """
        self.queue.release(self)

    def reject(self, reason: str) -> None:
        """
        Give up: the message goes to the dead letters, with the reason.

        Raises:
            LeaseLost: As for ``ack``.
        """
        self.queue.reject(self, reason=reason)

    def extend(self, *, lease: float | None = None) -> None:
        """
        Keep the message for *lease* seconds from now, or for the queue's lease.

        Never shortens. The lease is that of the whole claim: messages taken together share it.

        Raises:
            LeaseLost: As for ``ack``.
        """
        self.queue.extend(self, lease=lease)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        if self.settled:
            return
        try:
            if exc is None:
                self.ack()
            elif isinstance(exc, Exception):
                self.fail(error=exc)
            else:
                self._let_go()
        except Exception as error:
            if exc is None or not isinstance(error, QueueKitError):
                raise
            # it must not take the place of the block's own error
            exc.add_note(f"message {self.id} could not be given back: {error}")
        except BaseException:  # perhaps the store has not heard it
            if exc is None:
                self.queue.ack_again(self)
            else:
                self._let_go()
            raise

    def _let_go(self) -> None:
        """Give it back, uncounted, with what its loop has claimed behind it."""
        self.settled, self.outcome = True, "released"
        receipts = [self.receipt] if self.source is None else self.source.let_go(self)
        self.queue.give_back(receipts)
