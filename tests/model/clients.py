"""
Consumers as state machines: what they may do next, and what they believe.

A client that is killed or pauses takes no further step; that needs no move, since every state is
checked. A send reaches the store one command at a time. When the connection is cut, what was not
executed stays in ``late``: it may arrive at any later time, or never.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from .habits import DELAY, LEASE, SHORT, Habits, Sends, Told, later, show
from .producers import Operator, Producer
from .server import BUDGET
from .store import SIGN, Reply, Wanted


class ConsumerPlan(NamedTuple):
    """What one consumer does."""

    name: str
    tokens: tuple[str, ...]
    limit: int = 2
    ops: tuple[str, ...] = ("A*",)
    """What it does with messages: a verb with ``*`` (all it holds), ``!`` (all it was given) or
    nothing (each alone), and ``d`` for a delay. X extends, x extends by less than is left."""
    extends: int = 0
    interrupts: int = 0
    budget: int = BUDGET


class Op(NamedTuple):
    """A settlement or an extension under way."""

    kind: str
    wanted: Wanted
    delayed: bool = False


class Consumer(NamedTuple):
    """One consumer: idle, waiting for answers, or holding what it claimed."""

    plan: ConsumerPlan
    phase: str = "idle"
    used: int = 0
    token: str = ""
    twice: bool = False
    """Whether the claim was sent again without an answer to the first send."""
    doing: str = ""
    request: Sends = ()
    pending: Sends = ()
    answer: Reply = ()
    waited: bool = False
    op: Op | None = None
    again: bool = False
    items: Wanted = ()
    given: Wanted = ()
    size: int = 0
    sent: int = 0
    until: int = 0
    extends: int = 0
    interrupts: int = 0
    late: tuple[Sends, ...] = ()
    knows: bool = False
    """Whether it has met that the queue keeps places."""

    def script(self, name: str) -> str:
        """Return the script that does it, as far as is known."""
        return f"{name}_placed" if self.knows else name

    def starts(self, now: int, habits: Habits) -> Iterator[tuple[str, Consumer]]:
        """Yield what it may do by itself."""
        plan = self.plan
        if self.phase == "idle" and self.used < len(plan.tokens):
            token = plan.tokens[self.used]
            claim = ((self.script("claim"), token, LEASE, plan.limit),)
            new = self._replace(used=self.used + 1, token=token)
            yield f"sends claim({token})", new.send("claim", claim, now)
        elif self.phase == "hold":
            for op in self.choices():
                new = self._replace(op=op, again=False)
                if op.kind in "Xx":
                    new = new._replace(extends=self.extends - 1)
                request = new.command(habits)
                yield (
                    f"sends {show(request[0])}",
                    new.send("extend" if op.kind in "Xx" else "settle", request, now),
                )
        elif self.phase == "wait" and self.doing == "claim" and self.interrupts:
            yield "is interrupted and gives back", self.interrupted(now, habits)

    def choices(self) -> Iterator[Op]:
        """Yield what it may do with what it holds."""
        for code in self.plan.ops:
            kind, how = code[0], code[1:]
            if kind in "Xx":
                if self.extends:
                    yield Op(kind, self.items)
            elif "*" in how:
                yield Op(kind, self.items, "d" in how)
            elif "!" in how:
                if self.items != self.given:
                    yield Op(kind, self.given)
            elif len(self.items) > 1:
                for each in self.items:
                    yield Op(kind, (each,), "d" in how)

    def command(self, habits: Habits) -> Sends:
        """Return what does ``op``."""
        op, token = self.op, self.token
        assert op is not None
        if op.kind in "Xx":
            lease = LEASE if op.kind == "X" else SHORT
            return (("extend", token, lease, tuple(i for i, _ in op.wanted)),)
        whole = len(op.wanted) == self.size
        if op.kind == "A" and whole and habits.acks != "script" and not (self.twice or self.again):
            both = {"list": ("delete_list", token, op.wanted), "lease": ("delete_lease", token)}
            first = habits.acks.split(", ")[0]
            return both.pop(first), *both.values()
        spend = self.twice and habits.suffix
        size = self.size if whole or habits.names_size == "always" else 0
        delay = DELAY if op.delayed else 0
        again = self.again and habits.repeats_ask == "mark"
        name = self.script("settle") if habits.receipts_know else "settle"
        return ((name, token, op.kind, again, spend, delay, 0, size, op.wanted),)

    def send(self, doing: str, request: Sends, now: int, ahead: Sends = ()) -> Consumer:
        """Send *request*, and *ahead* of it what is never repeated."""
        sent = now if doing != "settle" else self.sent
        return self._replace(
            phase="wait",
            doing=doing,
            request=request,
            pending=ahead + request,
            answer=(),
            sent=sent,
        )

    def answered(self, now: int, habits: Habits) -> tuple[Consumer, Told]:
        """Go on with the last answer of a send."""
        status, *values = self.answer
        if self.doing == "giveback":
            return self.idle(), (("over", self.token),)
        if self.doing == "claim":
            return self.claimed(now, habits)
        op = self.op
        assert op is not None
        new = self._replace(phase="hold", doing="", request=(), op=None, again=False, answer=())
        if self.doing == "extend":
            if values[0]:
                return self.idle(), ()
            until = max(self.until, self.since(now, habits) + (LEASE if op.kind == "X" else SHORT))
            return new._replace(until=until), (("extended", self.token),)
        lost = values[0] if status == "LOST" else ()
        if status == "GONE":  # one of the two commands found no list
            lost = tuple(range(1, len(op.wanted) + 1))
        if self.again and habits.repeats_ask == "clock":
            lost = lost if now >= self.until else ()
        key = (self.token, op.kind, op.wanted)
        # A repeat cannot know of a place that the caller had ended by another verb before: the
        # claim may be over since (the protocol's R4). Of such places a first send must be right.
        told = tuple(
            ("settled", key, each[1], n not in lost)
            for n, each in enumerate(op.wanted, 1)
            if not self.again or each in self.items
        )
        left = tuple(each for each in self.items if each not in op.wanted)
        return (new._replace(items=left) if left else self.idle()), told

    def claimed(self, now: int, habits: Habits) -> tuple[Consumer, Told]:
        """Go on with the answer of a claim."""
        status, *values = self.answer
        claim = (self.script("claim"), self.token, LEASE, self.plan.limit)
        if status in {"GOT", "AGAIN"} and values[0]:
            held, size = values
            until = self.since(now, habits) + LEASE
            new = self._replace(phase="hold", doing="", request=(), answer=(), waited=False)
            return new._replace(items=held, given=held, size=size, until=until), ()
        if status == "SPENT":
            return self.idle(), ()
        if status == "DUE":
            if values[0][0] == SIGN:
                claim = ("claim_placed", *claim[1:])
                return self._replace(waited=False, knows=True).send("claim", (claim,), now), ()
            recover = (self.script("recover"), values[0], self.plan.budget)
            return self._replace(waited=False).send("claim", (recover, claim), now), ()
        if not self.waited:
            ahead: Sends = (("blmove",),)
            if habits.waits == "private":
                ahead = (("blmove", self.token),)
                claim = ("top_up", self.token, LEASE, self.plan.limit)
            return self._replace(waited=True).send("claim", (claim,), now, ahead), ()
        if self.twice and habits.gives_back_empty:
            return self.send("giveback", self.giveback(habits), now), ()
        return self.idle(), (("over", self.token),)

    def since(self, now: int, habits: Habits) -> int:
        """Return from when it counts its lease, at the latest."""
        if habits.believes_from == "answer":
            return now + 1  # an answer travels, too
        return now if self.twice else self.sent  # a repeat may have been sent only just now

    def giveback(self, habits: Habits) -> Sends:
        """Return what undoes the claim."""
        give = (self.script("giveback"), self.token)
        return (give, ("mark_token", self.token)) if habits.giveback_apart else (give,)

    def interrupted(self, now: int, habits: Habits) -> Consumer:
        """Give the claim back on a new connection; the old one may still bring it."""
        new = self._replace(interrupts=self.interrupts - 1, late=later(self.late, self.pending))
        return new.send("giveback", self.giveback(habits), now)

    def repeated(self, now: int, habits: Habits) -> Consumer:
        """Send again, on a new connection, what had no answer."""
        if self.doing == "claim":
            request = self.request
            if request[0][0] == "top_up":  # the private wait began anew
                request = (("claim", *request[0][1:]),)
            return self._replace(twice=True, waited=False).send("claim", request, now)
        if self.doing == "settle":
            new = self._replace(again=True)
            return new.send("settle", new.command(habits), now)
        return self.send(self.doing, self.request, now)

    def idle(self) -> Consumer:
        """Forget the call."""
        return Consumer(
            self.plan,
            used=self.used,
            extends=self.extends,
            interrupts=self.interrupts,
            late=self.late,
            knows=self.knows,
        )

    def believes(self, now: int) -> Wanted:
        """Return the places that it takes for its own: not those it is about to settle."""
        if self.until <= now:
            return ()
        busy = self.op.wanted if self.op and self.doing == "settle" else ()
        return tuple(each for each in self.items if each not in busy)


Client: TypeAlias = "Consumer | Producer | Operator"


def name_of(client: Client) -> str:
    """Return what a trace calls it."""
    return "operator" if isinstance(client, Operator) else client.plan.name
