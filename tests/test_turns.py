"""The turns of a queue with limits, and the keys that it remembers: pure, by hand."""

from __future__ import annotations

import random

import pytest

from queuekit._marks import Marks
from queuekit._turns import Turns
from queuekit.abilities import Limits


def turns_of(**limits: float) -> Turns:
    turns = Turns()
    turns.limits = Limits(**limits)
    return turns


def test_without_limits_there_are_turns_without_end() -> None:
    turns = Turns()
    turns.take(now=1.0, count=1000)
    assert float("inf") == turns.free(now=1.0, held=10**6)
    assert None is turns.next(now=1.0)


def test_the_next_turn_comes_when_it_is_said() -> None:
    turns = turns_of(rate=2, per=1.0, burst=3)
    assert 3 == turns.free(now=100.0, held=0)
    assert None is turns.next(now=100.0)
    turns.take(now=100.0, count=2)
    assert None is turns.next(now=100.0)
    turns.take(now=100.0, count=1)
    assert 0 == turns.free(now=100.0, held=0)
    assert 100.5 == turns.next(now=100.0)
    assert 0 == turns.free(now=100.4, held=0)
    assert 1 == turns.free(now=100.5, held=0)
    assert None is turns.next(now=100.5)
    assert 3 == turns.free(now=101.5, held=0)


def test_a_first_claim_finds_its_turn_whatever_the_clock_shows() -> None:
    for now in (-50.0, 0.0, 1e9):
        assert 1 == turns_of(rate=1, per=60.0).free(now=now, held=0)


@pytest.mark.parametrize("burst", [1, 2, 7])
@pytest.mark.parametrize("rate", [1, 3, 10])
def test_at_most_rate_and_burst_are_taken_in_any_time(rate: int, burst: int) -> None:
    chance, now = random.Random(rate * burst), 0.0
    turns, taken = turns_of(rate=rate, per=1.0, burst=burst), list[float]()
    for _ in range(2000):
        now += chance.choice([0.0, 0.01, 0.1, 0.3, 2.0])
        count = int(min(chance.randint(1, 4), turns.free(now=now, held=0)))
        if count:
            turns.take(now=now, count=count)
            taken += [now] * count
    assert len(taken) > 300
    for start, first in enumerate(taken):
        within = sum(one <= first + 1.0 - 1e-6 for one in taken[start:])
        assert within <= rate + burst


def test_who_waits_for_each_turn_gets_the_whole_rate() -> None:
    turns, now = turns_of(rate=10, per=1.0), 0.0
    for _ in range(100):
        now = turns.next(now=now) or now
        assert 1 == turns.free(now=now, held=0)
        turns.take(now=now, count=1)
    assert now == pytest.approx(9.9)


def test_ended_keys_are_forgotten_as_new_ones_come() -> None:
    marks = Marks()
    for n in range(10_000):
        marks.set(f"{n}", "value", now=float(n), window=10.0)
    assert len(marks._values) < 200
    assert "value" == marks.get("9995", now=9999.0)
    assert None is marks.get("9000", now=9999.0)


def test_no_key_is_forgotten_before_its_end() -> None:
    marks = Marks()
    for n in range(1000):
        marks.set(f"{n}", "value", now=0.0, window=10.0)
    assert all(marks.get(f"{n}", now=9.9) for n in range(1000))
    assert not any(marks.get(f"{n}", now=10.0) for n in range(1000))
