"""The one connection of a loop for all that does not block."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from ._silence import NoAnswer
from ._slot_async import Slot
from ._wire import LinkBroken


class Shared:
    """Makes it when it is needed, anew when it broke, and once for all who ask meanwhile."""

    __slots__ = ("_connect", "_connecting", "is_over", "slot")

    def __init__(self, connect: Callable[[], Awaitable[Slot]]) -> None:
        self._connect = connect
        self._connecting: asyncio.Future[BaseException | None] | None = None
        self.slot: Slot | None = None
        self.is_over = False
        """Whether the link was closed, or has another loop: what is made then is used once."""

    async def join(self) -> Slot:
        """
        Return it when it takes calls.

        Raises:
            LinkBroken: There is none; nothing was sent.
        """
        while True:
            slot = self.slot
            if slot is None or not slot.line.is_open:
                return await self._make()
            line = slot.line
            if line.is_ready():
                return slot
            await line.get_ready()
            if isinstance(line.lost, NoAnswer):  # this call has waited for long enough, too
                raise LinkBroken(False) from line.lost

    def leave(self) -> None:
        """Let it go; it closes when the calls under way have their replies."""
        slot, self.slot = self.slot, None
        if slot is not None:
            slot.leave()

    async def _make(self) -> Slot:
        """Connect for all who need it now; a failure is theirs together, too."""
        while (connecting := self._connecting) is not None:
            await asyncio.wait([connecting])
            if (failure := connecting.result()) is not None:
                raise LinkBroken(False) from failure
            if self.slot is not None and self.slot.line.is_open:
                return self.slot
        self._connecting = connecting = asyncio.get_running_loop().create_future()
        failure = None
        try:
            slot = await self._connect()
        except LinkBroken as exc:
            failure = exc.__cause__
            raise
        finally:
            self._connecting = None
            connecting.set_result(failure)
        if not self.is_over:
            self.leave()
            self.slot = slot
        return slot
