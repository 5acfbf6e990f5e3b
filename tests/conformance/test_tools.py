"""The tools of ``queuekit.testing`` themselves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from queuekit.backends.memory import AsyncMemoryTransport, MemoryTransport
from queuekit.errors import ConfigurationError, QueueFull, TransportUnavailable
from queuekit.testing import AsyncFlakyTransport, FakeClock, FlakyTransport, MovableClock
from queuekit.testing.suites import (
    AsyncTransportSuite,
    ClaimSuite,
    DedupSuite,
    FifoSuite,
    TransportSuite,
)
from queuekit.transport import AsyncTransport, QueueStats, Transport

from .harnesses import MemoryHarness


class FlakyHarness(MemoryHarness):
    def make(self, *, max_body: int | None = None) -> FlakyTransport:
        return FlakyTransport(super().make(max_body=max_body))


class TestFlakyPassesOn(FifoSuite, ClaimSuite, DedupSuite):
    @pytest.fixture
    def harness(self) -> Iterator[FlakyHarness]:
        with FlakyHarness().closing() as harness:
            yield harness


@pytest.fixture
def flaky() -> FlakyTransport:
    return FlakyTransport(MemoryTransport())


def test_a_flaky_transport_is_a_transport(flaky: FlakyTransport) -> None:
    assert isinstance(flaky, Transport)
    assert isinstance(AsyncFlakyTransport(AsyncMemoryTransport()), AsyncTransport)


def test_a_call_that_fails_before_does_nothing(flaky: FlakyTransport) -> None:
    flaky.fail_next("push")
    with pytest.raises(TransportUnavailable):
        flaky.push("q", [b"a"])
    assert QueueStats(0, 0, 0) == flaky.stats("q")
    flaky.push("q", [b"b"])
    assert [b"b"] == flaky.pop("q", limit=9)
    assert ["push", "stats", "push", "pop"] == flaky.calls


def test_a_call_whose_reply_is_lost_has_happened(flaky: FlakyTransport) -> None:
    flaky.fail_next("push", after=True)
    flaky.fail_next("claim", after=True)
    with pytest.raises(TransportUnavailable):
        flaky.push("q", [b"a"])
    with pytest.raises(TransportUnavailable):
        flaky.claim("q", lease=60.0)
    assert QueueStats(0, 0, 1) == flaky.stats("q")


def test_failures_queue_up_by_method(flaky: FlakyTransport) -> None:
    flaky.fail_next("stats", times=2)
    flaky.fail_next("stats", error=QueueFull("full"))
    assert 3 == flaky.pending
    flaky.push("q", [b"a"])
    for error in (TransportUnavailable, TransportUnavailable, QueueFull):
        with pytest.raises(error):
            flaky.stats("q")
    assert 0 == flaky.pending
    assert QueueStats(1, 0, 0) == flaky.stats("q")


def test_a_method_that_is_none_is_refused(flaky: FlakyTransport) -> None:
    with pytest.raises(ConfigurationError, match="no method 'put'"):
        flaky.fail_next("put")


@pytest.mark.asyncio
async def test_the_twin_fails_alike() -> None:
    flaky = AsyncFlakyTransport(AsyncMemoryTransport())
    flaky.fail_next("push", after=True)
    flaky.fail_next("close")
    with pytest.raises(TransportUnavailable):
        await flaky.push("q", [b"a"])
    assert [b"a"] == await flaky.pop("q")
    with pytest.raises(TransportUnavailable):
        await flaky.aclose()


def test_a_fake_clock_stands_until_it_is_moved() -> None:
    clock = FakeClock(5.0)
    assert [5.0, 5.0] == [clock(), clock()]
    clock.advance(2.5)
    assert 7.5 == clock()
    with pytest.raises(ValueError, match="never goes back"):
        clock.advance(-1)


def test_a_movable_clock_runs_on_from_where_it_was_moved_to() -> None:
    times = iter([10.0, 11.0, 12.0])
    clock = MovableClock(lambda: next(times))
    assert 10.0 == clock()
    clock.advance(100.0)
    assert [111.0, 112.0] == [clock(), clock()]


@pytest.mark.parametrize("suite", [TransportSuite, AsyncTransportSuite])
def test_no_part_of_the_suite_hides_a_test_of_another(suite: type) -> None:
    """Of two tests with one name only the first would run."""
    names = [name for part in suite.__mro__ for name in vars(part) if name.startswith("test_")]
    assert len(names) > 100
    assert sorted(set(names)) == sorted(names)
