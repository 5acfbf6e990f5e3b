"""Two movers of one queue: one has the turn, and who stood still for too long does no harm."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Event, Thread

import pytest

from queuekit import QueueKitError, moving_turn

from .stores import COUNT, WAITED, Fate, Killed, Pair, sparsely

KILLED = 5
"""Calls from looking at what is on its way until a record of it was made, and no copy has moved."""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a mover that would have to wait give up: the other one stands still in this thread."""
    monkeypatch.setattr(moving_turn, "patience_of", lambda store, lease: 0.0)
    monkeypatch.setattr(moving_turn, "_TICK", 0.0)


def test_who_comes_second_changes_nothing_and_says_so(pair: Pair) -> None:
    def second() -> None:
        with pytest.raises(QueueKitError, match="another process moves 'a'"):
            pair.move()

    for at in range(6, pair.calls() - 3):
        pair.fill()
        fate = Fate(at, befalls=second)
        assert pair.move(fate) == COUNT
        pair.settle(fate, f"a second mover at call {at}")


def test_two_that_begin_at_once_do_not_both_get_the_turn(fast_pair: Pair) -> None:
    def begins() -> None:
        begun.append(fast_pair.mover().batches())
        next(begun[-1])

    for at in range(1, 5):
        fast_pair.fill()
        begun: list[Iterator[int]] = []
        fate = Fate(at, befalls=begins)
        with pytest.raises(QueueKitError, match="another process"):
            fast_pair.move(fate)
        assert sum(begun[0]) == COUNT
        fast_pair.settle(fate, f"began at call {at}")


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("clocks", ["both clocks", "clock of the source"])
def test_a_mover_that_stood_still_does_no_harm(pair: Pair, after: bool, clocks: str) -> None:
    """Another one takes over and ends, or cannot get what is held at the target; it goes on."""

    def stands_still() -> None:
        if clocks == "both clocks":
            pair.pass_time()
        else:
            pair.source_harness.pass_time(WAITED)
            pair.waited += WAITED
        run(pair, other)

    for at in range(1, pair.calls() + 1):
        pair.fill()
        other = Fate()
        fate = Fate(at, after=after, befalls=stands_still)
        run(pair, fate)
        pair.pass_time()
        pair.move()
        fate.names |= other.names
        forgive_own_copies(pair, fate)
        pair.settle(fate, f"stood still at call {at}", late=WAITED)


@sparsely
def test_nor_where_the_other_one_is_killed_meanwhile(fast_pair: Pair, stride: int) -> None:
    def stands_still() -> None:
        fast_pair.pass_time()
        run(fast_pair, other)

    calls = fast_pair.calls()
    for at in range(1, calls + 1):
        for killed in range(1 + at % stride, calls + 1, stride):
            fast_pair.fill()
            fate, other = Fate(at, befalls=stands_still), Fate(killed, after=True)
            run(fast_pair, fate)
            fast_pair.pass_time()
            fast_pair.move()
            fate.names |= other.names
            forgive_own_copies(fast_pair, fate)
            what = f"stood still at call {at}, the other killed at call {killed}"
            fast_pair.settle(fate, what, late=WAITED)


@sparsely
def test_nor_where_it_wakes_in_the_middle_of_the_other_one(fast_pair: Pair, stride: int) -> None:
    """
    One stands still at any call; another one takes over and is at any call when it goes on.

    And it is killed some calls later, one in seven is not.
    """
    calls = fast_pair.calls()
    for at in range(1, calls + 1):
        for woken in range(1 + at % stride, calls + 1, stride):
            fast_pair.fill()
            killed = at + KILLED if (at + woken) % 7 else 0
            fate = woken_in_the_middle(fast_pair, at, woken, killed=killed)
            what = f"stood still at call {at}, woke at call {woken} of the other"
            if not fate.dead:
                assert 0 == sum(fast_pair.source.stats("a!later")), what
            fast_pair.pass_time()
            fast_pair.move()
            forgive_own_copies(fast_pair, fate)
            fast_pair.settle(fate, what, late=WAITED)


def woken_in_the_middle(pair: Pair, at: int, woken: int, *, killed: int) -> Fate:
    """Run one mover, and another one while it stands still; return what befell the first."""
    asleep, awake = Event(), Event()

    def stands_still() -> None:
        pair.pass_time()
        asleep.set()
        awake.wait(30)
        fate.at, fate.befalls = killed, fate.die

    def goes_on() -> None:
        awake.set()
        thread.join(30)
        assert not thread.is_alive()

    fate, other = Fate(at, befalls=stands_still), Fate(woken, befalls=goes_on)
    thread = Thread(target=run, args=(pair, fate))
    thread.start()
    assert asleep.wait(30)
    run(pair, other)
    goes_on()
    fate.names |= other.names
    return fate


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_who_is_overtaken_while_it_takes_the_turn_has_none(fast_pair: Pair, after: bool) -> None:
    """The other one moves all and forgets both runs; then more comes, and the first is killed."""

    def is_overtaken() -> None:
        run(fast_pair, other)
        fast_pair.target.purge("b")
        fast_pair.source.purge("a")
        fast_pair.fill()
        fate.at, fate.befalls, fate.after = killed, fate.die, True

    for at in range(1, 6):
        for killed in range(at + 1, at + 40):
            fast_pair.fill()
            other = Fate()
            fate = Fate(at, after=after, befalls=is_overtaken)
            run(fast_pair, fate)
            if not fate.dead:
                break
            fast_pair.pass_time()
            fast_pair.move()
            fate.names |= other.names
            fast_pair.settle(fate, f"overtaken at call {at}, killed at call {killed}")
        fast_pair.source.purge("a")


def run(pair: Pair, fate: Fate) -> None:
    try:
        pair.move(fate)
    except (QueueKitError, Killed):
        pass


def forgive_own_copies(pair: Pair, fate: Fate) -> None:
    """Forget copies and the marker that a mover leaves whose run was finished by another one."""
    for name in fate.names:
        if any(each in name for each in ("b!moving-", "b!later-", "b!marker-")):
            pair.target.recover(name)
            pair.target.purge(name)
