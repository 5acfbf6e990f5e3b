"""
A signal ends a worker in time, even one whose handler blocks its event loop.

There nothing runs that could look at the deadline. So a thread hears of signals as well, and when
the time is up it sends more of them: the third one interrupts whatever runs in the main thread, and
what was in work is given back.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import time
from contextlib import suppress
from typing import Final

from .main import UNFINISHED

GRACE: Final = 5.0
"""Seconds after the deadline for a worker that can end by itself."""
LAST: Final = 3.0
"""Seconds after that, for one that had to be interrupted."""

_ENOUGH: Final = 3
"""Signals that interrupt a worker."""

_log = logging.getLogger("queuekit")


def guard(shutdown_timeout: float) -> None:
    """Watch over the end of this process from now on; call it in the main thread."""
    if os.name != "posix":
        return
    hears, told = socket.socketpair()
    told.setblocking(False)
    signal.set_wakeup_fd(told.detach(), warn_on_full_buffer=False)
    threading.Thread(
        target=_watch, args=(hears, shutdown_timeout), name="queuekit-guard", daemon=True
    ).start()


def _watch(hears: socket.socket, shutdown_timeout: float) -> None:
    count, end = 0, float("inf")
    while count < _ENOUGH and (left := end - time.monotonic()) > 0:
        hears.settimeout(None if left == float("inf") else left)
        with suppress(TimeoutError):
            for number in hears.recv(1):
                if number in (signal.SIGTERM, signal.SIGINT):
                    count += 1
                    wait = GRACE + (shutdown_timeout if count == 1 else 0.0)
                    end = min(end, time.monotonic() + wait)
    _log.error("this worker does not end: interrupting what it works on")
    for number in (signal.SIGTERM, signal.SIGINT)[: _ENOUGH - count]:  # one twice may count once
        # To the main thread by name: else its system call might go on.
        signal.pthread_kill(threading.main_thread().ident or 0, number)
    time.sleep(LAST)
    _log.critical("this worker does not end: ending it; its messages come back with their lease")
    logging.shutdown()
    os._exit(UNFINISHED)
