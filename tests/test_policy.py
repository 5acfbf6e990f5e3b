"""When a failed message is tried again."""

from __future__ import annotations

import pickle
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


class Outage(ConnectionError):
    pass


def test_the_rule_of_the_most_specific_class_counts() -> None:
    patient, short = RetryPolicy(max_attempts=50, base=1), RetryPolicy(max_attempts=2)
    policy = RetryPolicy(rules={OSError: short, ConnectionError: patient, ValueError: None})
    assert patient is policy.after(Outage())
    assert short is policy.after(FileNotFoundError())
    assert policy.after(UnicodeError()) is None
    assert policy is policy.after(KeyError())
    assert policy is policy.after(None)


def test_without_an_error_the_most_patient_rule_decides_about_crashes() -> None:
    policy = RetryPolicy(3, rules={ValueError: None, OSError: RetryPolicy(5)})
    assert [False, False, True] == [policy.exhausted(n) for n in (3, 4, 5)]
    assert policy.gives_up(3)
    assert not RetryPolicy(3, rules={OSError: RetryPolicy(None)}).exhausted(10**6)
    assert RetryPolicy(3, rules={ValueError: None}).exhausted(3)


def test_full_jitter_draws_from_nothing_to_the_whole_wait() -> None:
    policy = RetryPolicy(jitter=1.0, base=8)
    assert [8.0, 4.0, 0.0] == [policy.delay(1, chance) for chance in (0.0, 0.5, 1.0)]


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ([ValueError], "mapping"),
        ({"ValueError": None}, "classes of exceptions"),
        ({KeyboardInterrupt: None}, "releases a message"),
        ({ValueError: 5}, "rule for ValueError"),
        ({ValueError: RetryPolicy(rules={KeyError: None})}, "rules of its own"),
    ],
)
def test_rules_that_are_none_are_refused(rules: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        RetryPolicy(rules=rules)


def test_a_policy_with_rules_is_a_value_too() -> None:
    rules: Any = {ValueError: None}
    policy = RetryPolicy(rules=rules)
    rules.clear()
    assert policy.after(ValueError()) is None
    assert RetryPolicy(rules={ValueError: None}) == policy != RetryPolicy()
    assert 2 == len({policy, RetryPolicy(), RetryPolicy(rules={ValueError: None})})
    assert policy == pickle.loads(pickle.dumps(policy))
