# Generated from _serving_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""A worker: several threads (tasks) that work on the messages of one or several queues."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final, Generic, cast, overload

from ._acompat import Handler, check_handler, complete
from ._batch import Batch
from ._checks import check_count, check_seconds, refuse_type
from ._deadline import consuming_time
from ._hooks import Hooks
from ._intake import Intake
from ._order import Order, turns
from ._settling import SettlingQueue
from ._signals import Signals
from ._slot import Slot
from ._tally import Reason, RunReport, Tally, report
from .errors import ConfigurationError
from .message import Message
from .serializer import T

if TYPE_CHECKING:
    from ._crew import Crew
    from ._keeping import Keeper
    from .reliable import ReliableQueue

_GRACE: Final = 1.0
"""Seconds, beside the longest wait of the store, for what was interrupted to give back."""

_IN_TURN: Final = 0.5
"""Seconds, in all, for which what is interrupted at the end gives back one after the other."""

_LONG: Final = 3600.0
"""Seconds between two looks of a run that nothing ends."""


class Worker(Generic[T]):
    """
    Work on the messages of reliable queues: so many at a time, each by one call of *handler*.

    When the handler returns, the message is acked; when it raises, the error is logged, the message
    fails by its queue's policy, and the work goes on. It may settle the message itself. Leases are
    renewed while it works. While a store is out of reach the worker waits, and goes on by itself.

    Args:
        queues: One reliable queue or several, on any transports.
        handler: Called with a message, or with ``batch`` with a list of messages. In an asyncio
            worker it is cancelled when the lease of what it works on is lost.
        concurrency: Threads (tasks).
        prefetch: Messages claimed at a time by one of them; see ``ReliableQueue.consume``.
        timeout: End after so many seconds without a message; 0 when empty, None never.
        max_messages: End after so many.
        max_seconds: End after so long; what is being worked on is finished.
        shutdown_timeout: Seconds that handlers may go on after a stop; then their messages are
            released, uncounted.
        order: How to look at several queues: ``"strict"``, in the given order each time;
            ``"fair"``, in turns; ``{name: weight}``, as often as the weights say.
        hooks: Hears what becomes of messages.
        batch: How many messages the handler gets at a time.
        confirm: Wait for the store's answer to each ack; see ``ReliableQueue.consume``.
        max_time: Seconds of one call of the handler after which the lease is not renewed any more.
            When it runs out, the message is lost to this handler and comes again, counted.

    Raises:
        ConfigurationError: No queue, one of the other colour or kind, a handler that cannot be
            called, a bad option, ``max_time`` together with ``prefetch``.
    """

    @overload
    def __init__(
        self,
        queues: ReliableQueue[T] | Sequence[ReliableQueue[T]],
        handler: Handler[Message[T]],
        *,
        concurrency: int = ...,
        prefetch: int = ...,
        timeout: float | None = ...,
        max_messages: int | None = ...,
        max_seconds: float | None = ...,
        shutdown_timeout: float = ...,
        order: Order = ...,
        hooks: Hooks | None = ...,
        batch: None = ...,
        confirm: bool = ...,
        max_time: float | None = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        queues: ReliableQueue[T] | Sequence[ReliableQueue[T]],
        handler: Handler[list[Message[T]]],
        *,
        concurrency: int = ...,
        prefetch: int = ...,
        timeout: float | None = ...,
        max_messages: int | None = ...,
        max_seconds: float | None = ...,
        shutdown_timeout: float = ...,
        order: Order = ...,
        hooks: Hooks | None = ...,
        batch: Batch,
        confirm: bool = ...,
        max_time: float | None = ...,
    ) -> None: ...
    def __init__(
        self,
        queues: ReliableQueue[T] | Sequence[ReliableQueue[T]],
        handler: Handler[Any],
        *,
        concurrency: int = 1,
        prefetch: int = 1,
        timeout: float | None = None,
        max_messages: int | None = None,
        max_seconds: float | None = None,
        shutdown_timeout: float = 30.0,
        order: Order = "strict",
        hooks: Hooks | None = None,
        batch: Batch | None = None,
        confirm: bool = False,
        max_time: float | None = None,
    ) -> None:
        check_handler(handler)
        self._handler = handler
        self._queues = _checked_queues(queues, batch)
        self._concurrency = check_count("concurrency", concurrency)
        self._prefetch = check_count("prefetch", prefetch)
        self._timeout = consuming_time(timeout)
        self._max_messages = (
            None if max_messages is None else check_count("max_messages", max_messages)
        )
        self._max_seconds = _seconds("max_seconds", max_seconds)
        self._shutdown_timeout = check_seconds("shutdown_timeout", shutdown_timeout)
        self._order = order
        turns(order, [queue.name for queue in self._queues])
        if hooks is not None and not isinstance(hooks, Hooks):
            refuse_type("hooks= must be Hooks", hooks, "use an object of a subclass of Hooks")
        self._hooks = hooks
        self._batch = batch
        self._confirm = bool(confirm)
        self._max_time = _seconds("max_time", max_time)
        if self._max_time is not None and self._prefetch > 1:
            raise ConfigurationError(
                "with prefetch= a message shares its lease with those claimed behind it, and"
                " max_time= lets it run out: give one of the two"
            )
        self._crew: Crew[Slot[T]] | None = None
        self._intake: Intake[T] | None = None
        self._reason: Reason | None = None
        self._stop_at: float | None = None
        self._signals = 0

    @property
    def handler(self) -> Handler[Any]:
        """The function itself."""
        return self._handler

    @property
    def queues(self) -> tuple[SettlingQueue[T], ...]:
        """Where the messages come from."""
        return self._queues

    @property
    def shutdown_timeout(self) -> float:
        """Seconds that handlers may go on after a stop."""
        return self._shutdown_timeout

    def run(self) -> RunReport:
        """
        Work until nothing came for ``timeout``, a limit is reached, or it is stopped.

        In the main thread, SIGTERM and SIGINT stop it: the first one as ``stop`` does, the second
        one as ``stop(now=True)``; afterwards they do what they did before. After an error that
        cannot pass (a wrong password), it ends what it works on and raises it.

        Raises:
            TransportError: A store refuses to be asked.
            ConfigurationError: It runs already.
        """
        from ._crew import Crew
        from ._keeping import Keeper

        if self._crew is not None:
            raise ConfigurationError("this worker runs already; build another one")
        intake = self._intake = Intake(
            self._queues,
            turns(self._order, [queue.name for queue in self._queues]),
            timeout=self._timeout,
            prefetch=self._prefetch,
            confirm=self._confirm,
            most=self._max_messages,
        )
        slots = intake.slots = [Slot(intake, self._hooks) for _ in range(self._concurrency)]
        if self._stop_at is not None:
            intake.stop()
        keeper = Keeper(intake.renewals(self._max_time))
        crew = self._crew = Crew[Slot[T]]()
        unfinished: list[Slot[T]] = []
        given_back, cut_short = Tally(), 0
        try:
            with Signals(self._hear):
                keeper.start()
                crew.start(slots, self._work)
                try:
                    self._supervise(crew, intake)
                finally:
                    cut_short = sum(slot.busy for slot in crew.left())
                    unfinished = complete(lambda: self._end(crew, intake, given_back))
        finally:
            complete(lambda: self._close(keeper, intake))
            reason = self._reason or ("messages" if intake.left == 0 else "idle")
            self._crew, self._intake, self._reason, self._stop_at = None, None, None, None
            self._signals = 0
        if crew.error is not None and not isinstance(crew.error, _Interrupted):
            raise crew.error
        tallies = [*(slot.tally for slot in slots), given_back]
        return report(reason, tallies, len(unfinished), cut_short)

    def _close(self, keeper: Keeper, intake: Intake[T]) -> None:
        """End the heartbeat, send the acks that travel, give back what was claimed ahead."""
        keeper.stop()
        intake.close()

    def stop(self, *, now: bool = False) -> None:
        """
        End the run, from any thread or signal handler: take no more, finish what is under way.

        What is not finished after ``shutdown_timeout``, or at once with *now*, is released,
        uncounted, for others to work on. The handler of an asyncio worker is cancelled then; a
        thread cannot be: it goes on, its ``message.held`` is false, and nothing that it says of the
        message counts. Before a run, this ends the next one.
        """
        self._halt("stopped", now=now)

    def _halt(self, reason: Reason, *, now: bool = False) -> None:
        self._reason = self._reason or reason
        at = time.monotonic() + (0.0 if now else self._shutdown_timeout)
        self._stop_at = at if self._stop_at is None else min(at, self._stop_at)
        if self._intake is not None:
            self._intake.stop()
        if self._crew is not None:
            self._crew.wake()

    def _hear(self, number: int) -> None:
        """Hear a signal: in the main thread, between two steps of whatever runs there."""
        self._signals += 1
        if self._signals > 2:  # whatever holds the main thread up, such as a blocked event loop
            raise _Interrupted
        self._halt("signal", now=self._signals == 2)

    def _work(self, slot: Slot[T]) -> None:
        if self._batch is None:
            slot.loop(self._handler)
        else:
            slot.loop_batches(self._handler, self._batch)

    def _supervise(self, crew: Crew[Slot[T]], intake: Intake[T]) -> None:
        """Return when all are at their end, or their time is up."""
        given_back = False
        began = time.monotonic()
        end = math.inf if self._max_seconds is None else began + self._max_seconds
        while left := crew.left():
            now = time.monotonic()
            if now >= end:
                self._halt("seconds")
            if crew.error is not None:
                self._halt("stopped")
            stop_at = self._stop_at
            if stop_at is None:
                crew.wait(min(end - now, _LONG))
                continue
            if not given_back:
                given_back = True
                intake.give_back()
            if now >= stop_at:
                return
            crew.cancel([slot for slot in left if not slot.busy])
            crew.wait(min(stop_at - now, _LONG))

    def _end(self, crew: Crew[Slot[T]], intake: Intake[T], given_back: Tally) -> list[Slot[T]]:
        """Interrupt what is not done, give back its messages; return whose handler still runs."""
        intake.stop()
        waits = [queue.transport.features.max_wait for queue in self._queues]
        end = time.monotonic() + max(waits) + _GRACE
        unfinished: list[Slot[T]] = []
        while left := [slot for slot in crew.left() if slot not in unfinished]:
            left.sort(key=Slot[T].begun, reverse=True)  # the oldest goes to the head last
            late = time.monotonic() >= end
            stuck = [slot for slot in crew.cancel(left, _IN_TURN) if slot.busy]  # threads
            for slot in left if late else stuck:
                slot.give_up(given_back)
                unfinished.append(slot)
            if not stuck and not late:
                crew.wait(end - time.monotonic())
        return unfinished


