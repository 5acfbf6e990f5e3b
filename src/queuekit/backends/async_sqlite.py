"""The transport in one SQLite file, for asyncio."""

from __future__ import annotations

import time
from collections.abc import Sequence

from .._checks import check_queues, check_seconds
from ..abilities import Limits
from ..transport import MAX_BODY, Delivery
from ._sqlite_store import Clock
from ._sqlite_url import PathLike, Synchronous, parse_url
from ._sqlite_wait_any import LONGEST_PAUSE, SHORTEST_PAUSE
from .sqlite import SQLiteTransport
from .threaded import ThreadedTransport


class AsyncSQLiteTransport(ThreadedTransport):
    """
    Keep queues in one SQLite file, for asyncio.

    A wait ends at once for what this object pushed, else within about 8 ms.

    Args:
        path: As for ``SQLiteTransport``, like the following ones.
        synchronous: See there.
        clock: See there.
        max_body: See there.
        allow_network: See there.
        threads: As for ``ThreadedTransport``.
    """

    def __init__(
        self,
        path: PathLike,
        *,
        synchronous: Synchronous = "NORMAL",
        clock: Clock | None = None,
        max_body: int = MAX_BODY,
        allow_network: bool = False,
        threads: int = 4,
    ) -> None:
        transport = SQLiteTransport(
            path,
            synchronous=synchronous,
            clock=clock,
            max_body=max_body,
            allow_network=allow_network,
        )
        super().__init__(transport, threads=threads)
        self._sqlite = transport

    @classmethod
    def from_url(cls, url: str) -> AsyncSQLiteTransport:
        """See ``SQLiteTransport.from_url``."""
        path, synchronous = parse_url(url)
        return cls(path, synchronous=synchronous)

    async def wait_any(self, queues: Sequence[str], *, timeout: float) -> None:
        """See ``AsyncWaitingForAny.wait_any``; sees also what came before, by whatever process."""
        import asyncio

        news = self._sqlite.news(check_queues(queues))
        end = time.monotonic() + min(check_seconds("timeout", timeout), self.features.max_wait)
        pause = SHORTEST_PAUSE
        while not news.came() and (left := end - time.monotonic()) > 0:
            await asyncio.sleep(min(left, pause))
            pause = min(pause * 1.5, LONGEST_PAUSE)

    async def _claim_within(
        self, queue: str, *, limits: Limits, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        """Wait for the next turn rather than for a change of the file, which no turn makes."""
        transport = self._sqlite
        seconds = min(check_seconds("timeout", timeout), self.features.max_wait)
        end, pause = time.monotonic() + seconds, 0.0
        while True:
            found = await self._claim(
                queue,
                lambda: transport.claim_within(queue, limits=limits, lease=lease, limit=limit),
                pause,
            )
            left = end - time.monotonic()
            if found or left <= 0:
                return found
            turn = await self._calls.run(lambda: transport.next_turn(queue, limits))
            pause = left if turn is None else min(left, turn)
