"""What the async tests use where threads and tasks differ; ``colour`` is the twin."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

MARKS: list[pytest.MarkDecorator] = [pytest.mark.asyncio]
"""The marks of every module of tests."""

INTERRUPT: type[BaseException] = asyncio.CancelledError
"""What interrupts code from outside."""


class Background:
    """Run *call* beside the test; ``join`` waits for its end and returns or raises its outcome."""

    def __init__(self, call: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._task = asyncio.ensure_future(call())

    async def join(self, seconds: float = 30.0) -> Any:
        return await asyncio.wait_for(self._task, seconds)
