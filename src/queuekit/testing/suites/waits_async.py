"""Waiting, with tasks, and what is left when a task is cancelled; written by hand."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import pytest

from ...errors import TransportClosed
from ...transport import AsyncTransport, PushOptions, QueueStats
from ..harness_async import AsyncHarness
from .base_async import AsyncSuite, claim_all
from .samples import (
    LEASE,
    QUEUE,
    attempts,
    bodies,
    framed,
    needs,
    numbered,
    receipts,
)
from .waits import AT_ONCE, DUE, SETTLE, SHORT, SLACK, WAIT, WAKES

T = TypeVar("T")


class AsyncWaitSuite(AsyncSuite):
    """Timeouts, who wakes whom, cancellation."""

    @pytest.mark.parametrize("verb", ["pop", "claim"])
    async def test_a_wait_for_nothing_lasts_its_timeout(
        self, transport: AsyncTransport, verb: str
    ) -> None:
        await transport.stats(QUEUE)
        start = time.monotonic()
        assert [] == await take(transport, verb, SHORT)
        assert SHORT - 0.02 <= time.monotonic() - start < SHORT + SLACK

    async def test_no_wait_goes_beyond_the_declared_one(self, transport: AsyncTransport) -> None:
        longest = transport.features.max_wait
        if longest > 2:
            pytest.skip("the transport declares waits longer than this test")
        start = time.monotonic()
        waits = [take(transport, verb, 600.0) for verb in ("pop", "claim")]
        assert [[], []] == await asyncio.wait_for(asyncio.gather(*waits), longest + SLACK)
        assert time.monotonic() - start < longest + SLACK

    @pytest.mark.parametrize("verb", ["pop", "claim"])
    async def test_what_is_there_is_not_waited_for(
        self, transport: AsyncTransport, verb: str
    ) -> None:
        await transport.push(QUEUE, numbered(WAKES + 1))
        start = time.monotonic()
        found = [await take(transport, verb, WAIT) for _ in range(WAKES)]
        assert time.monotonic() - start < AT_ONCE
        assert numbered(WAKES) == [body for one in found for body in one]

    @pytest.mark.parametrize("verb", ["pop", "claim"])
    async def test_a_wait_does_not_hold_up_other_tasks(
        self, transport: AsyncTransport, verb: str
    ) -> None:
        await transport.stats(QUEUE)
        took = 0.0
        for _ in range(WAKES):
            start = time.monotonic()
            task = await begun(take(transport, verb, WAIT))
            for _ in range(4):
                await asyncio.sleep(SETTLE)
            took += time.monotonic() - start
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled() or [] == task.result()[1]
        assert took < AT_ONCE

    @pytest.mark.parametrize("verb", ["pop", "claim"])
    @pytest.mark.parametrize("shared", [True, False], ids=["same-transport", "other-transport"])
    async def test_a_push_wakes_who_waits_at_once(
        self, harness: AsyncHarness, verb: str, shared: bool
    ) -> None:
        transport = harness.make()
        pusher = transport if shared else harness.make()
        await pusher.stats(QUEUE)
        took = 0.0
        for body in numbered(WAKES):
            task = await begun(take_one(transport, verb))
            start = time.monotonic()
            await pusher.push(QUEUE, [body])
            woken, found = await task
            assert [body] == found
            took += woken - start
        assert took < AT_ONCE

    @pytest.mark.parametrize("verb", ["pop", "claim"])
    async def test_a_batch_wakes_as_many_as_can_have_one(
        self, transport: AsyncTransport, verb: str
    ) -> None:
        took = 0.0
        for _ in range(WAKES):
            tasks = [await begun(take_one(transport, verb)) for _ in range(3)]
            start = time.monotonic()
            await transport.push(QUEUE, numbered(3))
            woken = await asyncio.gather(*tasks)
            assert numbered(3) == sorted(body for _, found in woken for body in found)
            took += max(at for at, _ in woken) - start
        assert took < AT_ONCE

    @pytest.mark.parametrize("counted", [True, False], ids=["counted", "uncounted"])
    async def test_a_release_wakes_who_waits(
        self, transport: AsyncTransport, counted: bool
    ) -> None:
        needs(counted or transport.features.uncounted_release, "uncounted_release")
        took = 0.0
        for body in numbered(WAKES):
            await transport.push(QUEUE, [body])
            held = receipts(await claim_all(transport))
            task = await begun(take_one(transport, "claim"))
            start = time.monotonic()
            await transport.release(QUEUE, held, counted=counted)
            woken, found = await task
            assert [body] == found
            took += woken - start
        assert took < AT_ONCE

    async def test_a_move_wakes_who_waits_for_the_target(self, transport: AsyncTransport) -> None:
        took = 0.0
        for body in numbered(WAKES):
            await transport.push("from", [b"a"])
            (held,) = await transport.claim("from", lease=LEASE)
            task = await begun(take_one(transport, "claim"))
            start = time.monotonic()
            await transport.move("from", [(held.receipt, body)], to=QUEUE)
            woken, found = await task
            assert [body] == found
            took += woken - start
        assert took < AT_ONCE

    async def test_a_message_that_becomes_due_ends_the_wait(
        self, transport: AsyncTransport
    ) -> None:
        needs(transport.features.max_delay != 0, "delays")
        took = 0.0
        for body in numbered(WAKES):
            late = framed(body)
            start = time.monotonic()
            await transport.push(QUEUE, late, options=PushOptions(delay=DUE))
            assert late == await take_one(transport, "claim")
            took += (lasted := time.monotonic() - start)
            assert lasted >= DUE - 0.02
        assert took < WAKES * DUE + AT_ONCE

    async def test_a_claim_that_expires_ends_the_wait(self, transport: AsyncTransport) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        took = 0.0
        for body in numbered(WAKES):
            await transport.push(QUEUE, [body])
            start = time.monotonic()
            await transport.claim(QUEUE, lease=DUE)
            assert [body] == await take_one(transport, "claim")
            took += (lasted := time.monotonic() - start)
            assert lasted >= DUE - 0.02
        assert took < WAKES * DUE + AT_ONCE

    async def test_close_ends_the_wait(self, harness: AsyncHarness) -> None:
        transport = harness.make()
        task = await begun(take(transport, "claim", WAIT))
        await transport.aclose()
        try:
            assert [] == (await asyncio.wait_for(task, SLACK))[1]
        except TransportClosed:
            pass  # as good an answer
        other = harness.make()
        await other.push(QUEUE, [b"a"])
        assert [b"a"] == bodies(await claim_all(other))

    @pytest.mark.parametrize("verb", ["pop", "claim"])
    async def test_a_cancelled_wait_takes_nothing_with_it(
        self, transport: AsyncTransport, verb: str
    ) -> None:
        task = await begun(take_one(transport, verb))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await transport.push(QUEUE, [b"a"])
        found = await patiently(
            transport, lambda timeout: transport.claim(QUEUE, lease=LEASE, timeout=timeout)
        )
        assert [b"a"] == bodies(found)
        assert [1] == attempts(found)

    async def test_a_claim_cancelled_at_any_moment_gives_back_uncounted(
        self, transport: AsyncTransport
    ) -> None:
        needs(transport.features.uncounted_release, "uncounted_release")
        await transport.push(QUEUE, numbered(3))
        for pause in PAUSES:
            for body in await cancelled(take(transport, "claim", WAIT), pause):
                await transport.push(QUEUE, [body])  # it was faster than the cancellation
        found = await claim_all(transport)
        end = time.monotonic() + SLACK  # giving back may go on in the background
        while len(found) < 3 and time.monotonic() < end:
            await asyncio.sleep(0.01)
            found += await claim_all(transport)
        assert numbered(3) == sorted(bodies(found))
        assert [1, 1, 1] == attempts(found)

    async def test_pops_cancelled_at_any_moment_lose_nothing(
        self, transport: AsyncTransport
    ) -> None:
        sent = numbered(len(PAUSES))
        got: list[bytes] = []
        for body, pause in zip(sent, PAUSES, strict=True):
            task = asyncio.ensure_future(take(transport, "pop", WAIT))
            await asyncio.sleep(0)
            await transport.push(QUEUE, [body])
            got += await cancelled(task, pause)
        got += await the_rest(transport, len(sent) - len(got))
        assert sent == sorted(got, key=int)

    async def test_a_wait_cut_short_by_wait_for_loses_nothing(
        self, transport: AsyncTransport
    ) -> None:
        got: list[bytes] = []
        for n in range(10):
            task = asyncio.ensure_future(take(transport, "pop", WAIT))
            pusher = asyncio.ensure_future(later_push(transport, 0.02, b"%d" % n))
            try:
                got += await asyncio.wait_for(task, 0.02 + n * 0.0003)
            except TimeoutError:
                pass
            await pusher
        got += await the_rest(transport, 10 - len(got))
        assert numbered(10) == sorted(got, key=int)

    @pytest.mark.parametrize("verb", ["pop", "claim"])
    async def test_tasks_share_a_transport_and_every_message_comes_once(
        self, transport: AsyncTransport, verb: str
    ) -> None:
        sent = [[b"%d %d" % (n, i) for i in range(50)] for n in range(4)]

        async def produce(mine: list[bytes]) -> None:
            for i in range(0, len(mine), 5):
                await transport.push(QUEUE, mine[i : i + 5])

        done = asyncio.Event()

        async def consume() -> list[bytes]:
            got: list[bytes] = []
            while True:
                last = done.is_set()
                if verb == "pop":
                    found = await transport.pop(QUEUE, limit=3, timeout=0.05)
                else:
                    held = await transport.claim(QUEUE, lease=LEASE, limit=3, timeout=0.05)
                    found = bodies(held)
                    assert [] == await transport.ack(QUEUE, receipts(held))
                got += found
                if last and not found:
                    return got

        consumers = [asyncio.ensure_future(consume()) for _ in range(4)]
        await asyncio.gather(*map(produce, sent))
        done.set()
        got = [body for mine in await asyncio.gather(*consumers) for body in mine]
        assert sorted(body for mine in sent for body in mine) == sorted(got)
        assert QueueStats(0, 0, 0) == await transport.stats(QUEUE)


PAUSES = [0.0, 0.0, 0.0001, 0.0002, 0.0005, 0.0007, 0.001, 0.0015, 0.002, 0.003, 0.005, 0.01]
"""Seconds until a cancellation: before, within and after the trip to a store."""


async def take(transport: AsyncTransport, verb: str, timeout: float) -> list[bytes]:
    """Wait for one message and return its body."""
    if verb == "pop":
        return await transport.pop(QUEUE, timeout=timeout)
    return bodies(await transport.claim(QUEUE, lease=LEASE, timeout=timeout))


async def take_one(transport: AsyncTransport, verb: str) -> list[bytes]:
    """Wait until one message comes, and return its body."""
    return await patiently(transport, lambda timeout: take(transport, verb, timeout))


async def patiently(
    transport: AsyncTransport, call: Callable[[float], Awaitable[list[T]]]
) -> list[T]:
    """Wait again when nothing came: while the machine stands still a timeout runs out."""
    timeout = min(WAIT, transport.features.max_wait)
    end = time.monotonic() + SLACK
    while True:
        start = time.monotonic()
        if (found := await call(timeout)) or start > end:
            return found
        assert time.monotonic() - start >= timeout - 0.1, "it did not wait"


async def begun(call: Coroutine[Any, Any, T]) -> asyncio.Task[tuple[float, T]]:
    """Start *call* in a task and give it time to wait; tells when it came back, and what."""

    async def run() -> tuple[float, T]:
        found = await call
        return time.monotonic(), found

    task = asyncio.ensure_future(run())
    await asyncio.sleep(SETTLE)
    return task


async def the_rest(transport: AsyncTransport, count: int) -> list[bytes]:
    """Pop *count* bodies that may still be on their way back, and what comes beyond them."""
    found: list[bytes] = []
    end = time.monotonic() + SLACK
    while len(found) < count and time.monotonic() < end:
        found += await transport.pop(QUEUE, limit=9, timeout=SHORT)
    return found + await transport.pop(QUEUE, limit=9, timeout=SHORT)


async def cancelled(call: Awaitable[list[bytes]], pause: float) -> list[bytes]:
    """Cancel *call* after *pause* and return what it brought nevertheless."""
    task = asyncio.ensure_future(call)
    await asyncio.sleep(pause)
    task.cancel()
    try:
        return await task
    except asyncio.CancelledError:
        return []


async def later_push(transport: AsyncTransport, pause: float, body: bytes) -> None:
    """Push after *pause* seconds."""
    await asyncio.sleep(pause)
    await transport.push(QUEUE, [body])
