# unasync: source
"""What a conformance suite must be able to do with the store under test."""

from __future__ import annotations

from typing import Protocol

from ..transport import AsyncTransport


class AsyncHarness(Protocol):
    """
    One fresh store for one test, and the hand on its clock.

    The store's clock runs by itself; leases in the suite are tens of seconds long, so the time
    that a test takes does not matter.
    """

    def make(self, *, max_body: int | None = None) -> AsyncTransport:
        """
        Return a new transport on this test's store: what others stored, it sees.

        *max_body* is the limit of one body in bytes, the transport's default without it.
        """
        ...

    async def pass_time(self, seconds: float) -> None:
        """
        Let the store believe that *seconds* more have passed.

        Move its clock forward; or bring every stored deadline nearer by as much, which is the same.
        """
        ...
