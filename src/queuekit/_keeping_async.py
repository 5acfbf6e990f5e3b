"""The heartbeat of an asyncio worker: a thread where its store allows that, else a task."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from ._keeping import Keeper
from ._renewals import Renewals
from .abilities import Threading
from .errors import Unsupported
from .transport import AsyncTransport, Transport


class AsyncKeeper:
    """
    Renews the leases of some queues from ``start`` to ``stop``.

    Where all their transports are ``Threading`` a thread does it, also while a handler blocks the
    event loop or burns the processor's time.
    """

    def __init__(self, renewals: Sequence[tuple[Renewals, AsyncTransport]]) -> None:
        self._renewals = renewals
        self._thread: Keeper | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in the running loop; a second call does nothing."""
        if self._thread is not None or self._task is not None:
            return
        blocking: dict[int, Transport] = {}
        try:
            for _, transport in self._renewals:
                if not isinstance(transport, Threading):
                    raise Unsupported("this transport is for one event loop")
                if id(transport) not in blocking:
                    blocking[id(transport)] = transport.for_threads()
        except Unsupported:
            self._task = asyncio.ensure_future(self._run())
            return
        pairs = [(renewals, blocking[id(transport)]) for renewals, transport in self._renewals]
        self._thread = Keeper(pairs, close=list(blocking.values()))
        self._thread.start()

    async def stop(self) -> None:
        """End; cut off a beat of a task, and do not wait for one of a thread."""
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.end()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self) -> None:
        pause = min(renewals.lease for renewals, _ in self._renewals) / 3
        while True:
            await asyncio.sleep(pause)
            pause = min(
                [await _beat(renewals, transport) for renewals, transport in self._renewals]
            )


async def _beat(renewals: Renewals, transport: AsyncTransport) -> float:
    """Renew what is due and return the seconds until the next beat."""
    receipts = renewals.begin(time.monotonic())
    if receipts:
        try:
            lost = await transport.extend(renewals.name, receipts, lease=renewals.lease)
        except Exception as exc:  # noqa: BLE001 - nothing may end the heartbeat but its owner
            renewals.failed(exc)
        else:
            renewals.end(lost)
    return renewals.pause(time.monotonic())
