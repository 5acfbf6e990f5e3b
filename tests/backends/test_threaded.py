"""What is special to a blocking transport in threads: cancellation, waiting, loops."""

from __future__ import annotations

import asyncio
import concurrent.futures.thread
import gc
import random
import threading
import time

import pytest

from queuekit.backends.async_sqlite import AsyncSQLiteTransport
from queuekit.backends.memory import MemoryTransport
from queuekit.backends.sqlite import SQLiteTransport
from queuekit.backends.threaded import ThreadedTransport
from queuekit.errors import ConfigurationError, TransportClosed
from queuekit.transport import AsyncTransport, QueueStats

from .patience import LONG, SOON, until, with_long_waits


def waiting(transport, queue="q"):
    """Return how many tasks wait for a queue."""
    lines = transport._lines._lines
    return sum(len(line) for (name, _), line in lines.items() if name == queue)


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
            self.go.wait(LONG)
        return found

    def claim(self, queue, *, lease, limit=1, timeout=0.0):
        self.longest = max(self.longest, timeout)
        found = super().claim(queue, lease=lease, limit=limit)
        if found:
            self.inside.set()
            self.go.wait(LONG)
        return found


async def _cancel_inside(slow, call):
    task = asyncio.ensure_future(call)
    await asyncio.to_thread(slow.inside.wait, LONG)
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


def test_a_cancelled_pop_goes_back_to_the_head():
    async def main():
        slow = Slow()
        transport = ThreadedTransport(slow)
        await transport.push("q", [b"a", b"b", b"c", b"d"])
        await _cancel_inside(slow, transport.pop("q", limit=2, timeout=1))
        assert await transport.pop("q") == [b"a"]
        assert await transport.pop("q", limit=3) == [b"b", b"c", b"d"]
        await transport.aclose()

    asyncio.run(main())


class Foreign:
    """A transport of somebody else, without a way to the head."""

    def __init__(self, transport):
        self._transport = transport

    def __getattr__(self, name):
        if name == "put_back":
            raise AttributeError(name)
        return getattr(self._transport, name)


def test_without_a_way_to_the_head_it_goes_to_the_tail():
    async def main():
        slow = Slow()
        transport = ThreadedTransport(Foreign(slow))
        await transport.push("q", [b"a", b"b"])
        await _cancel_inside(slow, transport.pop("q", timeout=1))
        assert await transport.pop("q", limit=3) == [b"b", b"a"]
        await transport.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("verb", ["pop", "claim"])
def test_closing_lets_a_cancelled_call_give_back_first(verb):
    async def main():
        slow = Slow()
        store = MemoryTransport()
        store.store = slow.store
        transport = ThreadedTransport(slow)
        await transport.push("q", [b"a"])
        how = {"lease": 60} if verb == "claim" else {}
        task = asyncio.ensure_future(getattr(transport, verb)("q", timeout=1, **how))
        await asyncio.to_thread(slow.inside.wait, LONG)
        task.cancel()
        closing = [asyncio.ensure_future(transport.aclose()) for _ in range(2)]
        await asyncio.sleep(0.01)
        closing[0].cancel()  # it is finished all the same
        await asyncio.sleep(0.01)
        slow.go.set()
        outcome = await asyncio.gather(task, *closing, return_exceptions=True)
        assert [type(one) for one in outcome[:2]] == [asyncio.CancelledError] * 2
        assert store.stats("q") == QueueStats(1, 0, 0)
        assert [d.attempt for d in store.claim("q", lease=1)] == [1]
        with pytest.raises(TransportClosed):
            await transport.pop("q")
        with pytest.raises(TransportClosed):
            slow.pop("q")
        await transport.aclose()

    asyncio.run(main())


def _drained(path):
    """Return what is left, which has been claimed by nobody who kept it."""
    transport = SQLiteTransport(path)
    found = transport.claim("q", lease=60, limit=1000) + transport.claim("q", lease=60, limit=1000)
    assert transport.stats("q") == QueueStats(0, 0, len(found))
    assert all(one.attempt == 1 for one in found)
    transport.close()
    return [one.body for one in found]


@pytest.mark.parametrize("verb", ["pop", "claim"])
@pytest.mark.parametrize("end", ["run", "aclose"])
def test_the_end_of_a_loop_loses_nothing(tmp_path, verb, end):
    """Its tasks are cancelled in the middle of calls, inner ones too."""
    path = tmp_path / "queue.db"
    dice = random.Random(1)
    bodies = [b"%04d" % n for n in range(2000)]
    SQLiteTransport(path).push("q", bodies)
    got = []

    async def take(transport):
        while True:
            if verb == "pop":
                got.extend(await transport.pop("q", limit=dice.randint(1, 3), timeout=0.5))
            else:
                found = await transport.claim("q", lease=60, limit=2, timeout=0.5)
                got.extend(one.body for one in found)
                transport.held = [*getattr(transport, "held", []), *found]

    async def main():
        transport = AsyncSQLiteTransport(path, threads=3)
        transports.append(transport)
        before = len(got)
        tasks = [asyncio.ensure_future(take(transport)) for _ in range(5)]
        await until(lambda: len(got) > before)
        await asyncio.sleep(dice.uniform(0.004, 0.01))
        if end == "aclose":
            for task in tasks[::2]:
                task.cancel()
            await transport.aclose()
            await asyncio.gather(*tasks, return_exceptions=True)

    for _ in range(6):
        transports = []
        asyncio.run(main())
        transports[0]._calls.threads().shutdown(wait=True)
        settle = SQLiteTransport(path)
        assert settle.ack("q", [one.receipt for one in getattr(transports[0], "held", [])]) == []
        settle.close()
        transports.clear()
    assert 6 <= len(got) < 2000
    assert sorted(got + _drained(path)) == bodies


