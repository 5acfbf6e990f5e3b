"""Consumers that end, or are cancelled, at any turn of the event loop: nothing stays claimed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any

import pytest

from queuekit import AsyncMemoryTransport, AsyncReliableQueue, AsyncWorker, Batch, Limits
from queuekit.transport import Delivery, Receipt

pytestmark = pytest.mark.asyncio

COUNT = 12
"""Messages."""
TURNS = 3
"""Turns of the loop that a call takes on its way to the store, and on its way back."""


async def travel() -> None:
    for _ in range(TURNS):
        await asyncio.sleep(0)


class FarTransport(AsyncMemoryTransport):
    """
    A store whose calls take some turns: cancelled on the way there they do nothing.

    On the way back they are done, but a claim, which is undone.
    """

    async def claim(
        self, queue: str, *, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        await travel()
        found = await super().claim(queue, lease=lease, limit=limit, timeout=timeout)
        await self._back(queue, found)
        return found

    async def claim_within(
        self, queue: str, *, limits: Limits, lease: float, limit: int = 1, timeout: float = 0.0
    ) -> list[Delivery]:
        await travel()
        found = await super().claim_within(
            queue, limits=limits, lease=lease, limit=limit, timeout=timeout
        )
        await self._back(queue, found)
        return found

    async def ack_and_claim(
        self,
        queue: str,
        receipts: Sequence[Receipt],
        *,
        lease: float,
        limit: int = 1,
        timeout: float = 0.0,
    ) -> tuple[list[Receipt], list[Delivery]]:
        await travel()
        lost = await super().ack(queue, receipts)
        found = await super().claim(queue, lease=lease, limit=limit, timeout=timeout)
        await self._back(queue, found)
        return lost, found

    async def ack(self, queue: str, receipts: Sequence[Receipt]) -> list[Receipt]:
        await travel()
        lost = await super().ack(queue, receipts)
        await travel()
        return lost

    async def release(
        self, queue: str, receipts: Sequence[Receipt], *, counted: bool, delay: float = 0.0
    ) -> list[Receipt]:
        await travel()
        lost = await super().release(queue, receipts, counted=counted, delay=delay)
        await travel()
        return lost

    async def move(
        self, queue: str, letters: Sequence[tuple[Receipt, bytes]], *, to: str
    ) -> list[Receipt]:
        await travel()
        lost = await super().move(queue, letters, to=to)
        await travel()
        return lost

    async def _back(self, queue: str, found: Sequence[Delivery]) -> None:
        try:
            await travel()
        except BaseException:
            await super().release(queue, [one.receipt for one in found], counted=False)
            raise


class Scene:
    """A queue with messages, somebody who works on them, and what was done."""

    def __init__(self) -> None:
        self.jobs = AsyncReliableQueue[int]("jobs", FarTransport())
        self.done: list[int] = []
        self.stop: Callable[[], object] = lambda: None
        self.stop_now: Callable[[], object] = lambda: None

    def reopen(self) -> None:
        """Go on with another queue on the same store, as another program would."""
        self.jobs = AsyncReliableQueue("jobs", self.jobs.transport)

    async def handle(self, message: Any) -> None:
        await travel()
        self.done.append(message.body)

    async def handle_batch(self, messages: Sequence[Any]) -> None:
        await travel()
        self.done += [message.body for message in messages]

    async def worker(self) -> None:
        """Three tasks, with acks that travel with claims."""
        worker = AsyncWorker(self.jobs, self.handle, timeout=0, concurrency=3, prefetch=4)
        self.stop, self.stop_now = worker.stop, lambda: worker.stop(now=True)
        await worker.run()

    async def limited(self) -> None:
        """The same, but three messages in flight at the most, and acks that do not travel."""
        limits = Limits(in_flight=3)
        self.jobs = AsyncReliableQueue("jobs", self.jobs.transport, limits=limits)
        await self.worker()

    async def batches(self) -> None:
        """Two tasks; the last batch waits for more."""
        worker = AsyncWorker(
            self.jobs, self.handle_batch, timeout=0, concurrency=2, batch=Batch(size=5, wait=0.0005)
        )
        self.stop, self.stop_now = worker.stop, lambda: worker.stop(now=True)
        await worker.run()

    async def decorated(self) -> None:
        """One loop."""
        work = self.jobs.worker(timeout=0, prefetch=4)(self.handle)
        self.stop = self.stop_now = work.stop
        await work()

    async def loop(self) -> None:
        """A loop of the user's."""
        async with self.jobs.consume(timeout=0, prefetch=4) as messages:
            self.stop = self.stop_now = messages.stop
            async for message in messages:
                async with message:
                    await self.handle(message)

    async def by_hand(self) -> None:
        """Messages without a loop."""
        while message := await self.jobs.get():
            async with message:
                await self.handle(message)

    async def account(self) -> None:
        """Nothing is claimed, no message is lost or done twice, no attempt was counted."""
        self.reopen()
        assert 0 == (await self.jobs.stats()).claimed
        left = await self.jobs.get_many(100)
        assert {1} >= {message.attempt for message in left}
        assert list(range(COUNT)) == sorted([*self.done, *(message.body for message in left)])


