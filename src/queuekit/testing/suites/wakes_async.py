"""Who is woken by levels, groups and limits, and waits for several queues; with tasks."""

from __future__ import annotations

import asyncio
import time

import pytest

from ...abilities import AsyncLimiting, AsyncWaitingForAny, Limits
from ...errors import ConfigurationError, TransportClosed
from ...transport import AsyncTransport, Delivery, PushOptions, QueueStats
from ..harness_async import AsyncHarness
from .base_async import AsyncSuite, claim_all
from .groups_async import push
from .samples import (
    BAD_SECONDS,
    LEASE,
    OTHER,
    PLACED,
    QUEUE,
    bodies,
    framed,
    inner,
    needs,
    numbered,
    placed,
    receipts,
)
from .waits import AT_ONCE, SHORT, SLACK, WAIT, WAKES
from .waits_async import begun, patiently

FEW = 10
"""Calls in ``SHORT`` seconds of who waits now and then; who does not wait makes thousands."""


class AsyncWakeSuite(AsyncSuite):
    """What else ends a wait, and ``wait_any``."""

    @pytest.fixture
    def waits(self, transport: AsyncTransport) -> AsyncWaitingForAny:
        """Return the transport if it waits for several queues."""
        if not isinstance(transport, AsyncWaitingForAny):
            pytest.skip("the transport does not wait for several queues")
        return transport

    @pytest.mark.parametrize("level", [-3, -1, 1, 3])
    async def test_a_message_of_any_level_wakes_who_waits(
        self, transport: AsyncTransport, level: int
    ) -> None:
        needs(transport.features.priorities, "priorities")
        took = 0.0
        for body in numbered(WAKES):
            task = await begun(claim_one(transport))
            start = time.monotonic()
            await transport.push(QUEUE, [placed(body, level=level)], options=PLACED)
            woken, found = await task
            assert [body] == inner(found)
            took += woken - start
        assert took < AT_ONCE

    async def test_an_ack_wakes_who_waits_for_the_next_of_a_group(
        self, transport: AsyncTransport
    ) -> None:
        needs(transport.features.groups, "groups")
        took = 0.0
        for n in range(WAKES):
            await push(transport, "ab", group=f"g{n}")
            held = receipts(await claim_all(transport))
            task = await begun(claim_one(transport))
            start = time.monotonic()
            assert [] == await transport.ack(QUEUE, held)
            woken, found = await task
            assert [b"b"] == inner(found)
            took += woken - start
        assert took < AT_ONCE

    async def test_a_reject_wakes_who_waits_for_the_next_of_a_group(
        self, transport: AsyncTransport
    ) -> None:
        needs(transport.features.groups, "groups")
        took = 0.0
        for n in range(WAKES):
            await push(transport, "ab", group=f"g{n}")
            (held,) = await claim_all(transport)
            task = await begun(claim_one(transport))
            start = time.monotonic()
            assert [] == await transport.move(QUEUE, [(held.receipt, b"letter")], to=OTHER)
            woken, found = await task
            assert [b"b"] == inner(found)
            took += woken - start
        assert took < AT_ONCE

    async def test_a_message_that_comes_wakes_who_is_limited(
        self, transport: AsyncTransport
    ) -> None:
        if not isinstance(transport, AsyncLimiting):
            pytest.skip("the transport keeps no limits")
        took = 0.0
        for body in numbered(WAKES):
            task = await begun(claim_one(transport, Limits(rate=1000)))
            start = time.monotonic()
            await transport.push(QUEUE, [body])
            woken, found = await task
            assert [body] == bodies(found)
            took += woken - start
        assert took < AT_ONCE

    async def test_an_ack_lets_the_next_have_its_turn(self, transport: AsyncTransport) -> None:
        if not isinstance(transport, AsyncLimiting):
            pytest.skip("the transport keeps no limits")
        limits = Limits(in_flight=1)
        await transport.push(QUEUE, numbered(WAKES + 1))
        held, took = await claim_one(transport, limits), 0.0
        for body in numbered(WAKES + 1)[1:]:
            task = await begun(claim_one(transport, limits))
            start = time.monotonic()
            assert [] == await transport.ack(QUEUE, receipts(held))
            woken, held = await task
            assert [body] == bodies(held)
            took += woken - start
        assert took < AT_ONCE

    @pytest.mark.parametrize("queue", [QUEUE, OTHER])
    @pytest.mark.parametrize("shared", [True, False], ids=["same-transport", "other-transport"])
    async def test_a_message_for_any_queue_ends_the_wait(
        self, harness: AsyncHarness, queue: str, shared: bool
    ) -> None:
        transport = harness.make()
        if not isinstance(transport, AsyncWaitingForAny):
            pytest.skip("the transport does not wait for several queues")
        pusher = transport if shared else harness.make()
        await pusher.stats(QUEUE)
        took = 0.0
        for n in range(WAKES):
            task = await begun(transport.wait_any([QUEUE, OTHER], timeout=WAIT))
            start = time.monotonic()
            await pusher.push(queue, [b"a"])
            woken, _ = await task
            took += max(0.0, woken - start)  # if it was over before: its time was up
            assert QueueStats(1, 0, n) == await pusher.stats(queue), "it took something"
            assert [b"a"] == bodies(await claim_all(pusher, queue))
        assert took < AT_ONCE

    async def test_a_wait_for_several_waits(self, waits: AsyncWaitingForAny) -> None:
        start, calls = time.monotonic(), 0
        while time.monotonic() - start < SHORT:
            await waits.wait_any([QUEUE, OTHER], timeout=SHORT)
            calls += 1
        assert calls < FEW
        assert time.monotonic() - start < 2 * SHORT + SLACK

    async def test_no_wait_goes_beyond_the_longest(
        self, waits: AsyncWaitingForAny, transport: AsyncTransport
    ) -> None:
        start = time.monotonic()
        await waits.wait_any([QUEUE, OTHER], timeout=600.0)
        assert time.monotonic() - start < transport.features.max_wait + SLACK

    async def test_other_queues_do_not_matter(
        self, waits: AsyncWaitingForAny, transport: AsyncTransport
    ) -> None:
        await transport.push("third", [b"a"])
        start, calls = time.monotonic(), 0
        while time.monotonic() - start < SHORT:
            await waits.wait_any([QUEUE, OTHER], timeout=SHORT)
            calls += 1
        assert calls < FEW

    async def test_one_that_becomes_due_is_found(
        self, waits: AsyncWaitingForAny, transport: AsyncTransport
    ) -> None:
        needs(transport.features.max_delay != 0, "delays")
        late, start = framed(b"late"), time.monotonic()
        await transport.push(OTHER, late, options=PushOptions(delay=SHORT))
        while not (found := await claim_all(transport, OTHER)):
            assert time.monotonic() - start < SHORT + SLACK
            await waits.wait_any([QUEUE, OTHER], timeout=WAIT)
        assert late == bodies(found)

    async def test_who_waits_for_one_queue_has_it_all_the_same(self, harness: AsyncHarness) -> None:
        """The wake-up that a wait for several got, and that takes nothing, goes on."""
        transport = harness.make()
        if not isinstance(transport, AsyncWaitingForAny):
            pytest.skip("the transport does not wait for several queues")
        several: list[asyncio.Task[tuple[float, None]]] = []
        took = 0.0
        for body in numbered(WAKES):
            waiting = await begun(transport.wait_any([QUEUE, OTHER], timeout=WAIT))
            one = await begun(claim_one(transport))
            start = time.monotonic()
            await transport.push(QUEUE, [body])
            woken, found = await one
            assert [body] == bodies(found)
            took += woken - start
            several.append(waiting)
        assert took < AT_ONCE
        for waiting in several:
            await waiting

    @pytest.mark.parametrize("timeout", BAD_SECONDS, ids=ascii)
    async def test_a_timeout_for_several_that_cannot_be_is_refused(
        self, waits: AsyncWaitingForAny, timeout: float
    ) -> None:
        with pytest.raises(ConfigurationError):
            await waits.wait_any([QUEUE], timeout=timeout)

    async def test_several_names_that_cannot_be_are_refused(
        self, waits: AsyncWaitingForAny
    ) -> None:
        for queues in ([], [""], [QUEUE, "x" * 300]):
            with pytest.raises(ConfigurationError):
                await waits.wait_any(queues, timeout=SHORT)

    async def test_after_close_nobody_waits(
        self, waits: AsyncWaitingForAny, transport: AsyncTransport
    ) -> None:
        await transport.aclose()
        with pytest.raises(TransportClosed):
            await waits.wait_any([QUEUE], timeout=SHORT)


async def claim_one(transport: AsyncTransport, limits: Limits | None = None) -> list[Delivery]:
    """Wait until a message is claimed, within *limits* if there are any."""
    if limits is None:
        return await patiently(
            transport, lambda timeout: transport.claim(QUEUE, lease=LEASE, timeout=timeout)
        )
    assert isinstance(transport, AsyncLimiting)
    claim = transport.claim_within
    return await patiently(
        transport, lambda timeout: claim(QUEUE, limits=limits, lease=LEASE, timeout=timeout)
    )
