"""The situations that are searched, each in a small size for every run and a full one."""

from __future__ import annotations

from typing import Any, NamedTuple

from .clients import Client, Consumer, ConsumerPlan
from .habits import DELAY
from .producers import Operator, Producer, ProducerPlan
from .store import Entry, Store

ONE = ((("p1",),),)
TWO = ((("p1",),), (("p2",),))
VERBS = ("A*", "A", "F", "R")


class Scenario(NamedTuple):
    """Who is there, what lies ready, and what may go wrong how often."""

    clients: tuple[Client, ...]
    ready: int = 0
    cuts: int = 0
    """Connections cut and replies lost."""
    end: int = 2
    """When time stops."""
    crashes: int = 0

    def store(self) -> Store:
        """Return the state at the start."""
        names = tuple(f"m{n}" for n in range(1, self.ready + 1))
        return Store(queue=tuple(Entry(name) for name in names), put=names)


def consumer(name: str, tokens: str = "", **plan: object) -> Consumer:
    """Return a consumer with its tokens, by default one."""
    names = tuple((tokens or f"{name.lower()}1").split())
    made = ConsumerPlan(name, names, **plan)
    return Consumer(made, extends=made.extends, interrupts=made.interrupts)


def producer(name: str, calls: tuple[tuple[tuple[str, ...], ...], ...], **plan: Any) -> Producer:
    """Return a producer of these calls."""
    made = ProducerPlan(name, calls, **plan)
    return Producer(made, failures=made.failures)


def _wait(full: bool) -> Scenario:
    """Two idle consumers, two messages, one cut."""
    people = (producer("P", TWO), consumer("A", "a1 a2" if full else "a1"), consumer("B"))
    return Scenario(people, cuts=1, end=4 if full else 2)


def _late(full: bool) -> Scenario:
    """Two cuts: a request delivered late meets the repeat and what follows."""
    people = (producer("P", ONE), consumer("A", "a1 a2"))
    if full:
        return Scenario((*people, consumer("B", limit=1)), ready=1, cuts=2, end=3)
    return Scenario((consumer("A", "a1 a2"), consumer("B", limit=1)), ready=2, cuts=2, end=2)


def _partial(full: bool) -> Scenario:
    """Each message of a claim meets an end of its own, while another recovers."""
    ops = (*VERBS, "D", "A!") if full else ("A", "F", "A!")
    a, b = consumer("A", ops=ops), consumer("B", "b1 b2" if full else "b1")
    return Scenario((a, b), ready=2, cuts=1, end=3 if full else 2)


def _settle(full: bool) -> Scenario:
    """Settlements cut twice."""
    ops = ("A*", "F*", "R*", "D*", "A", "F") if full else ("A*", "F*", "R*", "D*")
    people = (consumer("A", ops=ops), consumer("B", limit=1))
    return Scenario(people, ready=2 if full else 1, cuts=2, end=3 if full else 2)


def _three(full: bool) -> Scenario:
    """A claim of three, of which the middle may be settled first."""
    a = consumer("A", limit=3, ops=(*VERBS, "A!") if full else ("A", "R"))
    return Scenario((a, consumer("B", limit=1)), ready=3, cuts=int(full), end=3 if full else 2)


def _extend(full: bool) -> Scenario:
    """Extensions, also by less than what is left, against recovery."""
    a = consumer("A", ops=("A*", "X", "x"), extends=2 if full else 1)
    b = consumer("B", "b1 b2", ops=("A*", "X"), extends=1) if full else consumer("B")
    return Scenario((a, b), ready=1, cuts=1, end=5 if full else 3)


def _put(full: bool) -> Scenario:
    """Puts in one and two chunks, repeated, given up and repeated by their token."""
    p = producer("P", ((("p1",), ("p2",)), (("p3",),)) if full else TWO, failures=1)
    q = producer("Q", ((("q1", "q2"),), (("q3",),)) if full else ((("q1",),),), turn=1)
    people = (p, q, consumer("A")) if full else (p, q)
    return Scenario(people, cuts=2 if full else 1, end=1 if full else 0)


def _order(full: bool) -> Scenario:
    """What goes back to the head, while a message stands in the landing list."""
    a = consumer("A", limit=1, ops=("A*", "R*"))
    people = (producer("P", ONE), a, consumer("B", limit=1))
    if full:
        return Scenario((*people, consumer("D", limit=1)), ready=2, cuts=0, end=3)
    return Scenario(people, ready=1, cuts=0, end=2)


def _purge(full: bool) -> Scenario:
    """A purge of what is ready and delayed."""
    a = consumer("A", ops=("A*", "A", "Fd*"))
    people = (a, consumer("B", limit=1), Operator(("purge",)))
    return Scenario(people, ready=2, cuts=int(full), end=3 if full else 2)


def _purge_claims(full: bool) -> Scenario:
    """A purge of claims as well, which the protocol describes and no verb does yet."""
    a = consumer("A", ops=("A*", "A"))
    steps = Operator(("stats", "purge_claims"))
    b = (consumer("B", limit=1),) if full else ()
    return Scenario((a, *b, steps), ready=2, cuts=1, end=3 if full else 2)


def _crash(full: bool) -> Scenario:
    """The store loses the end of its log."""
    a, b = consumer("A", ops=("A*", "F*")), consumer("B")
    if full:
        return Scenario((producer("P", ONE), a, b), ready=1, cuts=0, end=3, crashes=1)
    return Scenario((a, b), ready=1, cuts=0, end=2, crashes=1)


