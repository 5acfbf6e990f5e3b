"""What type checkers see of a mix of colours. Never run; see ``api.py``."""

from __future__ import annotations

from queuekit import (
    AsyncMemoryTransport,
    AsyncMessage,
    AsyncQueue,
    AsyncReliableQueue,
    MemoryTransport,
    Message,
    Queue,
    ReliableQueue,
)


def plain(number: int) -> None: ...


def takes_async(message: AsyncMessage[int]) -> None: ...


async def coloured(message: Message[int]) -> None: ...


def right(sync: MemoryTransport, other: AsyncMemoryTransport) -> None:
    Queue[int]("q", sync)
    ReliableQueue[int]("q", sync)
    AsyncQueue[int]("q", other)
    AsyncReliableQueue[int]("q", other)
    AsyncMemoryTransport(shared_with=sync)


def wrong(sync: MemoryTransport, other: AsyncMemoryTransport, message: Message[int]) -> None:
    Queue[int]("q", other)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    ReliableQueue[int]("q", other)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    AsyncQueue[int]("q", sync)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    AsyncReliableQueue[int]("q", sync)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    AsyncQueue[int]("q").worker(plain)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    AsyncQueue[int]("q").worker(timeout=1)(plain)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    ReliableQueue[int]("q").worker(takes_async)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    AsyncReliableQueue[int]("q").worker(coloured)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType, reportCallIssue]
    len(AsyncQueue[int]("q"))  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def wrong_in_a_task(queue: AsyncQueue[int], jobs: AsyncReliableQueue[int]) -> None:
    (await queue.get()).bit_length()  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    queue.get().bit_length()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    (await jobs.get(block=True)).ack().close().done()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
    with await jobs.get(block=True):  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues]
        pass
    for _ in jobs.consume():  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
