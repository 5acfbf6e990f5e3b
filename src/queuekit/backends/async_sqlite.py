"""The transport in one SQLite file, for asyncio."""

from __future__ import annotations

from ..transport import MAX_BODY
from ._sqlite_store import Clock
from ._sqlite_url import PathLike, Synchronous, parse_url
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

    @classmethod
    def from_url(cls, url: str) -> AsyncSQLiteTransport:
        """See ``SQLiteTransport.from_url``."""
        path, synchronous = parse_url(url)
        return cls(path, synchronous=synchronous)
