"""What all clients share: their habits, and how what they send is kept and shown."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from .store import Command

LEASE, SHORT, DELAY = 2, 1, 1
VERBS = {"A": "ack", "F": "fail", "R": "release", "D": "reject"}

Sends: TypeAlias = "tuple[Command, ...]"
Told: TypeAlias = "tuple[tuple[object, ...], ...]"
"""What a client reports to its caller; ``invariants.truthful`` looks whether it is true."""


@dataclass(frozen=True)
class Habits:
    """What a client does, each as the code does it; a mutant changes one."""

    waits: str = "landing"
    """Where BLMOVE puts what it finds: the landing list, or the claim's own (private)."""
    suffix: bool = True
    """Receipts of a claim that was sent more than once make its end leave a mark."""
    gives_back_empty: bool = True
    """A call that found nothing after a repeat ends its token."""
    giveback_apart: bool = False
    """The mark of a claim given back is set by a second command."""
    acks: str = "script"
    """How a whole claim is acked: by the script, or by two commands, which of them first."""
    repeats_ask: str = "mark"
    """What tells a repeat how the first send ended: mark, clock or nothing."""
    names_size: str = "whole"
    """When an ack carries the claim's size: when it names the whole of it, or always."""
    believes_from: str = "send"
    """What the client's lease is counted from: before the send, or the answer."""
    fresh_lane: bool = True
    """A lane whose put failed is not used again."""
    own_lane: bool = True
    """A lane belongs to one call at a time."""
    meets_sign: bool = True
    """Who recovers by hand uses the scripts that know places once a look shows the sign."""
    receipts_know: bool = True
    """Receipts of a queue that keeps places say so."""
    lane_apart: bool = False
    """The lane's number is stored by a second command."""


def later(late: tuple[Sends, ...], pending: Sends) -> tuple[Sends, ...]:
    """Add what an old connection may still bring."""
    return (*late, pending) if pending else late


def show(command: Command) -> str:
    """Return a command as a trace shows it."""
    name, *rest = command
    if name in {"settle", "settle_placed"}:
        token, verb, again, spend, delay, _, _, wanted = rest
        places = ",".join(str(i) for i, _ in wanted)
        notes = [" again"] * again + [" spend"] * spend + [" delayed"] * bool(delay)
        return f"{VERBS[verb]}({token}.{places}{''.join(notes)})"
    return f"{name}({', '.join(map(str, rest))})"
