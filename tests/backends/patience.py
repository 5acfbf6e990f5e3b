"""
Waits that last much longer than anything stands still on a busy machine.

A wait of a transport ends after a second. Whoever was woken must be told from whoever waited for
that end, though a process may stand still for seconds: so these last for ``LONG``, and what ends
before ``SOON`` was woken.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

LONG = 60.0
"""Seconds of a wait that nothing ends."""
SOON = 30.0
"""Seconds in which who was woken is awake, wherever it was held up."""


def with_long_waits(transport: Any) -> Any:
    """Let a transport in memory or in SQLite, or one in threads, wait for up to ``LONG``."""
    inner = getattr(transport, "_transport", transport)
    inner._features = inner.features._replace(max_wait=LONG)
    assert transport.features.max_wait == LONG
    return transport


def wait_until(look: Callable[[], Any], seconds: float = SOON) -> None:
    """Wait for *look* to be true."""
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, "this never came"
        time.sleep(0.002)


async def until(look: Callable[[], Any], seconds: float = SOON) -> None:
    """Wait for *look* to be true; the loop goes on."""
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, "this never came"
        await asyncio.sleep(0.002)
