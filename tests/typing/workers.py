# Generated from workers_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""What type checkers see of workers. Never run; see ``api.py``."""

from __future__ import annotations

from typing import Any, assert_type

from queuekit import Message, Queue, ReliableQueue
from queuekit._acompat import Handler, Method

numbers: Queue[int] = Queue("numbers", "memory:")
jobs: ReliableQueue[str] = ReliableQueue("jobs", "memory:")


@numbers.worker
def bare(number: int) -> int:
    return number


@numbers.worker(timeout=1)
def timed(number: int) -> None: ...


@numbers.worker
def wider(number: object) -> None: ...


@jobs.worker
def reliable(message: Message[str]) -> None: ...


@jobs.worker(timeout=0, prefetch=8)
def ahead(message: Message[str]) -> None: ...


class Office:
    @numbers.worker
    def bare(self, number: int) -> None: ...

    @numbers.worker(timeout=1)
    def timed(self, number: int) -> None: ...

    @jobs.worker(timeout=1)
    def reliable(self, message: Message[str]) -> None: ...


def running(office: Office) -> None:
    bare()
    bare.stop()
    assert_type(bare.handler, Handler[int])
    assert_type(reliable.handler, Handler[Message[str]])
    timed.handler(4)
    ahead()
    reliable("leading")
    office.bare()
    office.bare.stop()
    office.timed.handler(4)
    office.reliable("leading")
    office.reliable.stop()
    assert_type(Office.bare.handler, Method[int])


def of_text(text: str) -> None: ...


def of_other(message: Message[int]) -> None: ...


def of_nothing() -> None: ...


def of_anything(item: Any) -> None: ...


def wrong_uses() -> None:
    numbers.worker(of_text)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    numbers.worker(timeout=1)(of_text)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    numbers.worker(of_nothing)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    numbers.worker(5)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    numbers.worker(of_anything, timeout=1)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    numbers.worker(timeout="1")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    numbers.worker(prefetch=5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    jobs.worker(of_text)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    jobs.worker(of_other)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    jobs.worker(prefetch=5)(of_other)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    jobs.worker(of_nothing)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    bare.handler("text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
