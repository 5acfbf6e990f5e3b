"""Waiting that no cancellation cuts short."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio


async def outlast(
    futures: Iterable[asyncio.Future[Any]], on_cancel: Callable[[], None] = lambda: None
) -> asyncio.CancelledError | None:
    """Wait until all are done, whoever cancels; return the cancellation, if there was one."""
    import asyncio

    left = list(futures)
    cancelled: asyncio.CancelledError | None = None
    while left := [one for one in left if not one.done()]:
        try:
            await asyncio.wait(left)
        except asyncio.CancelledError as exc:
            cancelled = exc
            on_cancel()
    return cancelled