async def sweep(how: str, end: Callable[[Scene, asyncio.Task[None]], Awaitable[None]]) -> None:
    """Have it end at each turn of the loop, until all is done before."""
    for at in range(3000):
        scene = Scene()
        await scene.jobs.put_many(range(COUNT))
        task = asyncio.ensure_future(getattr(scene, how)())
        await turns(at)
        late = len(scene.done) == COUNT and not (await scene.jobs.stats()).claimed
        await end(scene, task)
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, 30)
        try:
            assert asyncio.all_tasks() == {asyncio.current_task()}
            await scene.account()
        except AssertionError as exc:
            exc.add_note(f"ended at turn {at}")
            raise
        if late:
            return
    raise AssertionError("it was never done")


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def cancelled_at(turn: int, work: Coroutine[Any, Any, object], *more: int) -> bool:
    """Cancel it at that turn, and so many turns later; tell whether it was done before."""
    task = asyncio.ensure_future(work)
    await turns(turn)
    late = task.done()
    task.cancel()
    for between in more:
        await turns(between)
        task.cancel()
    with suppress(asyncio.CancelledError):
        await asyncio.wait_for(task, 30)
    return late


@pytest.mark.parametrize("how", ["worker", "limited", "batches", "decorated", "loop"])
async def test_stopped_anywhere_it_leaves_nothing_claimed(how: str) -> None:
    async def end(scene: Scene, task: asyncio.Task[None]) -> None:
        scene.stop()

    await sweep(how, end)


@pytest.mark.parametrize("how", ["worker", "batches"])
@pytest.mark.parametrize("between", [0, 1, 4, 9])
async def test_stopped_at_once_anywhere_it_leaves_nothing_claimed(how: str, between: int) -> None:
    async def end(scene: Scene, task: asyncio.Task[None]) -> None:
        scene.stop()
        await turns(between)
        scene.stop_now()

    await sweep(how, end)


@pytest.mark.parametrize("how", ["worker", "limited", "batches", "decorated", "loop", "by_hand"])
async def test_cancelled_anywhere_it_leaves_nothing_claimed(how: str) -> None:
    async def end(scene: Scene, task: asyncio.Task[None]) -> None:
        task.cancel()

    await sweep(how, end)


@pytest.mark.parametrize("how", ["worker", "limited", "batches", "decorated", "loop", "by_hand"])
@pytest.mark.parametrize("between", [1, 2, 4, 9])
async def test_cancelled_twice_its_queue_gives_back_when_it_is_closed(
    how: str, between: int
) -> None:
    async def end(scene: Scene, task: asyncio.Task[None]) -> None:
        task.cancel()
        await turns(between)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.wait_for(task, 30)
        await scene.jobs.aclose()
        scene.reopen()

    await sweep(how, end)


@pytest.mark.parametrize("more", [(), (0,), (2,), (5,)])
async def test_a_close_that_is_cancelled_gives_back_all_the_same(more: tuple[int, ...]) -> None:
    """What loops have claimed ahead, and it sends the acks that travel."""
    for at in range(1, 1000):  # before its first turn it has not begun
        scene = Scene()
        await scene.jobs.put_many(range(COUNT))
        loops = [scene.jobs.consume(timeout=0, prefetch=4) for _ in range(2)]
        for loop in loops:
            message = await anext(loop)
            scene.done.append(message.body)
            await message.ack()
        late = await cancelled_at(at, scene.jobs.aclose(), *more)
        await scene.account()
        if late:
            return
    raise AssertionError("it was never done")


async def dead_letters() -> AsyncReliableQueue[int]:
    """Return a queue with so many of them, each of a message whose first attempt failed."""
    jobs = AsyncReliableQueue[int]("jobs", FarTransport(), max_attempts=1)
    await jobs.put_many(range(COUNT))
    await jobs.fail(*await jobs.get_many(COUNT))
    return jobs


async def all_of(jobs: AsyncReliableQueue[int]) -> list[int]:
    """Return the bodies of the ready messages and of the dead letters, of which none is claimed."""
    assert 0 == (await jobs.stats()).claimed == (await jobs.dead.stats()).claimed
    letters = await jobs.dead.letters()
    return sorted([*await jobs.peek(100), *(int(letter.body) for letter in letters)])


@pytest.mark.parametrize("how", ["take", "send_all_back", "trim", "trim_old"])
async def test_what_works_on_dead_letters_leaves_none_claimed(how: str) -> None:
    """What they hold on the way is seen by others at once."""
    for at in range(1000):
        jobs = await dead_letters()
        dead = jobs.dead
        wanted = (await dead.letters())[COUNT // 2].id
        done: list[Any] = []

        async def work(dead: Any = dead, wanted: str = wanted, done: list[Any] = done) -> None:
            if how == "take":
                done.append(await dead.take(wanted))
                await dead.release(done[0])
            elif how == "send_all_back":
                done.append(await dead.send_all_back())
            elif how == "trim":
                done.append(await dead.trim(max_length=COUNT // 2))
            else:
                done.append(await dead.trim(max_age=3600))

        late = await cancelled_at(at, work())
        if how == "take" and done and not late:
            continue  # it was cancelled while it released what it had
        left = await all_of(jobs)
        if how == "trim":
            assert left in (list(range(COUNT)), list(range(COUNT // 2, COUNT))), at
        else:
            assert list(range(COUNT)) == left, at
        if late:
            return
    raise AssertionError("it was never done")


async def test_a_put_that_drops_for_its_place_loses_nothing_when_it_is_cancelled() -> None:
    for at in range(1000):
        jobs = AsyncReliableQueue[int]("jobs", FarTransport(), max_length=COUNT, when_full="drop")
        await jobs.put_many(range(COUNT))
        late = await cancelled_at(at, jobs.put(COUNT))
        left = await all_of(jobs)
        assert left in (list(range(COUNT)), list(range(COUNT + 1))), at
        if late:
            return
    raise AssertionError("it was never done")