@pytest.mark.parametrize("verb", ["pop", "claim"])
@pytest.mark.filterwarnings("ignore:.*_take.*was never awaited")
@pytest.mark.filterwarnings("ignore:unclosed database:ResourceWarning")  # what others left
def test_a_call_that_outlives_its_loop_is_undone(verb):
    slow = Slow()
    transport = ThreadedTransport(slow)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(transport.push("q", [b"a"]))
    how = {"lease": 60} if verb == "claim" else {}
    task = loop.create_task(getattr(transport, verb)("q", **how))
    loop.run_until_complete(asyncio.to_thread(slow.inside.wait, LONG))
    task._log_destroy_pending = False
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.close()  # without its tasks, which asyncio.run would have cancelled
    slow.go.set()
    transport._calls.threads().shutdown(wait=True)
    assert slow.stats("q") == QueueStats(1, 0, 0)
    del task
    gc.collect()
    assert not transport._calls.later or [one() for one in transport._calls.later]
    assert slow.stats("q") == QueueStats(1, 0, 0), "not twice"


@pytest.mark.parametrize("verb", ["pop", "claim"])
def test_what_came_for_a_coroutine_that_was_thrown_away_goes_back_later(verb):
    """The collector may do that in the middle of anything, so no lock is taken there."""
    slow = Slow()
    slow.go.set()
    transport = ThreadedTransport(slow, threads=1)
    loop = asyncio.new_event_loop()
    loop.run_until_complete(transport.push("q", [b"a"]))
    how = {"lease": 60} if verb == "claim" else {}

    async def begin():
        call = getattr(transport, verb)("q", **how)
        call.send(None)  # up to its first wait, as a task would
        transport._calls.threads().submit(int).result()  # of the only thread
        with (
            transport._calls.threads()._shutdown_lock,
            concurrent.futures.thread._global_shutdown_lock,
        ):
            call.close()
            del call
        assert len(transport._calls.later) == 1

    loop.run_until_complete(begin())
    loop.run_until_complete(transport.peek("q"))
    loop.run_until_complete(asyncio.sleep(0.01))
    assert slow.stats("q") == QueueStats(1, 0, 0)
    loop.run_until_complete(transport.aclose())
    loop.close()


def test_a_waiter_in_another_loop_that_is_still_open_looks_by_itself(tmp_path):
    transport = with_long_waits(AsyncSQLiteTransport(tmp_path / "queue.db"))
    first, second = asyncio.new_event_loop(), asyncio.new_event_loop()
    pops = [first.create_task(transport.pop("q", timeout=LONG)) for _ in range(2)]
    first.run_until_complete(until(lambda: waiting(transport) == 2))
    second.run_until_complete(transport.push("q", [b"1", b"2"]))
    found = first.run_until_complete(asyncio.wait_for(asyncio.gather(*pops), SOON))
    assert sorted(found) == [[b"1"], [b"2"]]
    first.run_until_complete(transport.aclose())
    first.close()
    second.close()


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
        transport = with_long_waits(AsyncSQLiteTransport(tmp_path / "queue.db", threads=1))
        claims = [
            asyncio.ensure_future(transport.claim("q", lease=LONG, timeout=LONG)) for _ in range(50)
        ]
        await until(lambda: waiting(transport) == 50)
        start = time.monotonic()
        await transport.push("q", [b"a"])
        done, others = await asyncio.wait(claims, return_when=asyncio.FIRST_COMPLETED)
        assert time.monotonic() - start < SOON
        assert [d.body for task in done for d in task.result()] == [b"a"]
        await transport.push("q", [b"b"] * 49)
        await asyncio.wait(others)
        assert [len(task.result()) for task in claims] == [1] * 50
        await transport.aclose()

    asyncio.run(main())


def test_what_others_push_is_seen_by_looking():
    async def main():
        memory = MemoryTransport()
        transport = with_long_waits(ThreadedTransport(memory))
        pops = [asyncio.ensure_future(transport.pop("q", timeout=LONG)) for _ in range(3)]
        await until(lambda: waiting(transport) == 3)
        memory.push("q", [b"a", b"b", b"c"])
        start = time.monotonic()
        assert sorted(body for found in await asyncio.gather(*pops) for body in found) == [
            b"a",
            b"b",
            b"c",
        ]
        assert time.monotonic() - start < SOON
        await transport.aclose()

    asyncio.run(main())


