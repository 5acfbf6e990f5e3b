"""Waiting, with threads; the asyncio twin is written by hand, too, since tasks can be cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

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

T = TypeVar("T")
SHORT = 0.2
SLACK = 20.0
"""Seconds that a busy machine may add, even one that stands still at times."""
WAIT = 1.0
"""Seconds that somebody waits who is to be woken; no longer than the usual ``max_wait``."""
WAKES = 8
"""How often somebody is woken in a test."""
AT_ONCE = WAKES / 2
"""
Seconds for so many wake-ups together.

Half of ``WAIT`` for each: who is not woken, but looks again, takes about twice as long. One or two
that a busy machine held up do not count so much.
"""
DUE = 0.05
"""Seconds until something becomes due or expires while somebody waits."""
SETTLE = 0.01
"""Seconds until somebody waits who has begun to; if it took longer, the wake-up shows nothing."""


class WaitSuite(Suite):
    """Timeouts, and who wakes whom."""

    @pytest.fixture
    def pool(self) -> Iterator[ThreadPoolExecutor]:
        """Return threads for those who wait."""
        with ThreadPoolExecutor(16) as pool:
            yield pool

    @pytest.mark.parametrize("verb", ["pop", "claim"])
    def test_a_wait_for_nothing_lasts_its_timeout(self, transport: Transport, verb: str) -> None:
        transport.stats(QUEUE)  # connections are open, files are made
        start = time.monotonic()
        assert [] == take(transport, verb, SHORT)
        assert SHORT - 0.02 <= time.monotonic() - start < SHORT + SLACK

    def test_no_wait_goes_beyond_the_declared_one(
        self, transport: Transport, pool: ThreadPoolExecutor
    ) -> None:
        longest = transport.features.max_wait
        if longest > 2:
            pytest.skip("the transport declares waits longer than this test")
        start = time.monotonic()
        futures = [pool.submit(take, transport, verb, 600.0) for verb in ("pop", "claim")]
        assert [[], []] == [future.result(longest + SLACK) for future in futures]
        assert time.monotonic() - start < longest + SLACK

    @pytest.mark.parametrize("verb", ["pop", "claim"])
    def test_what_is_there_is_not_waited_for(self, transport: Transport, verb: str) -> None:
        transport.push(QUEUE, numbered(WAKES + 1))
        start = time.monotonic()
        found = [take(transport, verb, WAIT) for _ in range(WAKES)]
        assert time.monotonic() - start < AT_ONCE
        assert numbered(WAKES) == [body for one in found for body in one]

    @pytest.mark.parametrize("verb", ["pop", "claim"])
    @pytest.mark.parametrize("shared", [True, False], ids=["same-transport", "other-transport"])
    def test_a_push_wakes_who_waits_at_once(
        self, harness: Harness, pool: ThreadPoolExecutor, verb: str, shared: bool
    ) -> None:
        transport = harness.make()
        pusher = transport if shared else harness.make()
        pusher.stats(QUEUE)
        took = 0.0
        for body in numbered(WAKES):
            future = begun(pool, taker(transport, verb))
            start = time.monotonic()
            pusher.push(QUEUE, [body])
            woken, found = future.result(SLACK)
            assert [body] == found
            took += woken - start
        assert took < AT_ONCE

    @pytest.mark.parametrize("verb", ["pop", "claim"])
    def test_a_batch_wakes_as_many_as_can_have_one(
        self, transport: Transport, pool: ThreadPoolExecutor, verb: str
    ) -> None:
        took = 0.0
        for _ in range(WAKES):
            futures = [begun(pool, taker(transport, verb)) for _ in range(3)]
            start = time.monotonic()
            transport.push(QUEUE, numbered(3))
            woken = [future.result(SLACK) for future in futures]
            assert numbered(3) == sorted(body for _, found in woken for body in found)
            took += max(at for at, _ in woken) - start
        assert took < AT_ONCE

    @pytest.mark.parametrize("counted", [True, False], ids=["counted", "uncounted"])
    def test_a_release_wakes_who_waits(
        self, transport: Transport, pool: ThreadPoolExecutor, counted: bool
    ) -> None:
        needs(counted or transport.features.uncounted_release, "uncounted_release")
        took = 0.0
        for body in numbered(WAKES):
            transport.push(QUEUE, [body])
            held = receipts(claim_all(transport))
            future = begun(pool, taker(transport, "claim"))
            start = time.monotonic()
            transport.release(QUEUE, held, counted=counted)
            woken, found = future.result(SLACK)
            assert [body] == found
            took += woken - start
        assert took < AT_ONCE

    def test_a_move_wakes_who_waits_for_the_target(
        self, transport: Transport, pool: ThreadPoolExecutor
    ) -> None:
        took = 0.0
        for body in numbered(WAKES):
            transport.push("from", [b"a"])
            (held,) = transport.claim("from", lease=LEASE)
            future = begun(pool, taker(transport, "claim"))
            start = time.monotonic()
            transport.move("from", [(held.receipt, body)], to=QUEUE)
            woken, found = future.result(SLACK)
            assert [body] == found
            took += woken - start
        assert took < AT_ONCE

    def test_a_message_that_becomes_due_ends_the_wait(self, transport: Transport) -> None:
        needs(transport.features.max_delay != 0, "delays")
        took = 0.0
        for body in numbered(WAKES):
            late = framed(body)
            start = time.monotonic()
            transport.push(QUEUE, late, options=PushOptions(delay=DUE))
            assert late == taker(transport, "claim")()
            took += (lasted := time.monotonic() - start)
            assert lasted >= DUE - 0.02
        assert took < WAKES * DUE + AT_ONCE

    def test_a_claim_that_expires_ends_the_wait(self, transport: Transport) -> None:
        needs(transport.features.exact_lease, "exact_lease")
        took = 0.0
        for body in numbered(WAKES):
            transport.push(QUEUE, [body])
            start = time.monotonic()
            transport.claim(QUEUE, lease=DUE)
            assert [body] == taker(transport, "claim")()
            took += (lasted := time.monotonic() - start)
            assert lasted >= DUE - 0.02
        assert took < WAKES * DUE + AT_ONCE

    def test_close_ends_the_wait(self, harness: Harness, pool: ThreadPoolExecutor) -> None:
        transport = harness.make()
        future = begun(pool, lambda: take(transport, "claim", WAIT))
        transport.close()
        try:
            assert [] == future.result(SLACK)[1]
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


def take(transport: Transport, verb: str, timeout: float) -> list[bytes]:
    """Wait for one message and return its body."""
    if verb == "pop":
        return transport.pop(QUEUE, timeout=timeout)
    return bodies(transport.claim(QUEUE, lease=LEASE, timeout=timeout))


def taker(transport: Transport, verb: str) -> Callable[[], list[bytes]]:
    """Return a call that waits until one message comes, and returns its body."""
    return lambda: patiently(transport, lambda timeout: take(transport, verb, timeout))


def patiently(transport: Transport, call: Callable[[float], list[T]]) -> list[T]:
    """Wait again when nothing came: while the machine stands still a timeout runs out."""
    timeout = min(WAIT, transport.features.max_wait)
    end = time.monotonic() + SLACK
    while True:
        start = time.monotonic()
        if (found := call(timeout)) or start > end:
            return found
        assert time.monotonic() - start >= timeout - 0.1, "it did not wait"


def begun(pool: ThreadPoolExecutor, call: Callable[[], T]) -> Future[tuple[float, T]]:
    """Start *call* in a thread and give it time to wait; tells when it came back, and what."""
    entered = threading.Event()

    def run() -> tuple[float, T]:
        entered.set()
        found = call()
        return time.monotonic(), found

    future = pool.submit(run)
    entered.wait()
    time.sleep(SETTLE)
    return future
