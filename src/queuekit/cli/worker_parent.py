"""
``-p`` and ``--reload``: a process that does no work itself, and keeps those that do.

It starts them as commands of their own, so nothing is shared by ``fork``; ends them when it is told
to; starts anew those that die; and gives up when they do not stay alive.
"""

from __future__ import annotations

import logging
import os
import selectors
import signal
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import Final

from ..errors import ConfigurationError
from .main import FAILED, UNFINISHED
from .worker_files import Watch
from .worker_process import Child
from .worker_settings import Settings
from .worker_state import STALE, Beats, Facts, notify

PATIENCE: Final = 0.5
"""Seconds before a child that died is followed by another; doubled with each death in a row."""
LONGEST: Final = 30.0
DEATHS: Final = 8
"""Deaths in a row after which there is no point in going on."""
SETTLED: Final = 60.0
"""Seconds after which a child that lives has made up for the deaths before it."""
TICK: Final = 1.0
LOOK: Final = 0.3
"""Seconds between two looks whether a file has changed."""

_ENDING: Final = ("taking no more, finishing what is in work", "ending at once")
_log = logging.getLogger("queuekit")


@dataclass(slots=True)
class _Place:
    """One of the ``--processes``: a child, or the wait for the next one, or over."""

    child: Child | None = None
    deaths: int = 0
    start_at: float = 0.0
    over: bool = False


class Parent:
    """The processes of one ``queuekit worker``."""

    def __init__(self, target: str, settings: Settings) -> None:
        if os.name != "posix":
            raise ConfigurationError(
                "--processes and --reload need a POSIX system; start several workers instead"
            )
        self._target = target
        self._settings = settings
        self._places = [_Place() for _ in range(settings.processes)]
        self._selector = selectors.DefaultSelector()
        self._heard: list[int] = []
        """Signals that were not obeyed yet: a handler may come in the middle of a log record."""
        self._ending = 0
        """Signals so far, or 1 when this gave up."""
        self._replacing = False
        self._ready = False
        self._status = 0
        self._watch = Watch() if settings.reload else None
        self._beats = Beats(settings.state, self._facts)

    def run(self) -> int:
        """Return the status when all children are done, were told to end, or do not stay alive."""
        awake, bell = socket.socketpair()
        with awake, bell, self._selector:
            for end in (awake, bell):
                end.setblocking(False)
            self._selector.register(awake, selectors.EVENT_READ)
            signal.set_wakeup_fd(bell.fileno(), warn_on_full_buffer=False)
            self._listen()
            self._beats.start()
            try:
                while self._turn():
                    self._wait(awake)
            finally:
                for child in self._living():
                    child.kill()
                    child.end()
                self._beats.stop()
                signal.set_wakeup_fd(-1)
        return self._status

    def _listen(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._hear)
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)  # wakes `_wait`
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup
            signal.signal(signal.SIGHUP, self._hear)

    def _turn(self) -> bool:
        """Look after every place, and say whether there is more to do."""
        while self._heard:
            self._obey(signal.Signals(self._heard.pop(0)))
        if self._watch is not None and (files := self._watch.changed()):
            _log.info("starting again: %s changed", ", ".join(files))
            self._replacing = True
        if self._replacing and not self._ending:
            self._replace()
        self._replacing = False
        for place in self._places:
            self._look_after(place)
        if self._ending:
            return bool(self._living())
        return not all(place.over for place in self._places)

    def _wait(self, awake: socket.socket) -> None:
        """Wait for a signal, a word or the end of a child, the next start, or a tick."""
        now = time.monotonic()
        due = [place.start_at - now for place in self._places if not (place.child or place.over)]
        tick = TICK if self._watch is None else LOOK
        for key, _ in self._selector.select(max(0.0, min([tick, *due]))):
            if key.fileobj is awake:
                with suppress(BlockingIOError):
                    awake.recv(4096)

    def _look_after(self, place: _Place) -> None:
        child = place.child
        if child is None:
            if not (place.over or self._ending) and time.monotonic() >= place.start_at:
                place.child = Child(self._target, self._settings)
                self._selector.register(place.child.line, selectors.EVENT_READ)
            return
        child.tell(min(self._ending, 2))
        if time.monotonic() >= child.kill_at and not child.killed:
            _log.error("process %d did not end in time: killing it", child.pid)
            child.kill()
        gone = child.process.poll() is not None  # before its last words are heard
        for said in child.hear():
            if self._watch is not None:
                self._watch.add(said.get("files", ()), child.since)
            if said.get("ready") and not self._ready:
                self._ready = True
                notify("READY=1")
        if (child.closed or gone) and child.line in self._selector.get_map():
            self._selector.unregister(child.line)
        if gone:
            place.child = None
            self._conclude(place, child)

    def _conclude(self, place: _Place, child: Child) -> None:
        """Decide what follows the end of a child."""
        how = child.end()
        status = child.process.returncode
        if (status == UNFINISHED or child.killed) and not self._status:
            self._status = UNFINISHED
        if self._ending or child.told:  # replaced: the next one starts at once
            place.start_at = 0.0
        elif status == 0:
            place.over = bool(child.facts.get("done"))  # else somebody sent it a signal
        elif self._watch is not None:
            _log.error("%s; waiting for a change in its files", how)
            place.start_at = float("inf")
        else:
            self._count_death(place, child, how)

    def _count_death(self, place: _Place, child: Child, how: str) -> None:
        settled = time.monotonic() - child.born > SETTLED
        place.deaths = 1 if settled else place.deaths + 1
        if child.process.returncode > 0 and not self._ready:
            self._give_up(f"{how} before it was ready: giving up", child.process.returncode)
        elif place.deaths >= DEATHS:
            self._give_up(f"{how}, {place.deaths} deaths in a row: giving up", FAILED)
        else:
            wait = min(PATIENCE * 2 ** (place.deaths - 1), LONGEST)
            place.start_at = time.monotonic() + wait
            _log.error("%s; another one starts in %.1f s", how, wait)

    def _give_up(self, why: str, status: int) -> None:
        _log.critical("%s", why)
        self._status = status
        self._ending = max(self._ending, 1)

    def _replace(self) -> None:
        """End the children that there are; each is followed by a new one."""
        for place in self._places:
            place.deaths = 0
            place.start_at = 0.0
            if place.child is not None:
                place.child.tell(1)

    def _living(self) -> list[Child]:
        return [place.child for place in self._places if place.child is not None]

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self._heard.append(number)

    def _obey(self, number: signal.Signals) -> None:
        if number is signal.SIGHUP and not (sys.stdin and sys.stdin.isatty()):
            _log.info("SIGHUP: starting the processes again")
            self._replacing = True
        else:  # also a SIGHUP where the terminal was closed
            self._ending += 1
            _log.info("%s: %s", number.name, _ENDING[min(self._ending, 2) - 1])

    def _facts(self) -> Facts:
        """Return what the state file says; read from another thread."""
        now = time.monotonic()
        children = [child for child in self._living() if child.facts.get("ready")]
        return {
            "target": self._target,
            "processes": [child.pid for child in children],
            "silent": [child.pid for child in children if now - child.heard > STALE],
        }
