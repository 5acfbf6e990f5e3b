"""What a worker's run came to: why it ended, and what became of its messages. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, TypeAlias

Outcome: TypeAlias = Literal["done", "failed", "dead", "released", "lost"]
"""What became of a message."""

Reason: TypeAlias = Literal["idle", "messages", "seconds", "stopped", "signal"]
"""Why a run ended: by timeout=, max_messages=, max_seconds=, stop(), SIGTERM or SIGINT."""


class Tally:
    """What became of the messages of one thread (task)."""

    __slots__ = ("counts", "got")

    def __init__(self) -> None:
        self.got = 0
        self.counts: dict[Outcome, int] = {}

    def add(self, outcome: Outcome) -> None:
        """Count one message."""
        self.counts[outcome] = self.counts.get(outcome, 0) + 1


@dataclass(frozen=True, slots=True)
class RunReport:
    """What a run came to. ``got`` is the sum of what follows it, if every handler has ended."""

    reason: Reason
    """``"idle"``: nothing came for ``timeout``; ``"messages"``: ``max_messages`` were taken;
    ``"seconds"``: ``max_seconds`` were over; ``"stopped"``: by ``stop``; ``"signal"``: by SIGTERM
    or SIGINT."""
    got: int
    """Messages that the handler was called with."""
    done: int
    failed: int
    """To be tried again."""
    dead: int
    released: int
    """Given back uncounted: by the handler, or because its time was up when the run ended."""
    lost: int
    """Their lease was lost: others have or had them."""
    unfinished: int
    """Handlers that were still running when the run ended: threads, which nobody can end."""
    cut_short: int = 0
    """Handlers that were at work when the time was up: tasks, which were cancelled, and threads.
    What they worked on is among what was released, if they had not settled it."""


def report(reason: Reason, tallies: Iterable[Tally], unfinished: int, cut_short: int) -> RunReport:
    """Sum up."""
    tallies = list(tallies)

    def count(outcome: Outcome) -> int:
        return sum(tally.counts.get(outcome, 0) for tally in tallies)

    return RunReport(
        reason=reason,
        got=sum(tally.got for tally in tallies),
        done=count("done"),
        failed=count("failed"),
        dead=count("dead"),
        released=count("released"),
        lost=count("lost"),
        unfinished=unfinished,
        cut_short=cut_short,
    )
