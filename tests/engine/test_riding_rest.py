"""Acks that a thread is about to send when a loop comes to its end."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from queuekit._forks import FORKS

from .rig import Rig, take


def test_the_end_of_a_loop_waits_for_the_last_acks_of_the_thread_that_sends_them() -> None:
    rig = Rig()
    jobs = rig.jobs(lease=0.4)  # acks travel for a tenth of a second
    jobs.put_many(range(2))
    first, second = take(jobs), take(jobs)
    riding = jobs.riding
    begun = threading.Event()
    ack = rig.flaky.ack
    works: list[bool] = []

    def slow(*arguments: Any) -> Any:
        if works:
            begun.set()
            time.sleep(0.3)
        return ack(*arguments)

    def work() -> bool:
        found = riding.flush()
        if found and not works:
            works.append(True)
            riding.add(second)  # comes just before the thread says that it is at its end
            return False
        return found

    rig.flaky.ack = slow
    riding._later._work = work
    riding.add(first)
    assert begun.wait(30)
    riding.rest()
    assert (0, 0, 0) == rig.counts()


def test_an_interrupted_ack_in_a_child_is_not_taken_for_one_of_its_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rig = Rig()
    jobs = rig.jobs()
    jobs.put_many(range(2))
    ours, parents = take(jobs), take(jobs)
    jobs.riding.add(parents)
    monkeypatch.setattr(FORKS, "count", FORKS.count + 1)  # as if this were another process
    rig.flaky.fail_next("ack", error=KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt), ours:
        pass
    assert (0, 0, 1) == rig.counts()
