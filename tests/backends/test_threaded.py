"""What is special to a blocking transport in threads: cancellation, waiting, loops."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from queuekit.backends.memory import MemoryTransport
from queuekit.backends.threaded import AsyncSQLiteTransport, ThreadedTransport
from queuekit.errors import ConfigurationError, TransportClosed
from queuekit.transport import AsyncTransport, QueueStats


class Slow(MemoryTransport):
    """Takes its time for claim and pop, and knows when it is in them."""

    def __init__(self):
        super().__init__()
        self.inside = threading.Event()
        self.go = threading.Event()
        self.longest = 0.0

    def pop(self, queue, *, limit=1, timeout=0.0):
        self.longest = max(self.longest, timeout)
        found = super().pop(queue, limit=limit)
        if found:
            self.inside.set()
            self.go.wait(5)
        return found

    def claim(self, queue, *, lease, limit=1, timeout=0.0):
        self.longest = max(self.longest, timeout)
        found = super().claim(queue, lease=lease, limit=limit)
        if found:
            self.inside.set()
            self.go.wait(5)
        return found


async def _cancel_inside(slow, call):
    task = asyncio.ensure_future(call)
    await asyncio.to_thread(slow.inside.wait, 5)
    for _ in range(3):  # the second and third must not cut the giving back short
        task.cancel()
        await asyncio.sleep(0.005)
    assert not task.done()
    slow.go.set()
    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_cancelled_claim_gives_back_uncounted_to_the_head():
    async def main():
        slow = Slow()
        transport = ThreadedTransport(slow)
        await transport.push("q", [b"a", b"b", b"c"])
        await _cancel_inside(slow, transport.claim("q", lease=60, limit=2, timeout=1))
        assert await transport.stats("q") == QueueStats(3, 0, 0)
        found = await transport.claim("q", lease=60, limit=3)
        assert [(d.body, d.attempt) for d in found] == [(b"a", 1), (b"b", 1), (b"c", 1)]
        assert slow.longest == 0.0
        await transport.aclose()

    asyncio.run(main())


def test_a_cancelled_pop_is_kept_for_the_next_one():
    async def main():
        slow = Slow()
        transport = ThreadedTransport(slow)
        await transport.push("q", [b"a", b"b", b"c", b"d"])
        await _cancel_inside(slow, transport.pop("q", limit=2, timeout=1))
        assert await transport.pop("q") == [b"a"]
        assert await transport.pop("q", limit=3) == [b"b"]
        assert await transport.pop("q", limit=3) == [b"c", b"d"]
        await transport.aclose()

    asyncio.run(main())


def test_what_is_kept_goes_back_when_closed():
    async def main():
        slow = Slow()
        transport = ThreadedTransport(slow)
        await transport.push("q", [b"a"])
        slow.close = lambda: None
        await _cancel_inside(slow, transport.pop("q", timeout=1))
        await transport.aclose()
        await transport.aclose()
        assert slow.peek("q", limit=9) == [b"a"]
        with pytest.raises(TransportClosed):
            await transport.pop("q")

    asyncio.run(main())


def test_a_storm_of_cancellations_loses_nothing(tmp_path):
    async def main():
        transport = AsyncSQLiteTransport(tmp_path / "queue.db", threads=2)
        bodies = [b"%d" % n for n in range(100)]
        await transport.push("q", bodies)
        got = []
        for n in range(200):
            task = asyncio.ensure_future(transport.pop("q", limit=2, timeout=0.5))
            await asyncio.sleep(0.0002 * (n % 5))
            task.cancel()
            try:
                got += await task
            except asyncio.CancelledError:
                pass
        while found := await transport.pop("q", limit=9):
            got += found
        assert sorted(got) == sorted(bodies)
        await transport.aclose()

    asyncio.run(main())


def test_no_thread_waits(tmp_path):
    """Fifty waiting tasks on one thread: a push goes through at once and wakes exactly one."""

    async def main():
        transport = AsyncSQLiteTransport(tmp_path / "queue.db", threads=1)
        waiting = [
            asyncio.ensure_future(transport.claim("q", lease=9, timeout=1)) for _ in range(50)
        ]
        await asyncio.sleep(0.2)
        start = time.monotonic()
        await transport.push("q", [b"a"])
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert time.monotonic() - start < 0.3
        assert [d.body for task in done for d in task.result()] == [b"a"]
        await asyncio.wait(waiting)
        assert sum(len(task.result()) for task in waiting) == 1
        await transport.aclose()

    asyncio.run(main())


def test_what_others_push_is_seen_by_looking():
    async def main():
        memory = MemoryTransport()
        transport = ThreadedTransport(memory)
        waiting = [asyncio.ensure_future(transport.pop("q", timeout=1)) for _ in range(3)]
        await asyncio.sleep(0.15)
        memory.push("q", [b"a", b"b", b"c"])
        start = time.monotonic()
        assert sorted(body for found in await asyncio.gather(*waiting) for body in found) == [
            b"a",
            b"b",
            b"c",
        ]
        assert time.monotonic() - start < 0.4
        await transport.aclose()

    asyncio.run(main())


def test_one_object_in_one_loop_after_another(tmp_path):
    transport = AsyncSQLiteTransport.from_url(f"sqlite:///{tmp_path}/queue.db")
    assert isinstance(transport, AsyncTransport)

    async def wait():
        return await transport.pop("q", timeout=0.02)

    async def abandoned():
        task = asyncio.ensure_future(transport.pop("q", timeout=1))
        await asyncio.sleep(0.05)
        task.cancel()

    async def push():
        task = asyncio.ensure_future(transport.pop("q", timeout=1))
        await asyncio.sleep(0.02)
        await transport.push("q", [b"a"])
        assert await task == [b"a"]
        await transport.aclose()

    assert asyncio.run(wait()) == []
    asyncio.run(abandoned())
    asyncio.run(push())


def test_building_starts_nothing(tmp_path):
    before = threading.active_count()
    AsyncSQLiteTransport(tmp_path / "queue.db")
    assert threading.active_count() == before
    assert not (tmp_path / "queue.db").exists()
    with pytest.raises(ConfigurationError):
        ThreadedTransport(MemoryTransport(), threads=0)
