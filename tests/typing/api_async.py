# unasync: source
"""
What type checkers see. Never run: mypy and pyright, both strict, read it.

Every wrong use carries an ignore for both; an ignore that is not needed is an error, so these lines
prove that both refuse them.
"""

from __future__ import annotations

import json
import pickle
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypedDict, assert_type

from queuekit import (
    AsyncBodies,
    AsyncDeadLetters,
    AsyncMemoryTransport,
    AsyncMessage,
    AsyncMessages,
    AsyncOnce,
    AsyncQueue,
    AsyncReliableQueue,
    AsyncTransport,
    DeadLetter,
    Dedup,
    Limits,
    MessageId,
    QueueStats,
    Receipt,
    RetryPolicy,
    Serializer,
)


class Mail(TypedDict):
    to: str


class Point:
    x: int = 0


class Points:
    """A serializer of one type, in the user's own code."""

    def dumps(self, obj: Point, /) -> str:
        return str(obj.x)

    def loads(self, data: bytes, /) -> Point:
        return Point()


class NoLoads:
    def dumps(self, obj: object, /) -> bytes:
        return b""


class WrongDumps:
    def dumps(self, obj: Point, /) -> int:
        return obj.x

    def loads(self, data: bytes, /) -> Point:
        return Point()


async def the_body_type_is_what_the_annotation_says() -> None:
    numbers: AsyncQueue[int] = AsyncQueue("numbers", "memory:")
    assert_type(numbers, AsyncQueue[int])
    assert_type(AsyncQueue[int]("numbers", "memory:"), AsyncQueue[int])
    mails: AsyncReliableQueue[Mail] = AsyncReliableQueue(
        "mails", "memory:", lease=5, max_attempts=3
    )
    assert_type((await mails.get(block=True)).body, Mail)
    assert_type(
        AsyncReliableQueue[Mail]("mails", retry=RetryPolicy(base=1)), AsyncReliableQueue[Mail]
    )


async def the_body_type_is_what_the_serializer_says() -> None:
    assert_type(AsyncQueue("q", "memory:", serializer="text"), AsyncQueue[str])
    assert_type(AsyncQueue("q", "memory:", serializer="bytes"), AsyncQueue[bytes])
    assert_type(AsyncQueue("q", "memory:", serializer=Points()), AsyncQueue[Point])
    assert_type(AsyncReliableQueue("q", "memory:", serializer="text"), AsyncReliableQueue[str])
    assert_type(AsyncReliableQueue("q", "memory:", serializer="bytes"), AsyncReliableQueue[bytes])
    assert_type(AsyncReliableQueue("q", "memory:", serializer=Points()), AsyncReliableQueue[Point])


async def without_either_it_is_any(transport: AsyncTransport) -> None:
    assert_type(AsyncQueue("q"), AsyncQueue[Any])
    assert_type(AsyncQueue("q", transport, serializer="msgpack"), AsyncQueue[Any])
    assert_type(AsyncReliableQueue("q", transport, serializer="json"), AsyncReliableQueue[Any])
    assert_type(AsyncReliableQueue("q", AsyncMemoryTransport()), AsyncReliableQueue[Any])
    one: Serializer[Any] = json
    other: Serializer[Any] = pickle
    AsyncQueue[int]("q", serializer=one)
    AsyncQueue[int]("q", serializer=other)
    AsyncQueue[int]("q", serializer=json)
    AsyncQueue[int]("q", serializer=pickle)


async def fifo(numbers: AsyncQueue[int]) -> None:
    await numbers.put(1, 2)
    await numbers.put_many(range(3))
    assert_type(await numbers.get(), int | None)
    assert_type(await numbers.get(timeout=5), int | None)
    assert_type(await numbers.get(block=True), int)
    assert_type(await numbers.get(block=True, timeout=5), int | None)
    assert_type(await numbers.get(default="empty"), int | str)
    assert_type(await numbers.get(timeout=5, default=0), int)
    assert_type(await numbers.get(block=False, default=None), int | None)
    assert_type(await numbers.get_many(5, timeout=1), list[int])
    assert_type(await numbers.peek(2), list[int])
    assert_type(await numbers.size(), int)
    # sync-only: assert_type(len(numbers), int)
    assert_type(await numbers.stats(), QueueStats)
    assert_type(await numbers.clear(), int)
    assert_type(numbers.name, str)
    assert_type(numbers.consume(timeout=0), AsyncBodies[int])
    async for number in numbers.consume():
        assert_type(number, int)
    async with numbers as same:
        assert_type(same, AsyncQueue[int])


