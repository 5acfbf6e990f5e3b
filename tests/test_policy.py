"""When a failed message is tried again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from queuekit._policy import RetryPolicy
from queuekit.errors import ConfigurationError


def test_the_defaults_wait_as_the_manual_says() -> None:
    policy = RetryPolicy()
    waits = [policy.delay(attempt, chance=0.0) for attempt in range(1, 8)]
    assert [2.0, 8.0, 32.0, 128.0, 300.0, 300.0, 300.0] == waits
    assert [False, True] == [policy.gives_up(9), policy.gives_up(10)]


@given(st.integers(1, 10**6), st.floats(0, 1), st.floats(0, 1), st.floats(1, 1000))
def test_no_wait_exceeds_the_cap_or_falls_below_the_jitter(
    attempt: int, chance: float, jitter: float, factor: float
) -> None:
    policy = RetryPolicy(base=2.0, cap=50.0, jitter=jitter, factor=factor)
    assert 0 <= policy.delay(attempt, chance) <= 50.0
    assert policy.delay(attempt, 0.0) * (1 - jitter) <= policy.delay(attempt, chance) + 1e-9


def test_without_a_limit_nothing_is_given_up() -> None:
    assert not RetryPolicy(max_attempts=None).gives_up(10**9)


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_attempts": 0},
        {"max_attempts": -1},
        {"base": -1.0},
        {"base": float("nan")},
        {"cap": float("inf")},
        {"factor": 0.5},
        {"factor": 1001.0},
        {"factor": float("nan")},
        {"jitter": -0.1},
        {"jitter": 1.1},
        {"jitter": float("nan")},
    ],
    ids=str,
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        RetryPolicy(**wrong)