class _Interrupted(KeyboardInterrupt):
    """The run is to end, and is told so in the middle of a handler that lets nothing else run."""


def _checked_queues(queues: object, batch: object) -> tuple[SettlingQueue[Any], ...]:
    """Return the queues of a worker, or refuse what is none."""
    found: tuple[object, ...] = (
        tuple(cast("Sequence[object]", queues)) if isinstance(queues, Sequence) else (queues,)
    )
    if not found:
        raise ConfigurationError("a worker needs a queue")
    for queue in found:
        if not isinstance(queue, SettlingQueue):
            refuse_type("Worker takes ReliableQueue objects", queue, "build such a queue")
    checked = cast("tuple[SettlingQueue[Any], ...]", found)
    if batch is None:
        return checked
    if not isinstance(batch, Batch):
        refuse_type("batch= must be a Batch", batch, "use Batch(size=100, wait=0.5)")
    for queue in checked:
        if queue.lease < 4 * batch.wait:
            raise ConfigurationError(
                f"a batch that waits {batch.wait:g} s needs a lease of at least {4 * batch.wait:g}"
                f" s, that of {queue.name!r} is {queue.lease:g} s"
            )
    return checked


def _seconds(what: str, value: float | None) -> float | None:
    return None if value is None else check_seconds(what, value, positive=True)
