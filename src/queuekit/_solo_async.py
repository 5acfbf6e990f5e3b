# unasync: source
"""What ``@queue.worker`` of a reliable queue runs on: a worker that is its caller's own loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from ._acompat import AHandler
from ._intake_async import AsyncIntake
from ._order import Turns
from ._slot_async import AsyncSlot
from .message_async import AsyncMessage
from .serializer import T

if TYPE_CHECKING:
    from ._settling_async import AsyncSettlingQueue


class AsyncSolo(Generic[T]):
    """One loop over one queue, in the thread (task) that calls it; see ``AsyncSource``."""

    def __init__(
        self,
        queue: AsyncSettlingQueue[T],
        *,
        timeout: float | None,
        prefetch: int,
        confirm: bool,
    ) -> None:
        from ._keeping_async import AsyncKeeper

        self._queue = queue
        self._intake = AsyncIntake(
            [queue], Turns(None), timeout=timeout, prefetch=prefetch, confirm=confirm
        )
        self._slot = AsyncSlot(self._intake)
        self._intake.slots = [self._slot]
        self._keeper = AsyncKeeper(self._intake.renewals(None))

    async def __anext__(self) -> AsyncMessage[T]:
        self._keeper.start()
        message = await self._intake.take(self._slot)
        if message is None:
            raise StopAsyncIteration
        return message

    async def work(self, item: AsyncMessage[T], handler: AHandler[AsyncMessage[T]]) -> None:
        """See ``AsyncSlot.work``."""
        await self._slot.work(item, handler)

    def stop(self) -> None:
        """End the iteration, from any thread; a wait that is under way ends within a second."""
        self._intake.stop()

    async def aclose(self) -> None:
        """End the iteration and give back, uncounted, what nobody works on."""
        self._intake.stop()
        message, self._slot.working = self._slot.working, None
        try:
            await self._keeper.stop()
        finally:
            # Its own message is unsettled only if it was interrupted around its handler.
            if message is not None and not message.settled:
                await self._queue.give_back(self._slot.let_go(message))
            await self._intake.aclose()
