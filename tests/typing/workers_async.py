# unasync: source
"""What type checkers see of workers. Never run; see ``api.py``."""

from __future__ import annotations

from typing import Any, assert_type

from queuekit import AsyncMessage, AsyncQueue, AsyncReliableQueue
from queuekit._acompat import AHandler, AMethod

numbers: AsyncQueue[int] = AsyncQueue("numbers", "memory:")
jobs: AsyncReliableQueue[str] = AsyncReliableQueue("jobs", "memory:")


@numbers.worker
async def bare(number: int) -> int:
    return number


@numbers.worker(timeout=1)
async def timed(number: int) -> None: ...


@numbers.worker
async def wider(number: object) -> None: ...


@jobs.worker
async def reliable(message: AsyncMessage[str]) -> None: ...


@jobs.worker(timeout=0, prefetch=8)
async def ahead(message: AsyncMessage[str]) -> None: ...


class Office:
    @numbers.worker
    async def bare(self, number: int) -> None: ...

    @numbers.worker(timeout=1)
    async def timed(self, number: int) -> None: ...

    @jobs.worker(timeout=1)
    async def reliable(self, message: AsyncMessage[str]) -> None: ...


async def running(office: Office) -> None:
    await bare()
    bare.stop()
    assert_type(bare.handler, AHandler[int])
    assert_type(reliable.handler, AHandler[AsyncMessage[str]])
    await timed.handler(4)
    await ahead()
    await reliable("leading")
    await office.bare()
    office.bare.stop()
    await office.timed.handler(4)
    await office.reliable("leading")
    office.reliable.stop()
    assert_type(Office.bare.handler, AMethod[int])


async def of_text(text: str) -> None: ...


async def of_other(message: AsyncMessage[int]) -> None: ...


async def of_nothing() -> None: ...


async def of_anything(item: Any) -> None: ...


async def wrong_uses() -> None:
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
    await bare.handler("text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
