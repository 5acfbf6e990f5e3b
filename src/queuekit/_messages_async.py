# unasync: source
"""The messages of a reliable queue as they come, claimed ahead and kept under a fresh lease."""

from __future__ import annotations

import logging
import time
from collections import deque
from contextlib import suppress
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self

from ._acompat import AHandler, AHeartbeat, acall
from ._deadline import Deadline
from ._outage_async import AsyncOutage
from .errors import LeaseLost, TransportUnavailable
from .message_async import AsyncMessage
from .serializer import T
from .transport import Delivery, Receipt

if TYPE_CHECKING:
    from ._settling_async import AsyncSettlingQueue

_log = logging.getLogger("queuekit")


class AsyncMessages(Generic[T]):
    """
    An iterator over messages; see ``AsyncReliableQueue.consume``.

    Used by one thread (task); ``stop`` may be called from any.
    """

    def __init__(
        self,
        queue: AsyncSettlingQueue[T],
        *,
        timeout: float | None,
        prefetch: int,
        confirm: bool,
        renewing: bool = False,
    ) -> None:
        self._queue = queue
        self._timeout = timeout
        self._prefetch = prefetch
        self._confirm = confirm
        self._ahead: deque[Delivery] = deque()
        self._was_last = False
        self._half = queue.lease / 2
        self._held_until = 0.0
        self._working: AsyncMessage[T] | None = None
        self._stopped = False
        self._outage = AsyncOutage(queue.name)
        self._heartbeat = AHeartbeat(queue.lease / 3, self._renew) if renewing else None
        queue.add_loop(self)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> AsyncMessage[T]:
        self._working = None
        if self._heartbeat is not None and not self._stopped:
            self._heartbeat.start()
        deadline: Deadline | None = None  # not needed for what is here already
        while not self._stopped:
            try:
                came = bool(self._ahead)
                if not came:
                    deadline = deadline or Deadline(self._timeout, time.monotonic())
                    came = await self._claim(deadline)
                message = await self._next() if came else None
            except TransportUnavailable as exc:
                deadline = deadline or Deadline(self._timeout, time.monotonic())
                await self._outage.endure(exc, deadline)
                continue
            self._outage.over()
            if message is not None:
                return message
            if deadline and not came and not deadline.left(time.monotonic()):
                break
        await self._queue.riding.rest()
        await self._queue.give_back(self.let_go())
        raise StopAsyncIteration

    def takes(self, message: AsyncMessage[T]) -> bool:
        """
        Take the ack of a message along to the next claim; False says that it has to be sent.

        If this process dies before, the message counts an attempt and comes again. So that happens
        to its first delivery only, and never to its last.
        """
        riding = self._queue.riding
        if self._confirm or message.settled or message is not self._working or riding.closed:
            return False
        if message.attempt > 1 or self._was_last:
            return False
        if self._held_until - time.monotonic() < self._half:
            return False
        riding.add(message)
        return True

    async def work(self, item: AsyncMessage[T], handler: AHandler[AsyncMessage[T]]) -> None:
        """
        Call a worker's handler and settle: ack when it returns, fail when it raises.

        Unless it settled the message itself. What interrupts it from outside (Ctrl-C, a cancelled
        task) releases the message uncounted and propagates.
        """
        try:
            async with item:
                await acall(handler, item)
        except LeaseLost as exc:
            _log.warning("queue %r: %s: %s", self._queue.name, item.id, exc, exc_info=True)
        except Exception:  # noqa: BLE001 - whatever a handler raises must not end the loop
            _log.exception("queue %r: message %s was not done", self._queue.name, item.id)

    def stop(self) -> None:
        """End the iteration, from any thread; a wait that is under way ends within a second."""
        self._stopped = True

    async def aclose(self) -> None:
        """
        End the iteration and give back, uncounted, what was claimed ahead.

        The message handed out last stays with its consumer. A second call does nothing.
        """
        self._stopped = True
        working, self._working = self._working, None
        try:
            if self._heartbeat is not None:
                await self._heartbeat.stop()
            await self._queue.riding.rest()
        finally:
            # A worker's own message is unsettled only if it was interrupted around its handler.
            held = [] if self._heartbeat is None or not working or working.settled else [working]
            await self._queue.give_back(self.let_go(*held))

    def let_go(self, *handed_out: AsyncMessage[T]) -> list[Receipt]:
        """Return the receipts of messages handed out and of all claimed ahead, to be released."""
        receipts = [message.receipt for message in handed_out]
        for message in handed_out:
            message.settled = True
        with suppress(IndexError):  # one by one, since another thread may take one meanwhile
            while True:
                receipts.append(self._ahead.popleft().receipt)
        return list(dict.fromkeys(receipts))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _renew(self) -> None:
        """
        Extend the lease of the message handed out last and of what was claimed with it.

        Called by the heartbeat, from another thread (task). When the message is settled already,
        those behind it still wait. An error is only logged, since the handler goes on.
        """
        message = self._working
        if message is None:
            return
        sent = time.monotonic()
        try:
            receipt = self._ahead[0].receipt if message.settled else message.receipt
            lost = await self._queue.extend_claim(receipt)
        except IndexError:  # nothing waits
            return
        except Exception as exc:  # noqa: BLE001 - nothing may end the heartbeat but its owner
            _log.warning("queue %r: the lease could not be renewed: %s", self._queue.name, exc)
            return
        if not lost:
            self._held_until = sent + self._queue.lease
        elif not message.settled:
            _log.warning("queue %r: the lease of message %s was lost", self._queue.name, message.id)

    async def _claim(self, deadline: Deadline) -> bool:
        """
        Claim ahead, but a message on its last attempt alone.

        A consumer that dies counts an attempt for all that it holds; so its neighbours could be
        counted to death. Alone on the last one, a message dies of its own work only.
        """
        limit = 1 if self._was_last else self._prefetch
        found, self._held_until = await self._queue.claim_slice(limit, deadline)
        last = [self._queue.retry.gives_up(delivery.attempt) for delivery in found]
        self._was_last = any(last)
        count = max(1, last.index(True)) if self._was_last else len(found)
        ahead, behind = found[:count], found[count:]
        self._ahead.extend(ahead)
        try:
            await self._queue.give_back([delivery.receipt for delivery in behind])
        except BaseException:  # interrupted: once more when the loop is closed
            self._ahead.extend(behind)
            raise
        return bool(found)

    async def _next(self) -> AsyncMessage[T] | None:
        """Hand out the first message claimed ahead, under at least half a lease."""
        try:
            first = self._ahead[0]
        except IndexError:
            return None
        if first.attempt > 1 and self._queue.riding:  # it may have killed its consumer
            await self._queue.riding.flush()
        if self._held_until - time.monotonic() < self._half:
            until = await self._queue.hold(first.receipt, self._held_until)
            if until is None:
                self._ahead.clear()  # all of one claim: the lease ran out, others have them
                return None
            self._held_until = until
        try:
            message = await self._queue.open_delivery(first)
        except TransportUnavailable:  # the next step tries again
            raise
        except Exception:
            self._take(first)  # it comes back with its lease; those behind it go on
            raise
        if message is not None:
            message.source = self
        self._working = message  # before it leaves: interrupted in between, it is in both places
        if self._take(first):
            return message
        self._working = None
        return None

    def _take(self, first: Delivery) -> bool:
        """Take the first one off; False says that another thread (task) has let it go meanwhile."""
        try:
            taken = self._ahead.popleft()
        except IndexError:
            return False
        if taken is not first:
            self._ahead.appendleft(taken)
        return taken is first
