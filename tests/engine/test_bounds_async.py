# unasync: source
"""Queues of bounded length: what a put does when there is no room."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import (
    AsyncReliableQueue,
    ConfigurationError,
    QueueFull,
    TransportClosed,
    TransportUnavailable,
    Unsupported,
)
from queuekit._acompat import asleep

from .colour_async import INTERRUPT, MARKS, Background
from .rig_async import BOTH, NAME, AsyncRig, drain, take, until

pytestmark = MARKS

DEAD = NAME + "!dead"
SLEEP = AsyncReliableQueue.buffer.__module__.replace("putting", "bounds") + "." + asleep.__name__
"""What a put calls that waits for room."""


def sleep_by_the_clock(rig: AsyncRig, monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Have a wait for room take no time but that of the test's clock; return the waits."""
    rig.stop_time(monkeypatch)
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        rig.clock.advance(seconds)

    monkeypatch.setattr(SLEEP, wait)
    return waits


@BOTH
async def test_a_full_queue_refuses_and_stores_nothing(kind: str) -> None:
    rig = AsyncRig()
    queue = rig.build(kind, max_length=2, when_full="raise")
    await queue.put("a")
    with pytest.raises(QueueFull) as caught:
        await queue.put_many(["b", "c"])
    assert 2 == caught.value.max_length
    await queue.put("b")
    with pytest.raises(QueueFull):
        await queue.put("c")
    assert 2 == await queue.size()


async def test_what_consumers_hold_is_not_counted_and_what_comes_back_is_never_refused() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_length=1, when_full="raise")
    await jobs.put("a")
    message = await take(jobs)
    await jobs.put("b")
    await message.release()
    assert 2 == await jobs.size()
    with pytest.raises(QueueFull):
        await jobs.put("c")
    await (await take(jobs)).ack()
    with pytest.raises(QueueFull):
        await jobs.put("c", delay=5)


@BOTH
async def test_a_put_waits_for_room(kind: str) -> None:
    rig = AsyncRig()
    queue = rig.build(kind, max_length=1)
    await queue.put("a")
    producer = Background(lambda: queue.put("b"))
    await until(lambda: rig.flaky.calls.count("push") > 2)
    assert 1 == await queue.size()
    assert [b'"a"'] == [data[-3:] for data in await rig.store.pop(NAME)]
    await producer.join()
    assert [b'"b"'] == [data[-3:] for data in await rig.store.pop(NAME)]


@BOTH
@pytest.mark.parametrize("timeout", [0, 0.3])
async def test_a_put_waits_no_longer_than_its_timeout(
    kind: str, timeout: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig = AsyncRig()
    waits = sleep_by_the_clock(rig, monkeypatch)
    queue = rig.build(kind, max_length=1)
    await queue.put("a", timeout=timeout)
    with pytest.raises(QueueFull) as caught:
        await queue.put("b", timeout=timeout)
    assert 1 == caught.value.max_length
    assert sum(waits) == pytest.approx(timeout)
    with pytest.raises(QueueFull):
        await queue.put_many(["b"], timeout=timeout)
    assert (1, 0, 0) == await rig.counts()
    assert (timeout > 0) == (rig.flaky.calls.count("push") > 3)


async def test_a_wait_for_room_repeats_with_one_id_and_stores_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = AsyncRig()
    sleep_by_the_clock(rig, monkeypatch)
    jobs = rig.jobs(max_length=1)
    await jobs.put("a")
    tokens: list[Any] = []
    push = rig.flaky.push

    async def watched(*args: Any, **options: Any) -> Any:
        tokens.append(options["token"])
        return await push(*args, **options)

    rig.flaky.push = watched
    with pytest.raises(QueueFull):
        await jobs.put("b", timeout=0.3)
    assert 1 == len(set(tokens)) < len(tokens)
    rig.flaky.fail_next("push", after=True)
    await (await take(jobs)).ack()
    with pytest.raises(TransportUnavailable) as caught:
        await jobs.put("c")
    await jobs.put("c", id=caught.value.ids[0])  # full of itself, and it is there
    assert ["c"] == await drain(jobs)


async def test_an_interrupted_wait_has_stored_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_length=1)
    await jobs.put("a")

    async def interrupted(seconds: float) -> None:
        raise INTERRUPT

    monkeypatch.setattr(SLEEP, interrupted)
    with pytest.raises(INTERRUPT):
        await jobs.put("b")
    assert ["a"] == await drain(jobs)


async def test_a_wait_for_room_ends_when_the_queue_is_closed() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_length=1)
    await jobs.put("a")
    producer = Background(lambda: jobs.put("b"))
    await until(lambda: rig.flaky.calls.count("push") > 1)
    await jobs.aclose()
    with pytest.raises(TransportClosed):
        await producer.join()


