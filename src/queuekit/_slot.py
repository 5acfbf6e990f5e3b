# Generated from _slot_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""One thread (task) of a worker: it takes messages, has them handled, and settles them."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from functools import partial
from typing import Generic, TypeVar

from ._acompat import Handler, call
from ._batch import Batch
from ._hooks import Hooks, tell
from ._intake import Intake
from ._renewals import Leased
from ._tally import Outcome, Tally
from .errors import LeaseLost, TransportError
from .message import Message
from .serializer import T
from .transport import Receipt

M = TypeVar("M")

_log = logging.getLogger("queuekit")


class Slot(Generic[T]):
    """One of those that work at the same time, for one worker."""

    def __init__(self, intake: Intake[T], hooks: Hooks | None = None) -> None:
        from ._crew import Canceller

        self.working: Message[T] | None = None
        """What was handed out last, and is not known to be done."""
        self.gathered: list[Message[T]] = []
        """What was handed out for one call of a batch handler."""
        self.wanting = False
        """Whether it waits for a message."""
        self.busy = False
        """Whether its handler is at work."""
        self.tally = Tally()
        self._intake = intake
        self._hooks = hooks
        self._begun = 0.0
        self._told: set[str] = set()
        self._given_back: set[str] = set()
        self._canceller = Canceller()

    def loop(self, handler: Handler[Message[T]]) -> None:
        """Take messages and work on them, one after the other, to the end of the worker's run."""
        while (message := self._intake.take(self)) is not None:
            self.work(message, handler)

    def loop_batches(self, handler: Handler[list[Message[T]]], batch: Batch) -> None:
        """Do so with several at a time."""
        while True:
            self._intake.gather(self, batch.size, batch.wait)
            if not self.gathered:
                return
            self.work_batch(self.gathered, handler)
            self.gathered = []

    def work(self, message: Message[T], handler: Handler[Message[T]]) -> None:
        """
        Call a handler and settle: ack when it returns, fail when it raises.

        Unless it settled the message itself. What interrupts it from outside (Ctrl-C, a cancelled
        task) releases the message uncounted and propagates.
        """
        self._begin((message,))
        error: Exception | None = None
        try:
            with message:
                self._call(handler, message, message)
        except LeaseLost as exc:
            error = exc
            _log.warning("queue %r: %s: %s", message.queue.name, message.id, exc, exc_info=True)
        except Exception as exc:  # noqa: BLE001 - whatever a handler raises must not end the loop
            error = exc
            _log.exception("queue %r: message %s was not done", message.queue.name, message.id)
        finally:
            self.busy = False
            self._end(message, error)

    def work_batch(self, messages: list[Message[T]], handler: Handler[list[Message[T]]]) -> None:
        """Do so for several of one queue: what the handler settled itself stays so."""
        queue = messages[0].queue
        self._begin(messages)
        error: Exception | None = None
        try:
            try:
                self._call(handler, list(messages), *messages)
            except Exception as exc:  # noqa: BLE001 - whatever it raises must not end the loop
                error = exc
                _log.exception("queue %r: a batch of %d was not done", queue.name, len(messages))
            self._settle([one for one in messages if not one.settled], error)
        except (LeaseLost, TransportError) as exc:
            error = error or exc
            _log.warning("queue %r: a batch could not be settled: %s", queue.name, exc)
        except BaseException:
            left = [one for one in messages if not one.settled]
            queue.give_back(self.let_go(*left))
            raise
        finally:
            self.busy = False
            for message in messages:
                self._end(message, error)

    def takes(self, message: Message[T]) -> bool:
        """
        Take the ack of a message along to the next claim; False says that it has to be sent.

        See ``Messages.takes``.
        """
        queue = message.queue
        if self._intake.confirm or message.settled or message is not self.working:
            return False
        if queue.riding.closed or message.attempt > 1 or queue.retry.gives_up(1):
            return False
        if message.until - time.monotonic() < queue.lease / 2:
            return False
        queue.riding.add(message)
        return True

    def let_go(self, *messages: Message[T]) -> list[Receipt]:
        """Return the receipts of messages and of all claimed ahead of them, to be released."""
        for tap in self._intake.taps:
            if messages and tap.queue is messages[0].queue:
                return tap.let_go(*messages)
        return []

    def give_up(self, tally: Tally) -> None:
        """Give back what its handler holds, and whatever that will say of it does not count."""
        for tap in self._intake.taps:
            messages = self.leased(tap.queue)
            for message in messages:
                message.settled, message.outcome = True, "released"
                self._given_back.add(message.id)
                tally.add("released")
                _log.warning(
                    "queue %r: message %s was given back, its handler still runs",
                    tap.queue.name,
                    message.id,
                )
            tap.queue.give_back([message.receipt for message in messages])

    def leased(self, queue: object) -> Sequence[Message[T]]:
        """Return what it works on, of one queue; called by the heartbeat's thread (task)."""
        found = list(self.gathered)
        message = self.working
        if message is not None and message not in found:
            found.append(message)
        return [one for one in found if not one.settled and one.queue is queue]

    def begun(self) -> float:
        """Return when its handler was called."""
        return self._begun if self.busy else time.monotonic()

    def lose(self, message: Leased) -> None:
        """Hear of the heartbeat that a lease is lost, or must be, since it could not be renewed."""
        if message.id not in self._told:
            self._told.add(message.id)
            how = "was lost" if message.until < 0 else "ran out"
            _log.warning("the lease of message %s %s: it may be with others", message.id, how)
        now = time.monotonic()
        held = [*self.gathered, self.working]
        if all(one is None or one.settled or one.until <= now for one in held):
            self._canceller.cancel()

    def _call(self, handler: Handler[M], item: M, *messages: Message[T]) -> None:
        self._canceller.begin()
        try:
            call(handler, item)
        except BaseException as exc:
            if self._canceller.over(exc):
                ids = [message.id for message in messages]
                raise LeaseLost("the lease was lost, so the handler was cancelled", ids) from None
            raise
        self._canceller.over()

    def _settle(self, messages: list[Message[T]], error: Exception | None) -> None:
        """Say of the messages of a batch what the outcome of its handler says."""
        if not messages:
            return
        queue = messages[0].queue
        if error is not None:
            for message in messages:
                message.__exit__(type(error), error, error.__traceback__)
            return
        try:
            queue.ack(*messages)
        except Exception:
            raise
        except BaseException:  # the work is done, and perhaps the store has not heard it
            queue.ack_again(*messages)
            raise

    def _begin(self, messages: Sequence[Message[T]]) -> None:
        self._told.clear()
        self._begun = time.monotonic()
        self.busy = True
        self.tally.got += len(messages)
        hooks = self._hooks
        if hooks is not None:
            for message in messages:
                tell(partial(hooks.got, message))

    def _end(self, message: Message[T], error: Exception | None) -> None:
        if message.id in self._given_back:
            return
        outcome = _outcome(message, error)
        self.tally.add(outcome)
        hooks = self._hooks
        if hooks is None or outcome == "released":
            return
        seconds = time.monotonic() - self._begun
        if outcome == "done":
            tell(partial(hooks.done, message, seconds))
        elif outcome == "failed":
            tell(partial(hooks.failed, message, error, seconds))
        elif outcome == "dead":
            tell(partial(hooks.dead, message, error, seconds))
        else:
            tell(partial(hooks.lease_lost, message, seconds))


def _outcome(message: Message[T], error: Exception | None) -> Outcome:
    """Return what became of a message; of what the store could not be told, that it is lost."""
    if message.outcome is not None:
        return message.outcome
    return "done" if message.settled and not isinstance(error, TransportError) else "lost"
