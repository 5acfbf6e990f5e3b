# unasync: source
"""Hooks: what a worker tells of its messages."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from queuekit import AsyncWorker, Hooks

from .colour_async import MARKS
from .rig_async import AsyncRig, errors

pytestmark = MARKS


class Notes(Hooks):
    """Writes down what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.threads: set[str] = set()

    def note(self, *what: Any) -> None:
        self.heard.append(what)
        self.threads.add(threading.current_thread().name)

    def got(self, message: Any) -> None:
        self.note("got", message.body, message.queue.name, message.attempt)

    def done(self, message: Any, seconds: float) -> None:
        self.note("done", message.body, 0 <= seconds < 60)

    def failed(self, message: Any, error: Exception | None, seconds: float) -> None:
        self.note("failed", message.body, type(error))

    def dead(self, message: Any, error: Exception | None, seconds: float) -> None:
        self.note("dead", message.body, type(error))

    def lease_lost(self, message: Any, seconds: float) -> None:
        self.note("lease_lost", message.body)


async def test_each_outcome_is_told_with_its_error() -> None:
    rig = AsyncRig()
    jobs = rig.jobs(max_attempts=1)
    await jobs.put_many(["done", "dies", "rejected", "lost", "released"])
    threads: set[str] = set()

    async def handle(message: Any) -> None:
        threads.add(threading.current_thread().name)
        if message.body == "dies":
            raise ValueError("no")
        if message.body == "rejected":
            await message.reject("no")
        if message.body == "lost":
            await rig.store.ack("jobs", [message.receipt])
        if message.body == "released":
            await message.release()

    notes = Notes()
    await AsyncWorker(jobs, handle, hooks=notes, max_messages=5, confirm=True).run()
    assert [
        ("got", "done", "jobs", 1),
        ("done", "done", True),
        ("got", "dies", "jobs", 1),
        ("dead", "dies", ValueError),
        ("got", "rejected", "jobs", 1),
        ("dead", "rejected", type(None)),
        ("got", "lost", "jobs", 1),
        ("lease_lost", "lost"),
        ("got", "released", "jobs", 1),
    ] == notes.heard
    assert threads == notes.threads


async def test_a_failure_is_told_with_its_error() -> None:
    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put("x")

    async def handle(message: Any) -> None:
        raise KeyError("no")

    notes = Notes()
    await AsyncWorker(jobs, handle, hooks=notes, timeout=0).run()
    assert [("got", "x", "jobs", 1), ("failed", "x", KeyError)] == notes.heard


async def test_an_error_in_a_hook_is_logged_and_changes_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(Hooks):
        def got(self, message: Any) -> None:
            raise ValueError("got")

        def done(self, message: Any, seconds: float) -> None:
            raise ValueError("done")

    rig = AsyncRig()
    jobs = rig.jobs()
    await jobs.put_many(range(2))

    async def handle(message: Any) -> None: ...

    assert 2 == (await AsyncWorker(jobs, handle, hooks=Broken(), timeout=0).run()).done
    assert 4 == len(errors(caplog))
