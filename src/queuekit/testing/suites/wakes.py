"""Who is woken by levels, groups and limits, and waits for several queues; with threads."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from ...abilities import Limiting, Limits, WaitingForAny
from ...errors import ConfigurationError, TransportClosed
from ...transport import Delivery, PushOptions, QueueStats, Transport
from ..harness import Harness
from .base import Suite, claim_all
from .groups import push
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
from .waits import AT_ONCE, SHORT, SLACK, WAIT, WAKES, begun, patiently

FEW = 10
"""Calls in ``SHORT`` seconds of who waits now and then; who does not wait makes thousands."""


class WakeSuite(Suite):
    """What else ends a wait, and ``wait_any``."""

    @pytest.fixture
    def pool(self) -> Iterator[ThreadPoolExecutor]:
        """Return threads for those who wait."""
        with ThreadPoolExecutor(16) as pool:
            yield pool

    @pytest.fixture
    def waits(self, transport: Transport) -> WaitingForAny:
        """Return the transport if it waits for several queues."""
        if not isinstance(transport, WaitingForAny):
            pytest.skip("the transport does not wait for several queues")
        return transport

    @pytest.mark.parametrize("level", [-3, -1, 1, 3])
    def test_a_message_of_any_level_wakes_who_waits(
        self, transport: Transport, pool: ThreadPoolExecutor, level: int
    ) -> None:
        needs(transport.features.priorities, "priorities")
        took = 0.0
        for body in numbered(WAKES):
            task = begun(pool, claimer(transport))
            start = time.monotonic()
            transport.push(QUEUE, [placed(body, level=level)], options=PLACED)
            woken, found = task.result(SLACK)
            assert [body] == inner(found)
            took += woken - start
        assert took < AT_ONCE

    def test_an_ack_wakes_who_waits_for_the_next_of_a_group(
        self, transport: Transport, pool: ThreadPoolExecutor
    ) -> None:
        needs(transport.features.groups, "groups")
        took = 0.0
        for n in range(WAKES):
            push(transport, "ab", group=f"g{n}")
            held = receipts(claim_all(transport))
            task = begun(pool, claimer(transport))
            start = time.monotonic()
            assert [] == transport.ack(QUEUE, held)
            woken, found = task.result(SLACK)
            assert [b"b"] == inner(found)
            took += woken - start
        assert took < AT_ONCE

    def test_a_reject_wakes_who_waits_for_the_next_of_a_group(
        self, transport: Transport, pool: ThreadPoolExecutor
    ) -> None:
        needs(transport.features.groups, "groups")
        took = 0.0
        for n in range(WAKES):
            push(transport, "ab", group=f"g{n}")
            (held,) = claim_all(transport)
            task = begun(pool, claimer(transport))
            start = time.monotonic()
            assert [] == transport.move(QUEUE, [(held.receipt, b"letter")], to=OTHER)
            woken, found = task.result(SLACK)
            assert [b"b"] == inner(found)
            took += woken - start
        assert took < AT_ONCE

    def test_a_message_that_comes_wakes_who_is_limited(
        self, transport: Transport, pool: ThreadPoolExecutor
    ) -> None:
        took = 0.0
        for body in numbered(WAKES):
            task = begun(pool, claimer(transport, Limits(rate=1000)))
            start = time.monotonic()
            transport.push(QUEUE, [body])
            woken, found = task.result(SLACK)
            assert [body] == bodies(found)
            took += woken - start
        assert took < AT_ONCE

    def test_an_ack_lets_the_next_have_its_turn(
        self, transport: Transport, pool: ThreadPoolExecutor
    ) -> None:
        claim = claimer(transport, Limits(in_flight=1))
        transport.push(QUEUE, numbered(WAKES + 1))
        held, took = claim(), 0.0
        for body in numbered(WAKES + 1)[1:]:
            task = begun(pool, claim)
            start = time.monotonic()
            assert [] == transport.ack(QUEUE, receipts(held))
            woken, held = task.result(SLACK)
            assert [body] == bodies(held)
            took += woken - start
        assert took < AT_ONCE

    @pytest.mark.parametrize("queue", [QUEUE, OTHER])
    @pytest.mark.parametrize("shared", [True, False], ids=["same-transport", "other-transport"])
    def test_a_message_for_any_queue_ends_the_wait(
        self, harness: Harness, pool: ThreadPoolExecutor, queue: str, shared: bool
    ) -> None:
        transport = harness.make()
        if not isinstance(transport, WaitingForAny):
            pytest.skip("the transport does not wait for several queues")
        pusher = transport if shared else harness.make()
        pusher.stats(QUEUE)
        took = 0.0
        for n in range(WAKES):
            task = begun(pool, lambda: transport.wait_any([QUEUE, OTHER], timeout=WAIT))
            start = time.monotonic()
            pusher.push(queue, [b"a"])
            woken, _ = task.result(SLACK)
            took += max(0.0, woken - start)  # if it was over before: its time was up
            assert QueueStats(1, 0, n) == pusher.stats(queue), "it took something"
            assert [b"a"] == bodies(claim_all(pusher, queue))
        assert took < AT_ONCE

    def test_a_wait_for_several_waits(self, waits: WaitingForAny) -> None:
        start, calls = time.monotonic(), 0
        while time.monotonic() - start < SHORT:
            waits.wait_any([QUEUE, OTHER], timeout=SHORT)
            calls += 1
        assert calls < FEW
        assert time.monotonic() - start < 2 * SHORT + SLACK

    def test_no_wait_goes_beyond_the_longest(
        self, waits: WaitingForAny, transport: Transport
    ) -> None:
        start = time.monotonic()
        waits.wait_any([QUEUE, OTHER], timeout=600.0)
        assert time.monotonic() - start < transport.features.max_wait + SLACK

    def test_other_queues_do_not_matter(self, waits: WaitingForAny, transport: Transport) -> None:
        transport.push("third", [b"a"])
        start, calls = time.monotonic(), 0
        while time.monotonic() - start < SHORT:
            waits.wait_any([QUEUE, OTHER], timeout=SHORT)
            calls += 1
        assert calls < FEW

    def test_one_that_becomes_due_is_found(
        self, waits: WaitingForAny, transport: Transport
    ) -> None:
        needs(transport.features.max_delay != 0, "delays")
        late, start = framed(b"late"), time.monotonic()
        transport.push(OTHER, late, options=PushOptions(delay=SHORT))
        while not (found := claim_all(transport, OTHER)):
            assert time.monotonic() - start < SHORT + SLACK
            waits.wait_any([QUEUE, OTHER], timeout=WAIT)
        assert late == bodies(found)

    def test_who_waits_for_one_queue_has_it_all_the_same(
        self, harness: Harness, pool: ThreadPoolExecutor
    ) -> None:
        """The wake-up that a wait for several got, and that takes nothing, goes on."""
        transport = harness.make()
        if not isinstance(transport, WaitingForAny):
            pytest.skip("the transport does not wait for several queues")
        several: list[Future[tuple[float, None]]] = []
        took = 0.0
        for body in numbered(WAKES):
            waiting = begun(pool, lambda: transport.wait_any([QUEUE, OTHER], timeout=WAIT))
            one = begun(pool, claimer(transport))
            start = time.monotonic()
            transport.push(QUEUE, [body])
            woken, found = one.result(SLACK)
            assert [body] == bodies(found)
            took += woken - start
            several.append(waiting)
        assert took < AT_ONCE
        for waiting in several:
            waiting.result(SLACK)

    @pytest.mark.parametrize("timeout", BAD_SECONDS, ids=ascii)
    def test_a_timeout_for_several_that_cannot_be_is_refused(
        self, waits: WaitingForAny, timeout: float
    ) -> None:
        with pytest.raises(ConfigurationError):
            waits.wait_any([QUEUE], timeout=timeout)

    def test_several_names_that_cannot_be_are_refused(self, waits: WaitingForAny) -> None:
        for queues in ([], [""], [QUEUE, "x" * 300]):
            with pytest.raises(ConfigurationError):
                waits.wait_any(queues, timeout=SHORT)

    def test_after_close_nobody_waits(self, waits: WaitingForAny, transport: Transport) -> None:
        transport.close()
        with pytest.raises(TransportClosed):
            waits.wait_any([QUEUE], timeout=SHORT)


def claimer(transport: Transport, limits: Limits | None = None) -> Callable[[], list[Delivery]]:
    """Return a call that waits until it has claimed a message, within *limits* if there are any."""
    if limits is None:
        return lambda: patiently(
            transport, lambda timeout: transport.claim(QUEUE, lease=LEASE, timeout=timeout)
        )
    if not isinstance(transport, Limiting):
        pytest.skip("the transport keeps no limits")
    claim = transport.claim_within
    return lambda: patiently(
        transport, lambda timeout: claim(QUEUE, limits=limits, lease=LEASE, timeout=timeout)
    )
