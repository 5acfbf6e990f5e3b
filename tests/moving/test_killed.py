"""A mover that is killed at any of its calls, and run again: each message moves once."""

from __future__ import annotations

import pytest

from .stores import Fate, Killed, Pair, sparsely


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_kill_at_any_call_loses_and_doubles_nothing(pair: Pair, after: bool) -> None:
    calls = pair.calls()
    assert calls > 30
    for at in range(1, calls + 1):
        pair.fill()
        fate = Fate(at, after=after)
        with pytest.raises(Killed):
            pair.move(fate)
        pair.pass_time()
        pair.move()
        pair.settle(fate, f"killed at call {at}")


def test_five_kills_on_the_way_lose_and_double_nothing(pair: Pair) -> None:
    for step in range(3, pair.calls(), 4):
        pair.fill()
        fates = [Fate(step + kill, after=kill % 2 == 0) for kill in range(5)]
        for fate in fates:  # each dies in what the one before it had left
            try:
                pair.move(fate)
            except Killed:
                pair.pass_time()
        pair.move()
        for fate in fates[1:]:
            fates[0].names |= fate.names
        pair.settle(fates[0], f"killed five times from call {step} on")


@sparsely
def test_two_kills_at_any_two_calls_lose_and_double_nothing(fast_pair: Pair, stride: int) -> None:
    calls = fast_pair.calls()
    for first in range(1, calls + 1):
        for second in range(1 + first % stride, calls + 1, stride):
            fast_pair.fill()
            fate, other = Fate(first, after=True), Fate(second, after=True)
            other.names = fate.names
            for each in (fate, other):
                try:
                    fast_pair.move(each)
                except Killed:
                    fast_pair.pass_time()
            fast_pair.move()
            fast_pair.settle(fate, f"killed at call {first}, then at call {second}")
