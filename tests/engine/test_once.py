# Generated from test_once_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""The memory of handlers: work that was done is not done again."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import ConfigurationError, Message, Once, ReliableQueue, Unsupported

from .colour import MARKS
from .rig import NAME, Rig, take

pytestmark = MARKS


def build(rig: Rig, **options: Any) -> ReliableQueue[Any]:
    return ReliableQueue(NAME, rig.store, **options)


def test_what_is_remembered_is_seen_until_its_window_ends() -> None:
    rig = Rig()
    jobs = build(rig)
    once = Once(jobs, window=100)
    message_id = jobs.put("x")
    message = take(jobs)
    assert not once.seen(message)
    assert once.remember(message)
    assert not once.remember(message_id)
    assert once.seen(message_id)
    assert not Once(ReliableQueue[Any]("others", rig.store)).seen(message_id)
    rig.clock.advance(101)
    assert not once.seen(message)


def test_what_is_forgotten_is_done_again() -> None:
    jobs = build(Rig())
    once = Once(jobs)
    once.remember("id")
    assert once.forget("id")
    assert not once.forget("id")
    assert not once.seen("id")


def test_a_decorated_handler_works_once_though_its_ack_was_lost() -> None:
    rig = Rig()
    jobs = build(rig)
    once = Once(jobs)
    work: list[Any] = []

    @once
    def handle(message: Message[Any]) -> None:
        work.append(message.body)

    assert "handle" == handle.__name__
    jobs.put("x")
    handle(take(jobs))  # and dies before the ack
    rig.clock.advance(61)
    jobs.worker(timeout=0)(handle)()
    assert ["x"] == work
    assert (0, 0, 0) == rig.counts()


def test_what_failed_is_not_remembered() -> None:
    rig = Rig()
    jobs = build(rig)
    once = Once(jobs)
    work: list[Any] = []

    @jobs.worker(timeout=0)
    @once
    def handle(message: Message[Any]) -> None:
        work.append(message.attempt)
        if message.attempt == 1:
            message.fail(delay=0)
        elif message.attempt == 2:
            raise ValueError

    jobs.put("x")
    handle()
    rig.clock.advance(60)
    handle()
    assert [1, 2, 3] == work


def test_the_memory_meets_no_key_of_a_put() -> None:
    rig = Rig()
    jobs = build(rig)
    Once(jobs).remember("key")
    assert rig.store.marked(NAME, "key") is None


def test_a_transport_that_remembers_nothing_is_refused() -> None:
    rig = Rig()
    with pytest.raises(Unsupported, match=r"record message\.id"):
        Once(rig.jobs())
    with pytest.raises(ConfigurationError, match="window"):
        Once(build(rig), window=0)
    with pytest.raises(ConfigurationError, match=r"message\.id"):
        Once(build(rig)).seen(5)
