"""A deadline and its slices."""

from __future__ import annotations

import math

import pytest

from queuekit._deadline import Deadline, waiting_time
from queuekit.errors import ConfigurationError


def test_what_is_left_shrinks_to_nothing() -> None:
    deadline = Deadline(10.0, now=100.0)
    assert [10.0, 4.0, 0.0, 0.0] == [deadline.left(now) for now in (100.0, 106.0, 110.0, 999.0)]


def test_a_slice_is_as_long_as_it_may_be() -> None:
    deadline = Deadline(2.5, now=0.0)
    assert [1.0, 1.0, 0.5, 0.0] == [deadline.slice(now, 1.0) for now in (0.0, 1.0, 2.0, 3.0)]


def test_without_a_timeout_there_is_no_end() -> None:
    deadline = Deadline(None, now=0.0)
    assert math.inf == deadline.left(1e12)
    assert 1.0 == deadline.slice(1e12, 1.0)


def test_a_timeout_of_nothing_is_over_at_once() -> None:
    assert 0.0 == Deadline(0.0, now=5.0).left(5.0)


def test_what_remains_is_a_timeout() -> None:
    assert Deadline(None, now=0.0).remaining(1e12) is None
    assert 4.0 == Deadline(10.0, now=0.0).remaining(6.0)


def test_how_long_a_get_waits() -> None:
    assert [0.0, 0.0, None, 5.0, 5.0] == [
        waiting_time(None, None),
        waiting_time(False, None),
        waiting_time(True, None),
        waiting_time(None, 5.0),
        waiting_time(True, 5),
    ]
    for block, timeout in [(False, 5.0), (False, 0.0), (None, -1.0), (True, float("nan"))]:
        with pytest.raises(ConfigurationError):
            waiting_time(block, timeout)
