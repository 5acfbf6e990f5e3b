# Generated from names_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Any text names a queue, and no name touches another."""

from __future__ import annotations

from typing import Any

import pytest

from ...errors import ConfigurationError
from ...transport import Delivery, PushOptions, QueueStats, Transport
from ..harness import Harness
from .base import Suite, claim_all
from .samples import BAD_NAMES, BEYOND, LEASE, ODD_NAMES, QUEUE, bodies, framed, needs, receipts


class NameSuite(Suite):
    """Names of queues."""

    def test_names_do_not_touch_each_other_when_popping(self, transport: Transport) -> None:
        for name in ODD_NAMES:
            transport.push(name, [b"1 " + name.encode(), b"2 " + name.encode()])
        for name in ODD_NAMES:
            assert QueueStats(2, 0, 0) == transport.stats(name), name
        for name in ODD_NAMES:
            want = [b"1 " + name.encode(), b"2 " + name.encode()]
            assert want == transport.peek(name, limit=9), name
            assert want == transport.pop(name, limit=9), name

    def test_names_do_not_touch_each_other_when_claiming(self, transport: Transport) -> None:
        held: dict[str, list[Delivery]] = {}
        for name in ODD_NAMES:
            transport.push(name, [name.encode(), b"2", b"3"])
            held[name] = transport.claim(name, lease=LEASE, limit=2)
        for name in ODD_NAMES:
            assert [name.encode(), b"2"] == bodies(held[name]), name
            assert QueueStats(1, 0, 2) == transport.stats(name), name
        for name in ODD_NAMES:
            assert [] == transport.ack(name, receipts(held[name])), name
            assert QueueStats(1, 0, 0) == transport.stats(name), name

    def test_names_do_not_touch_each_other_when_time_passes(
        self, transport: Transport, harness: Harness
    ) -> None:
        needs(transport.features.max_delay != 0, "delays")
        for name in ODD_NAMES:
            transport.push(name, [b"held"])
            transport.claim(name, lease=LEASE)
            transport.push(name, framed(b"late"), options=PushOptions(delay=LEASE))
            assert QueueStats(0, 1, 1) == transport.stats(name), name
        harness.pass_time(BEYOND)
        for name in ODD_NAMES:
            found = claim_all(transport, name)
            assert [b"held", b"late"] == [body[-4:] for body in bodies(found)], name

    def test_purge_of_one_name_leaves_the_others(self, transport: Transport) -> None:
        for name in ODD_NAMES:
            transport.push(name, [name.encode()])
        for name in ODD_NAMES:
            assert 1 == transport.purge(name), name

    def test_two_transports_mean_the_same_queue_by_an_odd_name(self, harness: Harness) -> None:
        one, two = harness.make(), harness.make()
        for name in ODD_NAMES:
            one.push(name, [name.encode()])
            assert [name.encode()] == two.pop(name), name

    @pytest.mark.parametrize("name", BAD_NAMES, ids=ascii)
    def test_a_name_that_cannot_be_is_refused_everywhere(
        self, transport: Transport, name: Any
    ) -> None:
        transport.push(QUEUE, [b"a"])
        receipt = receipts(transport.claim(QUEUE, lease=LEASE))
        with pytest.raises(ConfigurationError):
            transport.push(name, [b"a"])
        with pytest.raises(ConfigurationError):
            transport.push(name, [])
        with pytest.raises(ConfigurationError):
            transport.pop(name)
        with pytest.raises(ConfigurationError):
            transport.peek(name)
        with pytest.raises(ConfigurationError):
            transport.stats(name)
        with pytest.raises(ConfigurationError):
            transport.purge(name)
        with pytest.raises(ConfigurationError):
            transport.claim(name, lease=LEASE)
        with pytest.raises(ConfigurationError):
            transport.ack(name, receipt)
        with pytest.raises(ConfigurationError):
            transport.release(name, receipt, counted=True)
        with pytest.raises(ConfigurationError):
            transport.extend(name, receipt, lease=LEASE)
        with pytest.raises(ConfigurationError):
            transport.recover(name)
        with pytest.raises(ConfigurationError):
            transport.move(name, [(receipt[0], b"b")], to=QUEUE)
        with pytest.raises(ConfigurationError):
            transport.move(QUEUE, [(receipt[0], b"b")], to=name)
        assert QueueStats(0, 0, 1) == transport.stats(QUEUE)
