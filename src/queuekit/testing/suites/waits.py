"""Waiting, with threads; the asyncio twin is written by hand, too, since tasks can be cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from ...errors import TransportClosed
from ...transport import PushOptions, QueueStats, Transport
from ..harness import Harness
from .base import Suite, claim_all
from .samples import (
    LEASE,
    QUEUE,
    bodies,
    framed,
    needs,
    numbered,
    receipts,
)

SHORT = 0.2
SLACK = 2.0
"""Seconds that a busy machine may add."""
AT_ONCE = 0.5
"""Half of the usual ``max_wait``: who is woken later than this was not woken, but looked again."""


class WaitSuite(Suite):
    """Timeouts, and who wakes whom."""

    @pytest.fixture
    def pool(self) -> Iterator[ThreadPoolExecutor]:
        """Return threads for those who wait."""
        with ThreadPoolExecutor(16) as pool:
            yield pool

    def waiting(
        self, pool: ThreadPoolExecutor, call: Callable[[], list[bytes]]
    ) -> Future[tuple[float, list[bytes]]]:
        """Start *call* in a thread and give it time to wait; tells when it came back, and what."""
        entered = threading.Event()

        def run() -> tuple[float, list[bytes]]:
            entered.set()
            found = call()
            return time.monotonic(), found

        future = pool.submit(run)
        entered.wait()
        time.sleep(0.1)
        return future

    @pytest.mark.parametrize("verb", ["pop", "claim"])
    def test_a_wait_for_nothing_lasts_its_timeout(self, transport: Transport, verb: str) -> None:
        transport.stats(QUEUE)  # connections are open, files are made
        start = time.monotonic()
        assert [] == taker(transport, verb, SHORT)()
        assert SHORT - 0.02 <= time.monotonic() - start < SHORT + SLACK

    @pytest.mark.parametrize("verb", ["pop", "claim"])
    def test_no_wait_goes_beyond_the_declared_one(self, transport: Transport, verb: str) -> None:
        longest = transport.features.max_wait
        if longest > 2:
            pytest.skip("the transport declares waits longer than this test")
        start = time.monotonic()
        assert [] == taker(transport, verb, 600.0)()
        assert time.monotonic() - start < longest + SLACK

    @pytest.mark.parametrize("verb", ["pop", "claim"])
    def test_what_is_there_is_not_waited_for(self, transport: Transport, verb: str) -> None:
        transport.push(QUEUE, numbered(2))
        start = time.monotonic()
        assert [b"0"] == taker(transport, verb, 1.0)()
        assert time.monotonic() - start < AT_ONCE

    @pytest.mark.parametrize("verb", ["pop", "claim"])
    @pytest.mark.parametrize("shared", [True, False], ids=["same-transport", "other-transport"])
    def test_a_push_wakes_who_waits_at_once(
        self, harness: Harness, pool: ThreadPoolExecutor, verb: str, shared: bool
    ) -> None:
        transport = harness.make()
        pusher = transport if shared else harness.make()
        pusher.stats(QUEUE)
        future = self.waiting(pool, taker(transport, verb, 1.0))
        start = time.monotonic()
        pusher.push(QUEUE, [b"a"])
        woken, found = future.result(10)
        assert [b"a"] == found
        assert woken - start < AT_ONCE

    @pytest.mark.parametrize("verb", ["pop", "claim"])
    def test_a_batch_wakes_as_many_as_can_have_one(
        self, transport: Transport, pool: ThreadPoolExecutor, verb: str
    ) -> None:
        futures = [self.waiting(pool, taker(transport, verb, 1.0)) for _ in range(3)]
        start = time.monotonic()
        transport.push(QUEUE, numbered(3))
        woken = [future.result(10) for future in futures]
        assert numbered(3) == sorted(body for _, found in woken for body in found)
        assert max(at for at, _ in woken) - start < AT_ONCE + 0.2

    @pytest.mark.parametrize("counted", [True, False], ids=["counted", "uncounted"])
    def test_a_release_wakes_who_waits(
        self, transport: Transport, pool: ThreadPoolExecutor, counted: bool
    ) -> None:
        needs(counted or transport.features.uncounted_release, "uncounted_release")
        transport.push(QUEUE, [b"a"])
        held = receipts(claim_all(transport))
        future = self.waiting(pool, taker(transport, "claim", 1.0))
        transport.release(QUEUE, held, counted=counted)
        assert [b"a"] == future.result(10)[1]

    def test_a_move_wakes_who_waits_for_the_target(
        self, transport: Transport, pool: ThreadPoolExecutor
    ) -> None:
        transport.push("from", [b"a"])
        (held,) = transport.claim("from", lease=LEASE)
        future = self.waiting(pool, taker(transport, "claim", 1.0))
        transport.move("from", [(held.receipt, b"b")], to=QUEUE)
        assert [b"b"] == future.result(10)[1]

    def test_a_message_that_becomes_due_ends_the_wait(self, transport: Transport) -> None:
        needs(transport.features.max_delay != 0, "delays")
        late = framed(b"a")
        start = time.monotonic()
        transport.push(QUEUE, late, options=PushOptions(delay=SHORT))
        assert late == taker(transport, "claim", 1.0)()
        assert SHORT - 0.02 <= time.monotonic() - start < SHORT + AT_ONCE

    def test_a_claim_that_expires_ends_the_wait(self, transport: Transport) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        transport.push(QUEUE, [b"a"])
        start = time.monotonic()
        transport.claim(QUEUE, lease=SHORT)
        assert [b"a"] == taker(transport, "claim", 1.0)()
        assert SHORT - 0.02 <= time.monotonic() - start < SHORT + AT_ONCE

    def test_close_ends_the_wait(self, harness: Harness, pool: ThreadPoolExecutor) -> None:
        transport = harness.make()
        future = self.waiting(pool, taker(transport, "claim", 1.0))
        transport.close()
        try:
            assert [] == future.result(10)[1]
        except TransportClosed:
            pass  # as good an answer
        other = harness.make()
        other.push(QUEUE, [b"a"])
        assert [b"a"] == bodies(claim_all(other))

    @pytest.mark.parametrize("verb", ["pop", "claim"])
    def test_threads_share_a_transport_and_every_message_comes_once(
        self, transport: Transport, pool: ThreadPoolExecutor, verb: str
    ) -> None:
        sent = [[b"%d %d" % (n, i) for i in range(50)] for n in range(4)]

        def produce(mine: list[bytes]) -> None:
            for i in range(0, len(mine), 5):
                transport.push(QUEUE, mine[i : i + 5])

        done = threading.Event()

        def consume() -> list[bytes]:
            got: list[bytes] = []
            while True:
                last = done.is_set()
                if verb == "pop":
                    found = transport.pop(QUEUE, limit=3, timeout=0.05)
                else:
                    held = transport.claim(QUEUE, lease=LEASE, limit=3, timeout=0.05)
                    found = bodies(held)
                    assert [] == transport.ack(QUEUE, receipts(held))
                got += found
                if last and not found:
                    return got

        consumers = [pool.submit(consume) for _ in range(4)]
        producers = [pool.submit(produce, mine) for mine in sent]
        for producer in producers:
            producer.result(60)
        done.set()
        got = [body for consumer in consumers for body in consumer.result(60)]
        assert sorted(body for mine in sent for body in mine) == sorted(got)
        assert QueueStats(0, 0, 0) == transport.stats(QUEUE)


def taker(transport: Transport, verb: str, timeout: float) -> Callable[[], list[bytes]]:
    """Return a call that waits for one message and returns its body."""
    if verb == "pop":
        return lambda: transport.pop(QUEUE, timeout=timeout)
    return lambda: bodies(transport.claim(QUEUE, lease=LEASE, timeout=timeout))
