"""Every transport against the model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from .machine import MINIMUM, SCALE, Machine, Subject
from .subjects import MemorySubject, RedisSubject, SQLiteSubject


def run(subject: Callable[[], Subject], examples: int, steps: int = 40) -> None:
    seen: Counter[str] = Counter()

    class Running(Machine):
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
    few = {what: seen[what] for what, least in MINIMUM.items() if seen[what] < least}
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
