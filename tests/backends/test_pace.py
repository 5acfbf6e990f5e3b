"""The pauses between looks for what other processes pushed."""

from __future__ import annotations

from queuekit.backends._pace import Pace


def pauses(pace: Pace, queue: str, start: float, seconds: float) -> list[float]:
    """Return the pauses of one wait in which nothing comes."""
    pause, now, found = pace.shortest, start, list[float]()
    while now < start + seconds:
        found.append(pause)
        now += pause
        pause = pace.after(pause, queue, now)
    return found


def test_looks_are_frequent_while_messages_come_and_rare_when_none_does() -> None:
    pace = Pace(0.001, 0.008)
    idle = pauses(pace, "q", 100.0, 1.0)
    assert 0.008 == idle[-1] == max(idle)
    assert len(idle) < 150
    pace.came("q", 200.0)
    assert {0.001} == set(pauses(pace, "q", 200.0, 0.045))
    assert 0.008 == pauses(pace, "q", 200.0, 1.0)[-1]
    assert 0.008 == max(pauses(pace, "other", 200.0, 0.045))
