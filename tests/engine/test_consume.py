# Generated from test_consume_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Consuming: an iterator that errors do not end, and that can be told to stop."""

from __future__ import annotations

import time
from typing import Any

import pytest

from queuekit import ConfigurationError, TransportUnavailable
from queuekit._acompat import sleep

from .colour import MARKS, Background
from .rig import BOTH, NAME, Rig

pytestmark = MARKS


def bodies_of(kind: str, source: Any) -> list[Any]:
    """Consume until the end; ack what can be acked."""
    found = []
    for item in source:
        if kind == "jobs":
            item.ack()
        found.append(item if kind == "queue" else item.body)
    return found


@BOTH
def test_it_yields_in_order_and_ends_when_the_queue_is_empty(kind: str) -> None:
    rig = Rig()
    queue = rig.build(kind)
    queue.put_many(range(10))
    start = time.monotonic()
    assert list(range(10)) == bodies_of(kind, queue.consume(timeout=0))
    assert time.monotonic() - start < 0.5
    assert (0, 0, 0) == rig.counts()


@BOTH
def test_it_ends_when_nothing_came_for_the_timeout(kind: str) -> None:
    start = time.monotonic()
    assert [] == bodies_of(kind, Rig().build(kind).consume(timeout=0.1))
    assert 0.09 <= time.monotonic() - start < 0.5


@BOTH
def test_the_timeout_starts_anew_with_each_item(kind: str) -> None:
    rig = Rig()
    queue = rig.build(kind)

    def consume() -> Any:
        return bodies_of(kind, queue.consume(timeout=0.25))

    consuming = Background(consume)
    for n in range(3):
        sleep(0.12)
        rig.queue().put(n)
    assert [0, 1, 2] == consuming.join()


@BOTH
def test_a_none_does_not_end_it(kind: str) -> None:
    rig = Rig()
    rig.queue().put(None, 0, None, "")
    assert [None, 0, None, ""] == bodies_of(kind, rig.build(kind).consume(timeout=0))


@BOTH
def test_an_error_of_the_store_does_not_end_it(kind: str) -> None:
    rig = Rig()
    rig.queue().put(1, 2)
    source = rig.build(kind).consume(timeout=0)
    source.__next__()
    rig.flaky.fail_next("pop" if kind == "queue" else "claim", times=2)
    for _ in range(2):
        with pytest.raises(TransportUnavailable):
            source.__next__()
    assert [2] == bodies_of(kind, source)


@BOTH
def test_stop_from_elsewhere_ends_a_wait_within_a_second(kind: str) -> None:
    source = Rig().build(kind).consume()

    def consume() -> Any:
        return bodies_of(kind, source)

    consuming = Background(consume)
    sleep(0.05)
    start = time.monotonic()
    source.stop()
    assert [] == consuming.join()
    assert time.monotonic() - start < 1.2


@BOTH
def test_a_stopped_one_yields_nothing_more(kind: str) -> None:
    rig = Rig()
    rig.queue().put(1, 2, 3)
    source = rig.build(kind).consume(timeout=0)
    source.__next__()
    source.stop()
    for _ in range(2):
        with pytest.raises(StopIteration):
            source.__next__()
    assert 2 == (rig.counts()).ready


@BOTH
def test_a_closed_one_yields_nothing_more(kind: str) -> None:
    rig = Rig()
    rig.queue().put(1, 2, 3)
    with rig.build(kind).consume(timeout=0) as source:
        source.__next__()
    source.close()
    assert [] == bodies_of(kind, source)
    assert 2 == (rig.counts()).ready


@BOTH
@pytest.mark.parametrize("timeout", [-1, float("nan"), "1"])
def test_a_timeout_that_is_no_time_is_refused(kind: str, timeout: Any) -> None:
    with pytest.raises(ConfigurationError, match="timeout"):
        Rig().build(kind).consume(timeout=timeout)


