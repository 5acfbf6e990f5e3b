"""What a run came to: one account, one row of the table."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from dataclasses import dataclass, field

HEAD = (
    "| run | put ok / unknown / rejected | delivered | acked | duplicates explained / unexplained"
    " | lost | ghosts | order breaks | stale acks refused | latest redelivery | resumed after |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


@dataclass
class Account:
    """Counts of one run, all computed from ledgers."""

    ok: int = 0
    unknown: int = 0
    rejected: int = 0
    delivered: int = 0
    """Deliveries, repeated ones included."""
    acked: int = 0
    """Messages that were seen to be acked."""
    kills: int = 0
    cuts: int = 0
    explained: dict[str, int] = field(default_factory=dict)
    """Repeated deliveries, by why: kill, expiry, unknown, returned."""
    unexplained: int = 0
    lost: int = 0
    maybe_lost: int = 0
    """FIFO only: what a pop without an answer may have taken."""
    ghosts: int = 0
    breaks: int = 0
    """Of order: taken though an older one, never claimed, was ready."""
    stale: int = 0
    """Ends that were refused, since the message was another's by then."""
    latest: float = 0.0
    """Seconds from the end of a lease to the redelivery, at the most."""
    resumed: float | None = None
    """Seconds from the end of an outage to the next delivery, at the most."""
    faults: list[str] = field(default_factory=list)
    """Each fault in words, the first of each kind."""

    @property
    def passed(self) -> bool:
        """Whether every message is accounted for."""
        return not (self.lost or self.ghosts or self.unexplained or self.breaks or self.faults)

    def add(self, other: Account) -> None:
        """Take in the account of another run."""
        for name, value in vars(other).items():
            mine = getattr(self, name)
            if name == "explained":
                for why, count in value.items():
                    mine[why] = mine.get(why, 0) + count
            elif name in {"latest", "resumed"}:
                seen = [one for one in (mine, value) if one is not None]
                setattr(self, name, max(seen, default=None))
            else:
                setattr(self, name, mine + value)

    def row(self, run: str) -> str:
        """Return the row of the table."""
        why = ", ".join(f"{count} {name}" for name, count in sorted(self.explained.items()))
        lost = f"{self.lost}" + (f" (+ {self.maybe_lost} in cut pops)" if self.maybe_lost else "")
        counts = {"kills": self.kills, "cuts": self.cuts}
        harm = [f"{count} {what}" for what, count in counts.items() if count]
        cells = (
            ", ".join([run, *harm]),
            f"{self.ok:,} / {self.unknown:,} / {self.rejected:,}",
            f"{self.delivered:,}",
            f"{self.acked:,}",
            f"{sum(self.explained.values())}{f' ({why})' if why else ''} / {self.unexplained}",
            lost,
            self.ghosts,
            self.breaks,
            self.stale,
            f"{self.latest:.2f} s" if self.latest else "-",
            "-" if self.resumed is None else f"{self.resumed:.2f} s",
        )
        return "| " + " | ".join(map(str, cells)) + " |"


def table(rows: Iterable[tuple[str, Account]], server: str, seed: int) -> str:
    """Return the table in Markdown, with what it was measured on."""
    import redis

    versions = f"Python {platform.python_version()}, redis-py {redis.__version__}, {server}"
    lines = [f"{versions}, seed {seed}", "", HEAD, *(account.row(run) for run, account in rows)]
    return "\n".join(lines) + "\n"
