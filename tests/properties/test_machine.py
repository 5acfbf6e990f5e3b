"""Every transport against the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from queuekit.testing.suites.samples import needs

from .machine import MINIMUM, SCALE, Machine, Subject
from .placed import PLACED_MINIMUM, PlacedMachine
from .subjects import MemorySubject, RedisSubject, SQLiteSubject


def run(
    subject: Callable[[], Subject],
    examples: int,
    steps: int = 40,
    machine: type[Machine] = Machine,
    minimum: Mapping[str, int] = MINIMUM,
) -> None:
    seen: Counter[str] = Counter()

    class Running(machine):
        def subject(self) -> Subject:
            return subject()

    Running.seen = seen
    settling = settings(
        max_examples=examples * SCALE,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(Running, settings=settling)
    few = {what: seen[what] for what, least in minimum.items() if seen[what] < least}
    assert not few, f"hardly ever happened: {few}"


@pytest.mark.timeout(120 * SCALE)
def test_memory() -> None:
    run(MemorySubject, 400)


@pytest.mark.timeout(120 * SCALE)
def test_sqlite() -> None:
    run(SQLiteSubject, 150)


@pytest.mark.redis
@pytest.mark.timeout(120 * SCALE)
def test_redis(redis_url: str, redis_client: redis.Redis) -> None:
    run(lambda: RedisSubject(redis_url, redis_client), 80)


def run_placed(
    subject: Callable[[], Subject], examples: int, sure: Iterable[str] = PLACED_MINIMUM
) -> None:
    """Run the machine with places on a store that keeps them; *sure* is what must have happened."""
    one = subject()
    transport = one.new()
    features = transport.features
    transport.close()
    one.close()
    needs(features.groups and features.priorities, "groups and priorities")
    needs(features.dedup and features.bounds, "dedup and bounds")
    minimum = {what: PLACED_MINIMUM[what] * examples // 600 for what in sure}
    run(subject, examples, machine=PlacedMachine, minimum=minimum)


@pytest.mark.timeout(120 * SCALE)
def test_places_in_memory() -> None:
    run_placed(MemorySubject, 300)


@pytest.mark.timeout(120 * SCALE)
def test_places_in_sqlite() -> None:
    run_placed(SQLiteSubject, 150)


@pytest.mark.redis
@pytest.mark.timeout(120 * SCALE)
def test_places_in_redis(redis_url: str, redis_client: redis.Redis) -> None:
    # of one run in a hundred this small some rules are no part; all are in those above
    sure = ("placed", "behind", "joined late")
    run_placed(lambda: RedisSubject(redis_url, redis_client), 60, sure)
