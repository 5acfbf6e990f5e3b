"""What the sync tests use where threads and tasks differ; ``colour_async`` is the twin."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

MARKS: list[pytest.MarkDecorator] = []
"""The marks of every module of tests."""

INTERRUPT: type[BaseException] = KeyboardInterrupt
"""What interrupts code from outside."""


class Background:
    """Run *call* beside the test; ``join`` waits for its end and returns or raises its outcome."""

    def __init__(self, call: Callable[[], Any]) -> None:
        self._call = call
        self._result: Any = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._call()
        except BaseException as exc:
            self._error = exc

    def join(self, seconds: float = 30.0) -> Any:
        self._thread.join(seconds)
        assert not self._thread.is_alive(), f"still running after {seconds} s"
        if self._error is not None:
            raise self._error
        return self._result