async def test_the_oldest_of_a_reliable_queue_goes_to_the_dead_letters() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_length=2, when_full="drop")
    for body in "abc":
        await jobs.put(body, headers={"own": body})
    (letter,) = await jobs.dead.letters()
    assert (b'"a"', "dropped: 'jobs' was full", 0, {"own": "a"}) == (
        letter.body,
        letter.reason,
        letter.attempts,
        letter.headers,
    )
    assert (2, 0, 0) == await rig.counts()
    await jobs.put_many(["d", "e"])
    assert ["d", "e"] == await drain(jobs)
    assert 3 == await jobs.dead.size()


async def test_a_batch_drops_no_more_than_it_needs() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_length=5, when_full="drop")
    await jobs.put_many(range(4))
    await jobs.put_many([4, 5])
    assert [1, 2, 3, 4, 5] == await drain(jobs)


async def test_the_oldest_of_a_fifo_queue_is_gone() -> None:
    rig = AsyncRig()
    queue = rig.queue(max_length=2, when_full="drop")
    await queue.put("a", "b")
    await queue.put("c", "d")
    await queue.put("e")
    assert ["d", "e"] == await queue.get_many(5)
    assert (0, 0, 0) == await rig.counts(DEAD)


async def test_what_is_not_in_line_cannot_be_dropped() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_length=1, when_full="drop")
    await jobs.put("later", delay=60)
    with pytest.raises(QueueFull):
        await jobs.put("now")
    assert (0, 1, 0) == await rig.counts()


async def test_a_drop_that_fails_gives_back_what_it_had_claimed() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_length=1, when_full="drop")
    await jobs.put("a")
    rig.flaky.fail_next("move")
    with pytest.raises(TransportUnavailable):
        await jobs.put("b")
    message = await take(jobs)
    assert ("a", 1) == (message.body, message.attempt)


@BOTH
async def test_a_batch_that_never_fits_is_refused_at_once(kind: str) -> None:
    rig = AsyncRig()
    for when in ("raise", "drop", "block"):
        queue = rig.build(kind, max_length=2, when_full=when)
        with pytest.raises(ConfigurationError, match="never fits"):
            await queue.put_many(["a", "b", "c"])
    with pytest.raises(ConfigurationError, match="never fits"):
        rig.jobs(max_length=2).buffer(size=3)
    assert [] == rig.flaky.calls


async def test_a_full_store_is_not_waited_for() -> None:
    rig = AsyncRig()
    rig.flaky.fail_next("push", error=QueueFull("no disk"))
    with pytest.raises(QueueFull, match="no disk"):
        await rig.jobs(max_length=5).put("a")


async def test_a_buffer_keeps_the_bound() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_length=3, when_full="drop")
    async with jobs.buffer(size=2) as buffer:
        for n in range(7):
            await buffer.put(n)
    assert [4, 5, 6] == await drain(jobs)
    assert 4 == await jobs.dead.size()


@BOTH
async def test_bounds_that_are_none_are_refused_when_the_queue_is_built(kind: str) -> None:
    rig = AsyncRig()
    with pytest.raises(ConfigurationError, match="max_length"):
        rig.build(kind, max_length=0)
    with pytest.raises(ConfigurationError, match="when_full"):
        rig.build(kind, max_length=1, when_full="wait")
    with pytest.raises(ConfigurationError, match="without max_length="):
        rig.build(kind, when_full="raise")
    for options in ({}, {"max_length": 5, "when_full": "raise"}):
        with pytest.raises(ConfigurationError, match="timeout= is for"):
            await rig.build(kind, **options).put("x", timeout=1)
    rig.store._features = rig.store.features._replace(bounds=False)
    with pytest.raises(Unsupported, match="sqlite:"):
        rig.build(kind, max_length=5)


async def test_eight_producers_never_exceed_the_bound() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_length=10)
    longest = 0

    async def produce(first: int) -> None:
        for n in range(first, first + 50):
            await jobs.put(n)

    async def consume() -> list[int]:
        nonlocal longest
        bodies: list[int] = []
        while len(bodies) < 400:
            longest = max(longest, await rig.jobs().size())
            bodies += await drain(rig.jobs())
            await asleep(0)
        return bodies

    producers = [Background(lambda first=50 * i: produce(first)) for i in range(8)]
    while await jobs.size() < 10:  # so that the consumer sees it full
        await asleep(0.001)
    bodies = await Background(consume).join(60)
    for producer in producers:
        await producer.join()
    assert list(range(400)) == sorted(bodies)
    assert 10 == longest