@pytest.mark.parametrize("prefetch", [0, -1, 1.5, True, None])
def test_a_prefetch_that_is_no_count_is_refused(prefetch: Any) -> None:
    jobs = Rig().jobs()
    with pytest.raises(ConfigurationError, match="prefetch"):
        jobs.consume(prefetch=prefetch)
    with pytest.raises(ConfigurationError, match="prefetch"):
        jobs.worker(prefetch=prefetch)


def test_one_message_is_claimed_at_a_time_by_default() -> None:
    rig = Rig()
    rig.jobs().put_many(range(5))
    with rig.jobs().consume() as messages:
        messages.__next__()
        assert (4, 0, 1) == rig.counts()


def test_prefetch_claims_so_many_in_one_trip() -> None:
    rig = Rig()
    rig.jobs().put_many(range(10))
    rig.flaky.calls.clear()
    with rig.jobs().consume(prefetch=8, timeout=0) as messages:
        found = [messages.__next__() for _ in range(8)]
        assert ["claim"] == rig.flaky.calls
        assert list(range(8)) == [message.body for message in found]
        assert (2, 0, 8) == rig.counts()


@pytest.mark.parametrize("end", ["aclose", "stop"])
def test_what_was_prefetched_goes_back_uncounted_and_in_order(end: str) -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(range(6))
    messages = jobs.consume(prefetch=5)
    first = messages.__next__()
    if end == "stop":
        messages.stop()
        with pytest.raises(StopIteration):
            messages.__next__()
    else:
        messages.close()
    assert (5, 0, 1) == rig.counts()
    back = jobs.get_many(10)
    assert [(n, 1) for n in range(1, 6)] == [(m.body, m.attempt) for m in back]
    first.ack()


def test_the_message_handed_out_stays_with_its_consumer_on_close() -> None:
    rig = Rig()
    rig.jobs().put("x")
    with rig.jobs().consume() as messages:
        message = messages.__next__()
    message.ack()


def test_closing_hides_no_error_of_its_block() -> None:
    rig = Rig()
    rig.jobs().put_many(range(3))
    rig.flaky.fail_next("release")
    source = rig.jobs().consume(prefetch=3)
    with pytest.raises(KeyError):
        assert 0 == (source.__next__()).body
        with source:
            raise KeyError("mine")
    assert 0 == rig.flaky.pending


def test_an_error_while_renewing_does_not_lose_what_was_prefetched() -> None:
    rig = Rig()
    jobs = rig.jobs(lease=0.2)
    jobs.put_many(range(3))
    with jobs.consume(prefetch=3, timeout=0) as messages:
        assert 0 == (messages.__next__()).body
        sleep(0.12)
        rig.flaky.fail_next("extend")
        with pytest.raises(TransportUnavailable):
            messages.__next__()
        assert [1, 2] == [(messages.__next__()).body for _ in range(2)]


def test_the_lease_is_renewed_before_a_message_with_less_than_half_of_it() -> None:
    rig = Rig()
    jobs = rig.jobs(lease=0.4)
    jobs.put_many(range(4))
    with jobs.consume(prefetch=4, timeout=0) as messages:
        messages.__next__()
        sleep(0.05)
        messages.__next__()
        assert 0 == rig.flaky.calls.count("extend")
        sleep(0.2)
        rig.clock.advance(0.3)
        third = messages.__next__()
        assert 1 == rig.flaky.calls.count("extend")
        messages.__next__()
        assert 1 == rig.flaky.calls.count("extend")
    rig.clock.advance(0.39)
    third.ack()


def test_prefetched_messages_that_were_lost_are_not_handed_out() -> None:
    rig = Rig()
    jobs = rig.jobs(lease=0.1)
    jobs.put_many(range(3))
    with jobs.consume(prefetch=3, timeout=0) as messages:
        assert 0 == (messages.__next__()).body
        sleep(0.06)
        rig.clock.advance(0.2)
        others = rig.store.claim(NAME, lease=60, limit=3)
        assert [2, 2, 2] == [delivery.attempt for delivery in others]
        with pytest.raises(StopIteration):
            messages.__next__()
    assert (0, 0, 3) == rig.counts()
