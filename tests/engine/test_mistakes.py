# Generated from test_mistakes_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Mistakes of the caller: refused with the way out, before anything is done."""

from __future__ import annotations

from typing import Any, cast

import pytest

from queuekit import ConfigurationError, RetryPolicy, Unsupported

from .colour import MARKS
from .rig import BOTH, Rig

pytestmark = MARKS


def test_what_is_no_message_is_refused_and_nothing_is_settled() -> None:
    rig = Rig()
    jobs: Any = rig.jobs()
    jobs.put("a")
    message = jobs.get()
    for verb in (jobs.ack, jobs.release, jobs.extend, jobs.fail, jobs.reject):
        for nonsense in (None, 5, b"x"):
            with pytest.raises(ConfigurationError, match="get\\(\\) returns None"):
                verb(message, nonsense)
    assert not message.settled
    assert 1 == (rig.counts()).claimed
    message.ack()


def test_fail_and_reject_take_messages_only() -> None:
    jobs: Any = Rig().jobs()
    jobs.put("a")
    message = jobs.get()
    for verb in (jobs.fail, jobs.reject):
        with pytest.raises(ConfigurationError, match="only ack, release and extend"):
            verb(message.receipt)
    jobs.ack(message.receipt)


def test_a_message_of_another_queue_is_refused() -> None:
    rig = Rig()
    jobs, other = rig.jobs(), rig.jobs().dead
    jobs.put("a")
    message = jobs.get(block=True)
    with pytest.raises(ConfigurationError, match="'jobs' cannot be settled on 'jobs!dead'"):
        other.ack(cast(Any, message))
    assert not message.settled


def test_a_message_named_twice_is_settled_once() -> None:
    jobs = Rig().jobs()
    jobs.put_many([1, 2])
    first, second = jobs.get_many(2)
    jobs.ack(first, first, second)
    assert (0, 0, 0) == jobs.stats()


@BOTH
@pytest.mark.parametrize("bodies", ["abc", b"abc", {"to": "ada"}, 5])
def test_put_many_refuses_a_single_body(kind: str, bodies: Any) -> None:
    rig = Rig()
    with pytest.raises(ConfigurationError, match="use put"):
        rig.build(kind).put_many(bodies)
    assert (0, 0, 0) == rig.counts()


def test_a_policy_that_is_none_is_refused_when_the_queue_is_built() -> None:
    with pytest.raises(ConfigurationError, match=r"RetryPolicy\(max_attempts=3\)"):
        Rig().jobs(retry=3)
    Rig().jobs(retry=RetryPolicy())


@BOTH
def test_a_store_that_cannot_wait_is_not_asked_to(kind: str) -> None:
    rig = Rig()
    rig.cut_waits(0.0)
    queue: Any = rig.build(kind)
    queue.put(1)
    for wait in ({"timeout": 1}, {"block": True}):
        with pytest.raises(Unsupported, match="timeout=0"):
            queue.get(**wait)
    with pytest.raises(Unsupported, match="timeout=0"):
        queue.consume()
    assert queue.get() is not None


@BOTH
def test_a_handler_that_yields_is_refused(kind: str) -> None:
    def handle(item: Any) -> Any:
        yield item

    with pytest.raises(ConfigurationError, match="yields"):
        Rig().build(kind).worker(cast(Any, handle))
