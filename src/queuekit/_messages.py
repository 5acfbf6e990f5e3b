# Generated from _messages_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""The messages of a reliable queue as they come, claimed ahead and kept under a fresh lease."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from operator import attrgetter
from types import TracebackType
from typing import TYPE_CHECKING, Final, Generic, Self

from ._deadline import Deadline
from ._outage import Outage
from .errors import TransportUnavailable
from .message import Message
from .serializer import T
from .transport import Delivery, Receipt

if TYPE_CHECKING:
    from ._settling import SettlingQueue
    from ._slot import Slot

_attempt: Final[Callable[[Delivery], int]] = attrgetter("attempt")


class Messages(Generic[T]):
    """
    An iterator over messages; see ``ReliableQueue.consume``.

    Used by one thread (task); ``stop`` may be called from any.
    """

    def __init__(
        self,
        queue: SettlingQueue[T],
        *,
        timeout: float | None,
        prefetch: int,
        confirm: bool,
    ) -> None:
        self.queue = queue
        """Where from."""
        self._timeout = timeout
        self._prefetch = prefetch
        self._confirm = confirm
        self._ahead: deque[Delivery] = deque()
        self._was_last = False
        self._half = queue.lease / 2
        self._held_until = 0.0
        self.working: Message[T] | None = None
        """What was handed out last, and is not known to be done."""
        self._stopped = False
        self._outage = Outage(queue.name)
        queue.add_loop(self)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Message[T]:
        self.working = None
        deadline: Deadline | None = None  # not needed for what is here already
        while not self._stopped:
            try:
                came = bool(self._ahead)
                if not came:
                    deadline = deadline or Deadline(self._timeout, time.monotonic())
                    came = self._claim(self._prefetch, deadline)
                message = self._next(self) if came else None
            except TransportUnavailable as exc:
                deadline = deadline or Deadline(self._timeout, time.monotonic())
                self._outage.endure(exc, deadline)
                continue
            if deadline is not None:  # else nothing was asked of the store
                self._outage.over()
            if message is not None:
                return message
            if deadline and not came and not deadline.left(time.monotonic()):
                break
        self.queue.riding.rest()
        self.queue.give_back(self.let_go())
        raise StopIteration

    def takes(self, message: Message[T]) -> bool:
        """
        Take the ack of a message along to the next claim; False says that it has to be sent.

        If this process dies before, the message counts an attempt and comes again. So that happens
        to its first delivery only, and never to its last.
        """
        riding = self.queue.riding
        if self._confirm or message.settled or message is not self.working or riding.closed:
            return False
        if message.attempt > 1 or self._was_last:
            return False
        if message.until - time.monotonic() < self._half:
            return False
        riding.add(message)
        return True

    def look(self, holder: Slot[T], limit: int, deadline: Deadline) -> Message[T] | None:
        """
        Hand a worker's thread (task) what is there, or claim up to *limit*, waiting for a slice.

        None if nothing came, or if it was stopped meanwhile: then what came is given back.
        """
        while not self._stopped:
            if not self._ahead and not self._claim(limit, deadline):
                return None
            if not self._stopped:
                message = self._next(holder)
                if message is not None:
                    return message
        self.give_back()
        return None

    def give_back(self) -> None:
        """Give back, uncounted, what was claimed ahead."""
        self.queue.give_back(self.let_go())

    @property
    def was_last(self) -> bool:
        """Whether the last claim met a message on its last attempt, which is to be alone."""
        return self._was_last

    def first(self) -> Receipt | None:
        """Return a receipt of what was claimed ahead; called by the heartbeat's thread (task)."""
        try:
            return self._ahead[0].receipt
        except IndexError:
            return None

    def extended(self, until: float) -> None:
        """Hear of the heartbeat until when that is held; if it is lost, the next step sees it."""
        self._held_until = until

    def stop(self) -> None:
        """End the iteration, from any thread; a wait that is under way ends within a second."""
        self._stopped = True

    def close(self) -> None:
        """
        End the iteration and give back, uncounted, what was claimed ahead.

        The message handed out last stays with its consumer. A second call does nothing.
        """
        self._stopped = True
        self.working = None
        try:
            self.queue.riding.rest()
        finally:
            self.give_back()

    def let_go(self, *handed_out: Message[T]) -> list[Receipt]:
        """Return the receipts of messages handed out and of all claimed ahead, to be released."""
        receipts = [message.receipt for message in handed_out]
        for message in handed_out:
            message.settled, message.outcome = True, "released"
        with suppress(IndexError):  # one by one, since another thread may take one meanwhile
            while True:
                receipts.append(self._ahead.popleft().receipt)
        return list(dict.fromkeys(receipts))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        self.close()

    def _claim(self, limit: int, deadline: Deadline) -> bool:
        """
        Claim ahead, but a message on its last attempt alone.

        A consumer that dies counts an attempt for all that it holds; so its neighbours could be
        counted to death. Alone on the last one, a message dies of its own work only.
        """
        limit = 1 if self._was_last else limit
        found, self._held_until = self.queue.claim_slice(limit, deadline)
        gives_up = self.queue.retry.gives_up
        count = len(found)
        self._was_last = gives_up(max(map(_attempt, found), default=0))
        if self._was_last:
            count = max(1, [gives_up(delivery.attempt) for delivery in found].index(True))
        ahead, behind = found[:count], found[count:]
        self._ahead.extend(ahead)
        self.queue.give_back([delivery.receipt for delivery in behind])
        return bool(found)

    def _next(self, holder: Messages[T] | Slot[T]) -> Message[T] | None:
        """Hand out the first message claimed ahead, under at least half a lease."""
        try:
            first = self._ahead[0]
        except IndexError:
            return None
        if first.attempt > 1 and self.queue.riding:  # it may have killed its consumer
            self.queue.riding.flush()
        if self._held_until - time.monotonic() < self._half:
            until = self.queue.hold(first.receipt, self._held_until)
            if until is None:
                self._ahead.clear()  # all of one claim: the lease ran out, others have them
                return None
            self._held_until = until
        try:
            message = self.queue.open_delivery(first)
        except TransportUnavailable:  # the next step tries again
            raise
        except Exception:
            self._take(first)  # it comes back with its lease; those behind it go on
            raise
        if message is not None:
            message.source = holder
            message.until = self._held_until
        holder.working = message  # before it leaves: interrupted in between, it is in both places
        if not self._take(first):
            holder.working = message = None
        return message

    def _take(self, first: Delivery) -> bool:
        """Take the first one off; False says that another thread (task) has let it go meanwhile."""
        try:
            taken = self._ahead.popleft()
        except IndexError:
            return False
        if taken is not first:
            self._ahead.appendleft(taken)
        return taken is first
