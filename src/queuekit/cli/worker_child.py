"""
The line between a parent and the processes that work for it, as these see it.

A socket pair: a child tells on it that it is ready, that it lives, and why it ends; its parent says
*stop* and *now*. Signals could reach a child twice, since terminals and service managers may signal
all processes, and twice means *at once*. When the parent is gone the line ends, and so the child.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

STOP: Final = b"stop\n"
NOW: Final = b"now\n"


class Line:
    """A child's end of the line."""

    def __init__(self, handle: int) -> None:
        self._socket = socket.socket(fileno=handle)
        self._socket.set_inheritable(False)  # what a handler starts must not keep it open
        self._lock = threading.Lock()

    def say(self, **facts: object) -> None:
        """Tell the parent; nothing happens when it is gone."""
        with suppress(OSError), self._lock:
            self._socket.sendall(json.dumps(facts).encode() + b"\n")

    def listen(self, tell: Callable[[int], None]) -> None:
        """Call *tell* with 1 when the parent says stop, or is gone, and with 2 when it says now."""
        threading.Thread(
            target=self._listen, args=(tell,), name="queuekit-parent", daemon=True
        ).start()

    def _listen(self, tell: Callable[[int], None]) -> None:
        with suppress(OSError), self._socket.makefile("rb") as lines:
            for line in lines:
                tell(2 if line == NOW else 1)
        tell(1)


def parse(line: bytes) -> dict[str, Any]:
    """Return what a child said."""
    return dict(json.loads(line))