def test_one_object_in_one_loop_after_another(tmp_path):
    transport = with_long_waits(AsyncSQLiteTransport.from_url(f"sqlite:///{tmp_path}/queue.db"))
    assert isinstance(transport, AsyncTransport)

    async def wait():
        return await transport.pop("q", timeout=0.02)

    async def abandoned():
        task = asyncio.ensure_future(transport.pop("q", timeout=LONG))
        await until(lambda: waiting(transport))
        task.cancel()

    async def push():
        task = asyncio.ensure_future(transport.pop("q", timeout=LONG))
        await until(lambda: waiting(transport))
        await transport.push("q", [b"a"])
        assert await task == [b"a"]
        await transport.aclose()

    assert asyncio.run(wait()) == []
    asyncio.run(abandoned())
    asyncio.run(push())


def test_building_starts_nothing(tmp_path):
    before = set(threading.enumerate())
    AsyncSQLiteTransport(tmp_path / "queue.db")
    assert not set(threading.enumerate()) - before
    assert not (tmp_path / "queue.db").exists()
    with pytest.raises(ConfigurationError):
        ThreadedTransport(MemoryTransport(), threads=0)


class Counting(MemoryTransport):
    """Counts the calls that come to it."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def claim(self, queue, **how):
        self.calls.append("claim")
        return super().claim(queue, **how)

    def ack(self, queue, receipts):
        self.calls.append("ack")
        return super().ack(queue, receipts)

    def ack_and_claim(self, queue, receipts, *, lease, limit=1, timeout=0.0):
        self.calls.append("both")
        assert not timeout
        lost = MemoryTransport.ack(self, queue, receipts)
        return lost, MemoryTransport.claim(self, queue, lease=lease, limit=limit)


def test_an_ack_with_a_claim_is_one_call():
    async def main():
        counting = Counting()
        transport = ThreadedTransport(counting)
        await transport.push("q", [b"a", b"b"])
        (held,) = await transport.claim("q", lease=60)
        lost, found = await transport.ack_and_claim("q", [held.receipt], lease=60, timeout=1)
        assert ([], [b"b"]) == (lost, [one.body for one in found])
        assert ["claim", "both"] == counting.calls
        assert ([held.receipt], []) == await transport.ack_and_claim(
            "q", [held.receipt, found[0].receipt], lease=60
        )
        await transport.aclose()

    asyncio.run(main())


def test_an_ack_is_done_once_and_before_the_claim_waits():
    async def main():
        counting = Counting()
        transport = with_long_waits(ThreadedTransport(counting))
        await transport.push("q", [b"a"])
        (held,) = await transport.claim("q", lease=60)
        call = asyncio.ensure_future(
            transport.ack_and_claim("q", [held.receipt], lease=60, timeout=LONG)
        )
        await until(lambda: waiting(transport))
        assert await transport.stats("q") == QueueStats(0, 0, 0)
        assert not call.done()
        await transport.push("q", [b"b"])
        lost, (found,) = await call
        assert ([], b"b") == (lost, found.body)
        assert 1 == counting.calls.count("both")
        await transport.aclose()

    asyncio.run(main())


def test_a_cancelled_ack_with_a_claim_acks_and_gives_back():
    async def main():
        slow = Slow()
        transport = ThreadedTransport(slow)
        await transport.push("q", [b"a", b"b"])
        (held,) = MemoryTransport.claim(slow, "q", lease=60)
        await _cancel_inside(
            slow, transport.ack_and_claim("q", [held.receipt], lease=60, timeout=1)
        )
        assert await transport.stats("q") == QueueStats(1, 0, 0)
        (found,) = await transport.claim("q", lease=60)
        assert (b"b", 1) == (found.body, found.attempt)
        await transport.aclose()

    asyncio.run(main())


def test_a_wrong_timeout_acks_nothing():
    async def main():
        transport = ThreadedTransport(MemoryTransport())
        await transport.push("q", [b"a"])
        (held,) = await transport.claim("q", lease=60)
        with pytest.raises(ConfigurationError):
            await transport.ack_and_claim("q", [held.receipt], lease=60, timeout=-1)
        assert await transport.stats("q") == QueueStats(0, 0, 1)
        await transport.aclose()

    asyncio.run(main())


def test_a_wait_looks_when_the_store_says_that_it_has_changed():
    class Changing(Counting):
        changed = 0

        def changes(self):
            return self.changed

    async def main():
        changing = Changing()
        transport = with_long_waits(ThreadedTransport(changing))
        begin = time.monotonic()
        call = asyncio.ensure_future(transport.claim("q", lease=60, timeout=LONG))
        await asyncio.sleep(0.2)
        rounds = (time.monotonic() - begin) / 0.05
        assert changing.calls.count("claim") <= rounds + 2, "asked though nothing had changed"
        MemoryTransport.push(changing, "q", [b"a"])
        changing.changed += 1
        assert [b"a"] == [one.body for one in await call]
        await transport.aclose()

    asyncio.run(main())