async def reliable(mails: AsyncReliableQueue[Mail]) -> None:
    assert_type(await mails.put({"to": "ada"}, delay=5), str)
    assert_type(await mails.put_many([{"to": "ada"}]), list[str])
    assert_type(await mails.put({"to": "ada"}, priority=3, group="g", expires=5), str)
    assert_type(await mails.put({"to": "ada"}, eta=datetime.now(UTC), headers={"a": "b"}), str)
    answer = await mails.put({"to": "ada"}, dedup=Dedup("key", window=300))
    assert_type(answer, MessageId)
    assert_type(answer.new, bool)
    await mails.put_many([{"to": "ada"}], priority=-3, group="g", expires=5, expired="drop")
    assert_type(await mails.get(), AsyncMessage[Mail] | None)
    assert_type(await mails.get(timeout=5), AsyncMessage[Mail] | None)
    assert_type(await mails.get(block=True), AsyncMessage[Mail])
    assert_type(await mails.get_many(5), list[AsyncMessage[Mail]])
    assert_type(await mails.peek(), list[Mail])
    assert_type(mails.lease, float)
    assert_type(mails.retry, RetryPolicy)
    async with mails.consume(prefetch=8) as messages:
        assert_type(messages, AsyncMessages[Mail])
        async for message in messages:
            assert_type(message, AsyncMessage[Mail])
    async with mails as same:
        assert_type(same, AsyncReliableQueue[Mail])


async def settling(mails: AsyncReliableQueue[Mail], message: AsyncMessage[Mail]) -> None:
    assert_type(message.body, Mail)
    assert_type(message.id, str)
    assert_type(message.attempt, int)
    assert_type(message.headers, Mapping[str, str])
    assert_type(message.enqueued_at, datetime | None)
    assert_type(message.receipt, Receipt)
    assert_type(message.settled, bool)
    async with message as same:
        assert_type(same, AsyncMessage[Mail])
    await message.fail(delay=10, reason="why")
    await message.fail(error=ValueError("why"))
    await mails.fail(message, error=ValueError("why"))
    await message.reject("why")
    await message.extend(lease=60)
    await mails.ack(message, message.receipt)
    await mails.release(message)
    await mails.fail(message, delay=0)


async def dead_letters(mails: AsyncReliableQueue[Mail]) -> None:
    dead = mails.dead
    assert_type(dead, AsyncDeadLetters)
    assert_type(await dead.letters(5), list[DeadLetter])
    assert_type(await dead.get(), AsyncMessage[bytes] | None)
    message = await dead.get(block=True)
    assert_type(message.body, bytes)
    assert_type(dead.letter(message).reason, str)
    await dead.send_back(message)
    await dead.send_back(message, body=mails.encode({"to": "eve"}))
    assert_type(await dead.send_all_back(), int)
    assert_type(await dead.trim(max_length=10, max_age=60), int)
    assert_type(await dead.find("id"), DeadLetter | None)
    assert_type(await dead.take("id"), AsyncMessage[bytes] | None)


async def policies() -> None:
    patient = RetryPolicy(max_attempts=50)
    jobs = AsyncReliableQueue[Mail](
        "mails",
        retry=RetryPolicy(rules={ValueError: None, ConnectionError: patient}),
        limits=Limits(rate=5, in_flight=2),
        max_length=10,
        when_full="drop",
        keep_traceback=True,
    )
    assert_type(jobs, AsyncReliableQueue[Mail])
    assert_type(
        AsyncQueue("q", serializer="text", max_length=5, when_full="raise"), AsyncQueue[str]
    )
    once = AsyncOnce(jobs, window=60)

    @jobs.worker
    @once
    async def handle(message: AsyncMessage[Mail]) -> None:
        assert_type(await once.seen(message), bool)
        assert_type(await once.remember(message.id), bool)

    await handle()


async def wrong_uses(
    numbers: AsyncQueue[int], jobs: AsyncReliableQueue[int], message: AsyncMessage[int]
) -> None:
    await numbers.put("text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await numbers.put(1, None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await numbers.put_many(["text"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    await jobs.put("text")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    await jobs.put(1, 2)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await jobs.put(1, delay="5")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    await jobs.put(1, dedup="key")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    await jobs.put(1, expired="later")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    await jobs.put_many([1], dedup=Dedup("key", 5))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    RetryPolicy(rules={"ValueError": None})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    AsyncReliableQueue("q", when_full="wait")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    await jobs.get(default=0)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await numbers.get(5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    await (await jobs.get()).ack()  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    async with await jobs.get():  # type: ignore[union-attr]  # pyright: ignore[reportOptionalContextManager]
        pass
    (await numbers.get()).bit_length()  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    async for _number in numbers:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
    await message.reject()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    await jobs.ack("receipt")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    await jobs.dead.send_back(message)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    AsyncQueue("q", 5)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    AsyncQueue("q", serializer="yaml")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    AsyncQueue("q", serializer=NoLoads())  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    AsyncQueue("q", serializer=WrongDumps())  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    AsyncQueue("q", serializer=Points)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    _numbers: AsyncQueue[int] = AsyncQueue("q", serializer="text")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    AsyncQueue[int]("q", serializer=Points())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    AsyncQueue("q", host="localhost")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
