# unasync: source
"""A worker of several queues: the order of its looks, and one wait for all of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from queuekit import AsyncMemoryTransport, AsyncReliableQueue, AsyncWorker
from queuekit._acompat import asleep

from .colour_async import MARKS, Background
from .rig_async import AsyncRig, until

pytestmark = MARKS


class AsyncWaking(AsyncMemoryTransport):
    """Can wait for any of several queues, and tells what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[tuple[str | list[str], float]] = []

    async def claim(self, queue: str, *, timeout: float = 0.0, **options: Any) -> Any:
        self.asked.append((queue, timeout))
        return await super().claim(queue, timeout=timeout, **options)

    async def wait_any(self, queues: Sequence[str], *, timeout: float) -> None:
        self.asked.append((list(queues), timeout))
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            for queue in queues:
                if (await self.stats(queue)).ready:
                    return
            await asleep(0.01)


async def full(counts: dict[str, int]) -> list[AsyncReliableQueue[Any]]:
    """Return queues of one store with so many messages, named after their queue."""
    return await filled(AsyncRig(), counts)


async def filled(rig: AsyncRig, counts: dict[str, int]) -> list[AsyncReliableQueue[Any]]:
    """Do so on the store of this rig."""
    queues = [AsyncReliableQueue[Any](name, rig.flaky) for name in counts]
    for queue in queues:
        await queue.put_many([queue.name] * counts[queue.name])
    return queues


async def worked(queues: Any, count: int | None = None, **options: Any) -> list[str]:
    """Return from which queues a worker took its messages, in its order."""
    found: list[str] = []

    async def handle(message: Any) -> None:
        found.append(message.body)

    await AsyncWorker(queues, handle, timeout=0, max_messages=count, **options).run()
    return found


async def test_strict_order_empties_the_first_queue_first() -> None:
    queues = await full({"a": 2, "b": 2, "c": 1})
    assert list("aabbc") == await worked(queues)


async def test_with_a_strict_order_what_comes_for_the_first_queue_comes_next() -> None:
    queues = await full({"a": 0, "b": 3})
    found: list[str] = []

    async def handle(message: Any) -> None:
        found.append(message.body)
        if found == ["b"]:
            await queues[0].put("a")

    await AsyncWorker(queues, handle, timeout=0).run()
    assert list("babb") == found


async def test_in_fair_order_queues_take_turns() -> None:
    queues = await full({"a": 4, "b": 2, "c": 3})
    assert list("abcabcaca") == await worked(queues, order="fair")


async def test_weights_share_out_and_an_empty_queue_saves_nothing_up() -> None:
    queues = await full({"a": 40, "b": 40, "c": 0})
    weights = {"a": 3, "b": 1, "c": 5}
    assert {"a": 15, "b": 5} == Counter(await worked(queues, 20, order=weights))
    await queues[2].put_many(["c"] * 40)
    assert {"a": 6, "b": 2, "c": 10} == Counter(await worked(queues, 18, order=weights))


async def test_a_queue_that_was_empty_is_served_by_its_weight_from_then_on() -> None:
    queues = await full({"a": 40, "b": 0})
    found: list[str] = []

    async def handle(message: Any) -> None:
        found.append(message.body)
        if len(found) == 20:
            await queues[1].put_many(["b"] * 20)
            await asleep(0.06)

    await AsyncWorker(queues, handle, order={"a": 1, "b": 1}, max_messages=32).run()
    assert ["a"] * 20 == found[:20]
    assert {"a": 6, "b": 6} == Counter(found[20:])


async def test_queues_of_different_stores_are_worked_on_together() -> None:
    one, other = AsyncRig(), AsyncRig()
    await one.jobs().put("one")
    await other.jobs().put("other")
    queues = [one.jobs(), other.jobs()]
    assert ["one", "other"] == await worked(queues)
    assert 0 == sum(await one.counts()) + sum(await other.counts())


@pytest.mark.parametrize("name", ["a", "b", "c"])
async def test_a_message_on_any_is_seen_soon_where_the_store_waits_for_one_only(name: str) -> None:
    rig = AsyncRig()
    queues = await filled(rig, {"a": 0, "b": 0, "c": 0})
    waits = rig.note_waits()

    async def handle(message: Any) -> None: ...

    worker = AsyncWorker(queues, handle, max_messages=1)
    running = Background(worker.run)
    await until(lambda: len(waits) > 6)  # it waits, in turns
    await next(queue for queue in queues if queue.name == name).put("x")
    begun = len(waits)
    assert 1 == (await running.join()).done
    assert len(waits) - begun <= 3  # each in its turn
    assert sum(sorted(waits)[-3:]) <= 1.001  # in about one second


async def test_the_turns_are_short_after_a_message_and_longer_by_and_by() -> None:
    rig = AsyncRig()
    queues = await filled(rig, {"a": 0, "b": 0})
    waits = rig.note_waits()
    before: list[int] = []

    async def handle(message: Any) -> None:
        before.append(len(waits))

    worker = AsyncWorker(queues, handle)
    running = Background(worker.run)
    await until(lambda: sum(waits) > 1)
    await queues[1].put("x")
    await until(lambda: before and len(waits) > before[0] + 6)
    worker.stop()
    assert 1 == (await running.join()).done
    steps = [pytest.approx(0.01 * 1.5**n, rel=0.01) for n in range(4)]
    assert steps == [wait for wait in waits if wait][:4]
    assert steps[:2] == [wait for wait in waits[before[0] :] if wait][:2]
    assert 0.5 >= max(waits)


async def test_where_one_store_can_it_waits_for_all_at_once() -> None:
    store = AsyncWaking()
    queues = [AsyncReliableQueue[Any](name, store) for name in ("a", "b", "c")]

    async def handle(message: Any) -> None: ...

    running = Background(AsyncWorker(queues, handle, max_messages=1).run)
    await until(lambda: len(store.asked) > 3)
    wait = (["a", "b", "c"], pytest.approx(0.5))
    assert [("a", 0.0), ("b", 0.0), ("c", 0.0), wait] == store.asked[:4]  # after one look at each
    await queues[1].put("x")
    assert 1 == (await running.join()).done


async def test_it_ends_when_none_came_on_any_for_so_long() -> None:
    queues = await full({"a": 0, "b": 0})

    async def handle(message: Any) -> None: ...

    begun = time.monotonic()
    assert "idle" == (await AsyncWorker(queues, handle, timeout=0.2).run()).reason
    assert 0.19 <= time.monotonic() - begun < 20


async def test_before_it_ends_it_looks_at_all_of_them_once_more() -> None:
    queues = await full({"a": 1, "b": 0, "c": 0, "d": 0})
    found: list[str] = []

    async def handle(message: Any) -> None:
        found.append(message.body)
        if message.body == "a":
            await asleep(0.4)
            for queue in queues[1:]:
                await queue.put(queue.name)

    await AsyncWorker(queues, handle, concurrency=2, timeout=0).run()
    assert list("abcd") == sorted(found)
