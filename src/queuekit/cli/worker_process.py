"""One child of a parent: a ``queuekit worker`` of its own, and the line to it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from typing import Any, Final

from .worker_child import NOW, STOP, parse
from .worker_options import OPTIONS
from .worker_settings import Settings

SLACK: Final = 5.0
"""Seconds that a child has, after its own deadline, before it is killed."""
_KEPT: Final = ("url", "processes", "reload", "state")
"""Options that are the parent's."""


class Child:
    """A process that works, from its start to its end."""

    def __init__(self, target: str, settings: Settings) -> None:
        self.since = time.time_ns()
        """When it was started at the earliest, as files tell the time."""
        self.line, theirs = socket.socketpair()
        with theirs:
            words = [f"--child={theirs.fileno()}", *_words(settings)]
            self.process = subprocess.Popen(  # noqa: S603 - this Python, this command
                [*_python(), "-m", "queuekit", "worker", target, *words],
                env=_environment(settings),
                pass_fds=[theirs.fileno()],
            )
        self.line.setblocking(False)
        self.born = self.heard = time.monotonic()
        self.told = 0
        """1: to finish, 2: to end at once."""
        self.kill_at = float("inf")
        self.killed = False
        self.closed = False
        self.facts: dict[str, Any] = {}
        """All that it said; ``ready``, and ``done`` when it ended by itself, not for a signal."""
        self._rest = b""

    @property
    def pid(self) -> int:
        """Its process."""
        return self.process.pid

    def hear(self) -> list[dict[str, Any]]:
        """Return what it said since the last call."""
        text = b""
        try:
            while chunk := self.line.recv(65536):
                text += chunk
            self.closed = True
        except BlockingIOError:
            pass
        except OSError:
            self.closed = True
        *lines, self._rest = (self._rest + text).split(b"\n")
        if lines:
            self.heard = time.monotonic()
        said = [parse(line) for line in lines]
        for facts in said:
            self.facts.update(facts)
        return said

    def tell(self, level: int) -> None:
        """Tell it to finish (1) or to end at once (2); the same again does nothing."""
        if level <= self.told:
            return
        self.told = level
        patience = SLACK + (float(self.facts.get("shutdown_timeout", 0.0)) if level == 1 else 0.0)
        self.kill_at = min(self.kill_at, time.monotonic() + patience)
        with suppress(OSError):  # it is gone already
            self.line.sendall(STOP if level == 1 else NOW)

    def kill(self) -> None:
        """End it; what it held comes back when the lease runs out."""
        self.killed = True
        self.process.kill()

    def end(self) -> str:
        """Say how it ended, and close the line."""
        status = self.process.wait()
        self.line.close()
        if status < 0:
            with suppress(ValueError):
                return f"process {self.pid} was killed by {signal.Signals(-status).name}"
        return f"process {self.pid} ended with status {status}"


def _words(settings: Settings) -> list[str]:
    return [
        word
        for option in OPTIONS
        if option.name not in _KEPT
        for word in option.words(getattr(settings, option.name))
    ]


def _python() -> list[str]:
    return [sys.executable, *(["-P"] if sys.flags.safe_path else [])]


def _environment(settings: Settings) -> dict[str, str]:
    environment = dict(os.environ)
    environment.pop("NOTIFY_SOCKET", None)  # who speaks with systemd is the parent
    if settings.url is not None:  # not in the arguments: anybody may read those
        environment["QUEUEKIT_URL"] = settings.url
    if settings.reload:  # a cached file is compared by size and full seconds: too coarse here
        environment["PYTHONDONTWRITEBYTECODE"] = "1"
    return environment
