"""One process that works: from the handler's name to the status."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from types import FrameType

from .. import AsyncWorker, Hooks, RunReport
from .main import UNFINISHED
from .worker_build import AnyWorker, build
from .worker_child import Line
from .worker_files import own_files
from .worker_guard import guard
from .worker_settings import Settings
from .worker_state import Beats, Facts, notify
from .worker_target import load

_log = logging.getLogger("queuekit")


def work(target: str, settings: Settings, child: int | None) -> int:
    """
    Load a handler, work until the worker is at its end, and return the status.

    Args:
        target: ``pkg.module:handler``.
        settings: How.
        child: The line to the parent, for one of several processes.
    """
    if settings.url is not None:
        os.environ["QUEUEKIT_URL"] = settings.url  # for the queues that the module builds
    run = _Run(target, None if child is None else Line(child))
    run.listen()
    try:
        worker = build(load(target), target, settings, run.counts)
    except BaseException as exc:
        run.say(files=own_files(exc))  # or --reload would not know what to watch
        raise
    run.worker = worker
    beats = Beats(settings.state if child is None else None, run.facts)
    run.say(ready=True, shutdown_timeout=worker.shutdown_timeout)
    beats.start()
    if child is None:  # a child has its parent
        guard(worker.shutdown_timeout)
    notify("READY=1")
    _log.info("%s works on %s", target, ", ".join(repr(queue.name) for queue in worker.queues))
    try:
        report = _report(worker)
    finally:
        beats.stop()
    _log.info("ended: %s", report)
    run.say(done=report.reason not in ("signal", "stopped"))
    if child is None and run.again and not report.unfinished:
        _start_again()
    return _status(report)


class _Counts(Hooks):
    """What a worker did so far."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, int] = {"got": 0, "done": 0, "failed": 0, "dead": 0, "lost": 0}

    def now(self) -> Mapping[str, int]:
        return dict(self._counts)

    def got(self, message: object) -> None:
        self._add("got")

    def done(self, message: object, seconds: float) -> None:
        self._add("done")

    def failed(self, message: object, error: Exception | None, seconds: float) -> None:
        self._add("failed")

    def dead(self, message: object, error: Exception | None, seconds: float) -> None:
        self._add("dead")

    def lease_lost(self, message: object, seconds: float) -> None:
        self._add("lost")

    def _add(self, name: str) -> None:
        with self._lock:
            self._counts[name] += 1


class _Run:
    """The worker of this process, and those who may end it."""

    def __init__(self, target: str, line: Line | None) -> None:
        self.worker: AnyWorker | None = None
        """None while the handler is loaded."""
        self.counts = _Counts()
        self.again = False
        """Whether to start anew, for a SIGHUP."""
        self._target = target
        self._line = line
        self._modules = 0

    def say(self, **facts: object) -> None:
        """Tell the parent, if there is one."""
        if self._line is not None:
            self._line.say(**facts)

    def listen(self) -> None:
        """Hear the parent and signals; while the worker runs, SIGTERM and SIGINT are its own."""
        for number in (signal.SIGTERM, signal.SIGINT):
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda _number, _frame: self.tell(1))
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            signal.signal(signal.SIGHUP, self._hang_up)
        if self._line is not None:
            self._line.listen(self.tell)

    def tell(self, level: int) -> None:
        """Finish (1), or end at once (2)."""
        if self.worker is None:  # nothing is held yet, and an import may take long
            os._exit(0)
        self.worker.stop(now=level > 1)

    def facts(self) -> Facts:
        """Return what this worker says of itself, every few seconds; the parent hears it too."""
        facts = {"target": self._target, **self.counts.now()}
        self.say(**facts)
        if self._line is not None and len(sys.modules) != self._modules:
            self._modules = len(sys.modules)
            self.say(files=own_files())
        return facts

    def _hang_up(self, _number: int, _frame: FrameType | None) -> None:
        self.again = not (sys.stdin and sys.stdin.isatty())  # else its terminal was closed
        self.tell(1)


def _report(worker: AnyWorker) -> RunReport:
    if not isinstance(worker, AsyncWorker):
        try:
            return worker.run()
        finally:
            for queue in worker.queues:
                queue.close()
    import asyncio

    return asyncio.run(_run_async(worker))


async def _run_async(worker: AsyncWorker[object]) -> RunReport:
    try:
        return await worker.run()
    finally:
        for queue in worker.queues:
            await queue.aclose()


def _status(report: RunReport) -> int:
    if report.unfinished:  # threads that nobody can end: do not take the modules from under them
        logging.shutdown()
        sys.stdout.flush()
        os._exit(UNFINISHED)
    return UNFINISHED if report.cut_short else 0


def _start_again() -> None:
    """Become a new process, with the same number: that is what service managers look at."""
    logging.shutdown()
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ourselves
