"""
Producers, which put through lanes, and operators, who recover or purge by hand.

A send reaches the store one command at a time, as those of the consumers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .habits import Habits, Sends, Told, later
from .store import SIGN, Command, Reply


class ProducerPlan(NamedTuple):
    """What one producer puts: calls, each of chunks, which are messages stored in one step."""

    name: str
    calls: tuple[tuple[tuple[str, ...], ...], ...]
    delay: int = 0
    failures: int = 0
    """How many calls it may give up, to repeat them later by their token."""
    placed: bool = False
    """Whether its messages have places."""
    key: str = ""
    most: int = 0
    """The bound of the queue; 0 means none."""
    turn: int = 0
    """Of two producers, where they share a lane, who has the even numbers."""


class Producer(NamedTuple):
    """One producer: idle, or waiting for the answer to one chunk."""

    plan: ProducerPlan
    phase: str = "idle"
    next: int = 0
    call: int = 0
    chunk: int = 0
    lane: str = ""
    number: int = 0
    is_new: bool = False
    free: str = ""
    """The lane that may be used, if there is one, and the last number in it."""
    last: int = 0
    lanes: int = 0
    failed: tuple[tuple[int, str, int], ...] = ()
    failures: int = 0
    pending: Sends = ()
    answer: Reply = ()
    late: tuple[Sends, ...] = ()
    twice: bool = False
    """Whether the chunk was sent again."""

    @property
    def token(self) -> str:
        """The token of the call."""
        return f"{self.plan.name}.{self.call}"

    def starts(self, now: int, habits: Habits) -> Iterator[tuple[str, Producer]]:
        """Yield what it may do by itself."""
        if self.phase == "wait":
            if self.failures:
                yield "gives its put up", self.given_up(habits)
            return
        if self.next < len(self.plan.calls):
            new = self._replace(next=self.next + 1, call=self.next, chunk=0, is_new=True)
            if not habits.own_lane:
                new = new._replace(lane="shared", number=2 * self.next + self.plan.turn + 1)
            elif self.free:
                new = new._replace(lane=self.free, number=self.last + 1, free="")
            else:
                lane = f"{self.plan.name}{self.lanes + 1}"
                new = new._replace(lane=lane, number=1, lanes=self.lanes + 1)
            yield f"puts {self.plan.calls[self.next]}", new.send(habits)
        for each in self.failed:
            call, lane, number = each
            left = tuple(other for other in self.failed if other != each)
            new = self._replace(call=call, chunk=0, lane=lane, number=number, is_new=False)
            new = new._replace(failed=left)
            yield f"puts {self.plan.calls[call]} again by its token", new.repeated(now, habits)

    def send(self, habits: Habits) -> Producer:
        """Send a chunk for the first time."""
        return self.repeated(0, habits)._replace(twice=False)

    def given_up(self, habits: Habits) -> Producer:
        """Fail the call; its send may still arrive."""
        new = self._replace(phase="idle", failures=self.failures - 1, answer=(), pending=())
        new = new._replace(late=later(self.late, self.pending))
        first = self.number - self.chunk
        new = new._replace(failed=(*self.failed, (self.call, self.lane, first)))
        return new if habits.fresh_lane else new.lane_back()

    def lane_back(self) -> Producer:
        """Make the lane free for the next call, behind all numbers of this one."""
        last = self.number - self.chunk + len(self.plan.calls[self.call]) - 1
        return self._replace(free=self.lane, last=last)

    def repeated(self, now: int, habits: Habits) -> Producer:
        """Send the chunk, with the same number however often."""
        messages = self.plan.calls[self.call][self.chunk]
        plan = self.plan
        put: Command = ("put", self.lane, self.number, plan.delay, self.chunk, messages)
        if plan.placed or plan.key or plan.most:
            put = ("put_placed", *put[1:], plan.key, self.token, plan.most)
        pending: Sends = (put,)
        if habits.lane_apart:
            pending += (("mark_lane", self.lane, self.number),)
        return self._replace(phase="wait", pending=pending, answer=(), twice=True)

    def answered(self, now: int, habits: Habits) -> tuple[Producer, Told]:
        """Go on with the next chunk, or report that all are stored."""
        status, *values = self.answer
        told: Told = (("stored", self.plan.calls[self.call][self.chunk]),)
        if status in {"KNOWN", "FULL"}:
            new = self._replace(phase="idle", answer=())
            if self.is_new and not self.twice:
                new = new.lane_back()
            which = () if self.twice else self.plan.calls[self.call][self.chunk]
            told = ((status.lower(), self.plan.key, self.token, values[0], which),)
            return new._replace(call=0, chunk=0, lane="", number=0, is_new=False), told
        if self.chunk + 1 < len(self.plan.calls[self.call]):
            new = self._replace(chunk=self.chunk + 1, number=self.number + 1)
            return new.send(habits), told
        new = self._replace(phase="idle", answer=())
        if self.is_new and habits.own_lane:
            new = new.lane_back()
        return new._replace(call=0, chunk=0, lane="", number=0, is_new=False), told


class Operator(NamedTuple):
    """Somebody who recovers or purges by hand, in the steps of ``plan``."""

    plan: tuple[str, ...]
    phase: str = "idle"
    pending: Sends = ()
    answer: Reply = ()
    late: tuple[Sends, ...] = ()
    knows: bool = False
    """Whether it has met that the queue keeps places."""

    def starts(self, now: int, habits: Habits) -> Iterator[tuple[str, Operator]]:
        """Yield the first step."""
        if self.phase == "idle" and self.plan:
            yield f"sends {self.plan[0]}", self.step()

    def step(self) -> Operator:
        """Send the next step; what takes tokens takes those of the answer before."""
        name, *rest = self.plan
        arguments: tuple[object, ...] = {"due": (10,), "promote": (100,), "stats": ((),)}.get(
            name, ()
        )
        if name in {"recover", "purge_claims"}:
            arguments = (tuple(token for token in self.answer[-1] if token != SIGN),)
        if self.knows and name in {"recover", "promote"}:
            name += "_placed"
        return self._replace(
            phase="wait", plan=tuple(rest), pending=((name, *arguments),), answer=()
        )

    def answered(self, now: int, habits: Habits) -> tuple[Operator, Told]:
        """Go on with the next step."""
        if habits.meets_sign and SIGN in (self.answer[-1] if self.answer[0] == "TOKENS" else ()):
            return self._replace(knows=True).answered(now, Habits(meets_sign=False))
        return (self.step() if self.plan else self._replace(phase="stop", answer=())), ()

    def repeated(self, now: int, habits: Habits) -> Operator:
        """Stop: a step whose outcome is unknown is not repeated here."""
        return self._replace(phase="stop", plan=(), pending=(), answer=())
