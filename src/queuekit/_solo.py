# Generated from _solo_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""What ``@queue.worker`` of a reliable queue runs on: a worker that is its caller's own loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic

from ._acompat import Handler
from ._intake import Intake
from ._order import Turns
from ._slot import Slot
from .message import Message
from .serializer import T

if TYPE_CHECKING:
    from ._settling import SettlingQueue


class Solo(Generic[T]):
    """One loop over one queue, in the thread (task) that calls it; see ``Source``."""

    def __init__(
        self,
        queue: SettlingQueue[T],
        *,
        timeout: float | None,
        prefetch: int,
        confirm: bool,
    ) -> None:
        from ._keeping import Keeper

        self._queue = queue
        self._intake = Intake(
            [queue], Turns(None), timeout=timeout, prefetch=prefetch, confirm=confirm
        )
        self._slot = Slot(self._intake)
        self._intake.slots = [self._slot]
        self._keeper = Keeper(self._intake.renewals(None))

    def __next__(self) -> Message[T]:
        self._keeper.start()
        message = self._intake.take(self._slot)
        if message is None:
            raise StopIteration
        return message

    def work(self, item: Message[T], handler: Handler[Message[T]]) -> None:
        """See ``Slot.work``."""
        self._slot.work(item, handler)

    def stop(self) -> None:
        """End the iteration, from any thread; a wait that is under way ends within a second."""
        self._intake.stop()

    def close(self) -> None:
        """End the iteration and give back, uncounted, what nobody works on."""
        self._intake.stop()
        message, self._slot.working = self._slot.working, None
        try:
            self._keeper.stop()
        finally:
            # Its own message is unsettled only if it was interrupted around its handler.
            if message is not None and not message.settled:
                self._queue.give_back(self._slot.let_go(message))
            self._intake.close()