def _narrow(full: bool) -> Scenario:
    """A claim that stands in front of another in the window of expired ones."""
    people = (consumer("A", limit=1), consumer("B", "b1 b2" if full else "b1", limit=1))
    return Scenario(people, ready=2, cuts=1, end=3 if full else 2)


def _giveback(full: bool) -> Scenario:
    """A claim that is interrupted, and may still arrive."""
    a = consumer("A", "a1 a2" if full else "a1", interrupts=1)
    b = consumer("B", limit=1, ops=("A*", "R*") if full else ("A*",))
    p = (producer("P", ONE),) if full else ()
    return Scenario((*p, a, b), ready=1 if full else 2, cuts=1, end=3 if full else 2)


def _delay(full: bool) -> Scenario:
    """Delayed puts and delayed ends, promoted by claims."""
    p = producer("P", ((("p1",), ("p2",)),) if full else ONE, delay=DELAY)
    a = consumer("A", ops=("A*", "Fd*", "Rd*"), limit=2 if full else 1)
    b = consumer("B", "b1 b2" if full else "b1", limit=1)
    return Scenario((p, a, b), ready=1, cuts=int(full), end=4 if full else 3)


def _by_hand(full: bool) -> Scenario:
    """Recovery and promotion by call, from a look that may be old."""
    a = consumer("A", ops=("A*", "X", "Fd*"), extends=1)
    steps = Operator(("due", "recover", "promote"))
    b = (consumer("B", limit=1),) if full else ()
    return Scenario((a, *b, steps), ready=2 if full else 1, cuts=1, end=4 if full else 3)


def _budget(full: bool) -> Scenario:
    """Claims that have more messages than one recovery takes."""
    a, b = consumer("A", budget=1), consumer("B", limit=1, budget=1)
    c = consumer("C", "c1 c2" if full else "c1", limit=3, budget=1)
    return Scenario((a, b, c), ready=3, cuts=0, end=3 if full else 2)


def _levels(full: bool) -> Scenario:
    """Levels, put while one consumer waits and another holds what it claimed before the sign."""
    p = producer("P", ((("p1^1", "p2"),),) + ((("p3^1",),),) * full, placed=True)
    a = consumer("A", "a1 a2" if full else "a1", limit=1, ops=("A*", "R*"))
    b = consumer("B", limit=2, ops=("A*", "F*") if full else ("A*",))
    return Scenario((p, a, b), ready=1, cuts=1, end=3 if full else 2)


def _groups(full: bool) -> Scenario:
    """A group of two or three, whose first is acked, failed, released or expires."""
    p = producer("P", ((("p1@g", "p2@g"),),) + ((("p3@g",),),) * full, placed=True)
    a = consumer("A", "a1 a2", ops=("A*", "F*", "R*", "D*"))
    b = consumer("B", limit=2)
    return Scenario((p, a, b), cuts=1, end=3 if full else 2)


def _group_delay(full: bool) -> Scenario:
    """A group whose first waits for its next try, while one of it becomes due."""
    late = producer("L", ((("p9@g",),),), placed=True, delay=DELAY)
    p = producer("P", ((("p1@g", "p2@g"),),), placed=True)
    a = consumer("A", "a1 a2", ops=("A*", "Fd*", "Rd*"))
    b = (consumer("B", limit=2),) if full else ()
    return Scenario((late, p, a, *b), cuts=int(full), end=4 if full else 3)


def _group_ends(full: bool) -> Scenario:
    """Groups that are purged or given back."""
    p = producer("P", ((("p1@g", "p2@g", "p3@h^1"),),), placed=True)
    a = consumer("A", "a1 a2" if full else "a1", ops=("A*", "A", "Fd*"), interrupts=1)
    steps = Operator(("purge_placed",))
    return Scenario((p, a, steps), cuts=1, end=3 if full else 2)


def _by_hand_placed(full: bool) -> Scenario:
    """Recovery and promotion by call, by who knows nothing of places."""
    p = producer("P", ((("p1@g", "p2@g^1"),),), placed=True)
    a = consumer("A", "a1 a2" if full else "a1", ops=("A*", "Fd*"))
    steps = Operator(("due", "recover", "promote"))
    return Scenario((p, a, steps), ready=1, cuts=1, end=4 if full else 3)


def _keys(full: bool) -> Scenario:
    """Two producers with one key, and room for one message."""
    p = producer("P", ONE, key="k", most=1, failures=1)
    q = producer("Q", ((("q1",),),), key="k", most=1, failures=1)
    a = (consumer("A", "a1 a2"),) if full else ()
    return Scenario((p, q, *a), cuts=2, end=int(full))


_ALL = {
    each.__name__[1:]: each
    for each in (
        _wait, _late, _partial, _settle, _three, _extend, _put, _order, _purge, _purge_claims,
        _crash, _narrow, _giveback, _delay, _by_hand, _budget,
        _levels, _groups, _group_delay, _group_ends, _by_hand_placed, _keys,
    )
}  # fmt: skip
SMALL = {name: make(False) for name, make in _ALL.items()}
FULL = {name: make(True) for name, make in _ALL.items()}

TWIN = Scenario((consumer("A", "t1"), consumer("B", "t1")), ready=1, end=2)
"""One token in two live clients: never promised."""
