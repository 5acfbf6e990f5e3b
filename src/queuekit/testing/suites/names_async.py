# unasync: source
"""Any text names a queue, and no name touches another."""

from __future__ import annotations

from typing import Any

import pytest

from ...errors import ConfigurationError
from ...transport import AsyncTransport, Delivery, PushOptions, QueueStats
from ..harness_async import AsyncHarness
from .base_async import AsyncSuite, claim_all
from .samples import BAD_NAMES, BEYOND, LEASE, ODD_NAMES, QUEUE, bodies, framed, needs, receipts


class AsyncNameSuite(AsyncSuite):
    """Names of queues."""

    async def test_names_do_not_touch_each_other_when_popping(
        self, transport: AsyncTransport
    ) -> None:
        for name in ODD_NAMES:
            await transport.push(name, [b"1 " + name.encode(), b"2 " + name.encode()])
        for name in ODD_NAMES:
            assert QueueStats(2, 0, 0) == await transport.stats(name), name
        for name in ODD_NAMES:
            want = [b"1 " + name.encode(), b"2 " + name.encode()]
            assert want == await transport.peek(name, limit=9), name
            assert want == await transport.pop(name, limit=9), name

    async def test_names_do_not_touch_each_other_when_claiming(
        self, transport: AsyncTransport
    ) -> None:
        held: dict[str, list[Delivery]] = {}
        for name in ODD_NAMES:
            await transport.push(name, [name.encode(), b"2", b"3"])
            held[name] = await transport.claim(name, lease=LEASE, limit=2)
        for name in ODD_NAMES:
            assert [name.encode(), b"2"] == bodies(held[name]), name
            assert QueueStats(1, 0, 2) == await transport.stats(name), name
        for name in ODD_NAMES:
            assert [] == await transport.ack(name, receipts(held[name])), name
            assert QueueStats(1, 0, 0) == await transport.stats(name), name

    async def test_names_do_not_touch_each_other_when_time_passes(
        self, transport: AsyncTransport, harness: AsyncHarness
    ) -> None:
        needs(transport.features.max_delay != 0, "delays")
        for name in ODD_NAMES:
            await transport.push(name, [b"held"])
            await transport.claim(name, lease=LEASE)
            await transport.push(name, framed(b"late"), options=PushOptions(delay=LEASE))
            assert QueueStats(0, 1, 1) == await transport.stats(name), name
        await harness.pass_time(BEYOND)
        for name in ODD_NAMES:
            found = await claim_all(transport, name)
            assert [b"held", b"late"] == [body[-4:] for body in bodies(found)], name

    async def test_purge_of_one_name_leaves_the_others(self, transport: AsyncTransport) -> None:
        for name in ODD_NAMES:
            await transport.push(name, [name.encode()])
        for name in ODD_NAMES:
            assert 1 == await transport.purge(name), name

    async def test_two_transports_mean_the_same_queue_by_an_odd_name(
        self, harness: AsyncHarness
    ) -> None:
        one, two = harness.make(), harness.make()
        for name in ODD_NAMES:
            await one.push(name, [name.encode()])
            assert [name.encode()] == await two.pop(name), name

    @pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
    async def test_a_name_that_cannot_be_is_refused_everywhere(
        self, transport: AsyncTransport, name: Any
    ) -> None:
        await transport.push(QUEUE, [b"a"])
        receipt = receipts(await transport.claim(QUEUE, lease=LEASE))
        with pytest.raises(ConfigurationError):
            await transport.push(name, [b"a"])
        with pytest.raises(ConfigurationError):
            await transport.push(name, [])
        with pytest.raises(ConfigurationError):
            await transport.pop(name)
        with pytest.raises(ConfigurationError):
            await transport.peek(name)
        with pytest.raises(ConfigurationError):
            await transport.stats(name)
        with pytest.raises(ConfigurationError):
            await transport.purge(name)
        with pytest.raises(ConfigurationError):
            await transport.claim(name, lease=LEASE)
        with pytest.raises(ConfigurationError):
            await transport.ack(name, receipt)
        with pytest.raises(ConfigurationError):
            await transport.release(name, receipt, counted=True)
        with pytest.raises(ConfigurationError):
            await transport.extend(name, receipt, lease=LEASE)
        with pytest.raises(ConfigurationError):
            await transport.recover(name)
        with pytest.raises(ConfigurationError):
            await transport.move(name, [(receipt[0], b"b")], to=QUEUE)
        with pytest.raises(ConfigurationError):
            await transport.move(QUEUE, [(receipt[0], b"b")], to=name)
        assert QueueStats(0, 0, 1) == await transport.stats(QUEUE)
