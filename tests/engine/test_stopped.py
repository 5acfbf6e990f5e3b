# Generated from test_stopped_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""A consumer that is stopped within a claim, after the store has made it: nothing dead comes."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import TransportUnavailable

from .colour import MARKS
from .rig import NAME, Rig

pytestmark = MARKS

LEASE = 60.0
WAYS = pytest.mark.parametrize("way", ["get", "get_many", "consume", "worker"])


@pytest.fixture
def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    """Return a store by whose clock the library goes, too: only ``stop_after`` moves it on."""
    made = Rig()
    made.stop_time(monkeypatch)
    return made


def stop_after(rig: Rig, method: str, seconds: float, *, taken: bool = False) -> None:
    """Hold the next answer of the store for so long; with *taken* another one claims meanwhile."""
    inner = getattr(rig.flaky, method)

    def stopped(*arguments: Any, **options: Any) -> Any:
        setattr(rig.flaky, method, inner)
        found = inner(*arguments, **options)
        rig.clock.advance(seconds)
        if taken:
            assert rig.store.claim(NAME, lease=60), "it had run out"
        return found

    setattr(rig.flaky, method, stopped)


def take_one(way: str, jobs: Any) -> tuple[Any, int] | None:
    """Take a message in this way, ack it, and return its body and attempt."""
    found: list[tuple[Any, int]] = []

    def take(message: Any) -> None:
        found.append((message.body, message.attempt))
        message.ack()
        work.stop()

    work = jobs.worker(timeout=0)(take)
    if way == "get":
        message = jobs.get()
        if message is not None:
            take(message)
    elif way == "get_many":
        for message in jobs.get_many(1):
            take(message)
    elif way == "consume":
        with jobs.consume(timeout=0) as source:
            for message in source:
                take(message)
                break
    else:
        work()
    return found[0] if found else None


@WAYS
def test_stopped_for_less_than_its_lease_it_gets_the_message(way: str, rig: Rig) -> None:
    rig.queue().put(1)
    stop_after(rig, "claim", LEASE / 2)
    assert (1, 1) == take_one(way, rig.jobs(lease=LEASE))
    assert (0, 0, 0) == rig.counts()


@WAYS
def test_stopped_past_its_lease_it_keeps_what_nobody_else_took(way: str, rig: Rig) -> None:
    rig.queue().put(1)
    stop_after(rig, "claim", 2 * LEASE)
    assert (1, 1) == take_one(way, rig.jobs(lease=LEASE)), "uncounted: it did not end"
    assert 1 == rig.flaky.calls.count("extend")
    assert (0, 0, 0) == rig.counts()


@WAYS
def test_what_another_one_took_meanwhile_is_not_handed_out(way: str, rig: Rig) -> None:
    rig.queue().put("taken", "next")
    stop_after(rig, "claim", 2 * LEASE, taken=True)
    assert ("next", 1) == take_one(way, rig.jobs(lease=LEASE))
    assert (0, 0, 1) == rig.counts(), "the other one's"


@WAYS
def test_of_nothing_else_it_gets_nothing(way: str, rig: Rig) -> None:
    rig.queue().put("taken")
    stop_after(rig, "claim", 2 * LEASE, taken=True)
    assert take_one(way, rig.jobs(lease=LEASE)) is None


def test_stopped_again_while_it_asks_it_asks_again(rig: Rig) -> None:
    rig.queue().put("taken", "next")
    stop_after(rig, "claim", 1.2 * LEASE)
    stop_after(rig, "extend", 1.2 * LEASE, taken=True)
    assert ("next", 1) == take_one("get", rig.jobs(lease=LEASE))


def test_where_the_store_cannot_be_asked_it_gives_back(rig: Rig) -> None:
    rig.queue().put(1)
    stop_after(rig, "claim", 2 * LEASE)
    rig.flaky.fail_next("extend")
    with pytest.raises(TransportUnavailable):
        rig.jobs(lease=LEASE).get()
    assert (1, 0, 0) == rig.counts()


def test_a_message_handed_out_at_once_costs_no_second_trip(rig: Rig) -> None:
    rig.queue().put(1)
    assert (1, 1) == take_one("get", rig.jobs())
    assert ["claim", "ack"] == [call for call in rig.flaky.calls if call != "push"]
