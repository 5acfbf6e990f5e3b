"""
Every kind of call, with the reply to each command that it sends cut off or swallowed (N1).

The commands are found by recording what the calls send, without faults and, for those that only a
fault brings about, with the first. The ledgers tell what each call said of itself, a drain past the
proxy tells what the store made of it, and both must agree.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from .accounts import Account
from .cells import ASKED, CALLS, LOAD, PATIENT, SET_UP, TIMEOUT, Cell, name_of, warm
from .proxy import Fault, Kind

pytestmark = pytest.mark.redis

COUNT = 3
EVER = float("inf")
FIRST, SECOND, ALWAYS = (0, 1.0), (1, 1.0), (0, EVER)
"""Sends that are spared, then sends that are hit."""

Accept = Callable[[str, Account], None]


class Plan(NamedTuple):
    """The faults of one cell: on one command, and on one more that only this fault brings about."""

    call: str
    kind: Kind
    when: tuple[int, float]
    first: bytes
    then: bytes = b""

    def __str__(self) -> str:
        spare, hit = self.when
        often = "always" if hit == EVER else ("first", "second")[spare]
        then = f", then {name_of(self.then)}" if self.then else ""
        return f"{self.call}: {self.kind} {often} {name_of(self.first)}{then}"

    def faults(self) -> list[Fault]:
        spare, hit = self.when
        if self.then:
            return [Fault(self.kind, self.first), Fault(self.kind, self.then, spare, hit)]
        return [Fault(self.kind, self.first, spare, hit)]


class Matrix:
    """All cells of one colour."""

    def __init__(self, colour: str, url: str, folder: Path) -> None:
        self.colour, self.url, self.folder = colour, url, folder
        self.number = 0
        self.total = Account()
        self.wrong: list[str] = []

    def cell(self, call: str, kind: Kind = "cut") -> Cell:
        self.number += 1
        folder = self.folder / f"cell-{self.number}"
        timeout = TIMEOUT if kind == "stall" else PATIENT
        return Cell(CALLS[call], self.colour, self.url, folder, timeout=timeout)

    def record(self, call: str) -> Counter[bytes]:
        """Return what the calls send without faults."""
        cell = self.cell(call)
        found = self.sent(call, cell.run([], COUNT))
        self.take(f"{call}: no fault", cell.account())
        assert found, f"{call} sent nothing"
        return found

    def run(self, plan: Plan) -> Counter[bytes]:
        """Run one cell; return what it sent."""
        cell = self.cell(plan.call, plan.kind)
        faults = plan.faults()
        found = cell.run(faults, 1 if plan.when == ALWAYS else COUNT)
        if not faults[0].hits:
            self.wrong.append(f"{plan}: this never came about")
        self.take(f"{plan} ({cell.folder})", cell.account())
        return self.sent(plan.call, found)

    @staticmethod
    def sent(call: str, commands: list[bytes]) -> Counter[bytes]:
        """Count the call's own commands; scripts are loaded for whoever comes first."""
        leave_out = {SET_UP, *ASKED} if CALLS[call].cold else {SET_UP, *ASKED, LOAD}
        return Counter(one for one in commands if one not in leave_out)

    def take(self, run: str, account: Account) -> None:
        if not account.passed:
            self.wrong.append(f"{run}: {account}")
        self.total.add(account)

    def all(self, kind: Kind, whens: list[tuple[int, float]]) -> None:
        """Run every cell, several at a time, since most of them wait; the cold ones alone."""
        warm(self.url)
        for cold, wide in ((False, 8), (True, 1)):
            calls = [name for name, call in CALLS.items() if call.cold == cold]
            with ThreadPoolExecutor(wide) as pool:
                recorded = dict(zip(calls, pool.map(self.record, calls), strict=True))
                plans = [
                    Plan(call, kind, when, command)
                    for call, commands in recorded.items()
                    for command, count in commands.items()
                    for when in whens
                    if when != SECOND or count > 1
                ]
                seen = list(pool.map(self.run, plans))
                more = [
                    plan._replace(then=command, when=when)
                    for plan, commands in zip(plans, seen, strict=True)
                    if plan.when == FIRST
                    for command in commands.keys() - recorded[plan.call].keys()
                    for when in whens
                    if when != SECOND
                ]
                list(pool.map(self.run, more))


@pytest.mark.parametrize("colour", ["sync", "async"])
def test_a_lost_reply_is_survived(
    colour: str, redis_url: str, redis_prefix: str, ledgers: Path, accept: Accept
) -> None:
    url = f"{redis_url}?prefix={redis_prefix}"
    _run(colour, "cut", [FIRST], url, ledgers, accept)


@pytest.mark.t2
@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["cut", "stall"])
@pytest.mark.parametrize("colour", ["sync", "async"])
def test_replies_lost_at_any_time_are_survived(
    colour: str, kind: Kind, redis_url: str, redis_prefix: str, ledgers: Path, accept: Accept
) -> None:
    url = f"{redis_url}?prefix={redis_prefix}"
    _run(colour, kind, [FIRST, SECOND, ALWAYS], url, ledgers, accept)


def _run(
    colour: str, kind: Kind, whens: list[tuple[int, float]], url: str, ledgers: Path, accept: Accept
) -> None:
    matrix = Matrix(colour, url, ledgers)
    matrix.all(kind, whens)
    assert not matrix.wrong, "\n".join(matrix.wrong)
    accept(f"lost replies, {colour}: {kind}, {matrix.number} cells", matrix.total)
