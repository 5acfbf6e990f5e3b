"""SIGTERM and SIGINT, heard for as long as a block runs, and then as before."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Final

_HEARD: Final = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """
    Call *heard* at each of these signals, within the block; in the main thread only.

    A signal that the process was told to ignore stays ignored. The call comes between two steps of
    whatever the main thread does, also while a handler blocks an event loop.
    """

    def __init__(self, heard: Callable[[int], None]) -> None:
        self._heard = heard
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in _HEARD:
            before = signal.getsignal(number)
            if before not in (None, signal.SIG_IGN):  # None: not set by Python, who cannot restore
                self._before[number] = before
                signal.signal(number, self._hear)

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            signal.signal(number, before)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self._heard(number)
