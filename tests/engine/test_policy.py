"""The retry policy as a value."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import ConfigurationError, RetryPolicy


@pytest.mark.parametrize(
    ("attempt", "seconds"), [(1, 2), (2, 8), (3, 32), (4, 128), (5, 300), (255, 300)]
)
def test_the_defaults_wait_2_8_32_128_and_then_300_seconds(attempt: int, seconds: float) -> None:
    assert seconds == RetryPolicy().delay(attempt, 0.0)


def test_jitter_takes_off_up_to_its_share() -> None:
    policy = RetryPolicy(jitter=0.5)
    assert [2.0, 1.5, 1.0] == [policy.delay(1, chance) for chance in (0.0, 0.5, 1.0)]
    assert 2.0 == RetryPolicy(jitter=0).delay(1, 1.0)


@pytest.mark.parametrize(
    "options",
    [
        {"max_attempts": 0},
        {"max_attempts": "3"},
        {"max_attempts": 2.5},
        {"max_attempts": True},
        {"base": -1},
        {"base": float("nan")},
        {"cap": float("inf")},
        {"factor": 0.5},
        {"factor": float("nan")},
        {"factor": float("inf")},
        {"factor": 1001},
        {"jitter": -0.1},
        {"jitter": 1.1},
        {"jitter": float("nan")},
    ],
)
def test_a_value_outside_of_its_bounds_is_refused(options: Any) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(options))):
        RetryPolicy(**options)


@pytest.mark.parametrize("factor", [1, 1.5, 1000, 1000.0])
def test_no_attempt_waits_longer_than_the_cap(factor: float) -> None:
    policy = RetryPolicy(factor=factor, cap=60)
    assert max(policy.delay(attempt, 0.0) for attempt in range(1, 300)) <= 60


def test_it_gives_up_at_the_last_attempt() -> None:
    assert [False, False, True, True] == [RetryPolicy(3).gives_up(n) for n in (1, 2, 3, 4)]
    assert not RetryPolicy(None).gives_up(10**6)


def test_a_policy_is_a_value() -> None:
    assert RetryPolicy() == RetryPolicy(max_attempts=10, base=2, factor=4, cap=300, jitter=0.25)
    assert 1 == len({RetryPolicy(), RetryPolicy()})
    with pytest.raises(AttributeError):
        RetryPolicy().base = 3
