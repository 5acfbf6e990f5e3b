# Generated from api_async.py by tools/unasync.py. Do not edit: run `make gen`.
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
    Bodies,
    DeadLetter,
    DeadLetters,
    Dedup,
    Limits,
    MemoryTransport,
    Message,
    MessageId,
    Messages,
    Once,
    Queue,
    QueueStats,
    Receipt,
    ReliableQueue,
    RetryPolicy,
    Serializer,
    Transport,
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


def the_body_type_is_what_the_annotation_says() -> None:
    numbers: Queue[int] = Queue("numbers", "memory:")
    assert_type(numbers, Queue[int])
    assert_type(Queue[int]("numbers", "memory:"), Queue[int])
    mails: ReliableQueue[Mail] = ReliableQueue("mails", "memory:", lease=5, max_attempts=3)
    assert_type((mails.get(block=True)).body, Mail)
    assert_type(ReliableQueue[Mail]("mails", retry=RetryPolicy(base=1)), ReliableQueue[Mail])


def the_body_type_is_what_the_serializer_says() -> None:
    assert_type(Queue("q", "memory:", serializer="text"), Queue[str])
    assert_type(Queue("q", "memory:", serializer="bytes"), Queue[bytes])
    assert_type(Queue("q", "memory:", serializer=Points()), Queue[Point])
    assert_type(ReliableQueue("q", "memory:", serializer="text"), ReliableQueue[str])
    assert_type(ReliableQueue("q", "memory:", serializer="bytes"), ReliableQueue[bytes])
    assert_type(ReliableQueue("q", "memory:", serializer=Points()), ReliableQueue[Point])


def without_either_it_is_any(transport: Transport) -> None:
    assert_type(Queue("q"), Queue[Any])
    assert_type(Queue("q", transport, serializer="msgpack"), Queue[Any])
    assert_type(ReliableQueue("q", transport, serializer="json"), ReliableQueue[Any])
    assert_type(ReliableQueue("q", MemoryTransport()), ReliableQueue[Any])
    one: Serializer[Any] = json
    other: Serializer[Any] = pickle
    Queue[int]("q", serializer=one)
    Queue[int]("q", serializer=other)
    Queue[int]("q", serializer=json)
    Queue[int]("q", serializer=pickle)


def fifo(numbers: Queue[int]) -> None:
    numbers.put(1, 2)
    numbers.put_many(range(3))
    assert_type(numbers.get(), int | None)
    assert_type(numbers.get(timeout=5), int | None)
    assert_type(numbers.get(block=True), int)
    assert_type(numbers.get(block=True, timeout=5), int | None)
    assert_type(numbers.get(default="empty"), int | str)
    assert_type(numbers.get(timeout=5, default=0), int)
    assert_type(numbers.get(block=False, default=None), int | None)
    assert_type(numbers.get_many(5, timeout=1), list[int])
    assert_type(numbers.peek(2), list[int])
    assert_type(numbers.size(), int)
    assert_type(len(numbers), int)
    assert_type(numbers.stats(), QueueStats)
    assert_type(numbers.clear(), int)
    assert_type(numbers.name, str)
    assert_type(numbers.consume(timeout=0), Bodies[int])
    for number in numbers.consume():
        assert_type(number, int)
    with numbers as same:
        assert_type(same, Queue[int])


def reliable(mails: ReliableQueue[Mail]) -> None:
    assert_type(mails.put({"to": "ada"}, delay=5), str)
    assert_type(mails.put_many([{"to": "ada"}]), list[str])
    assert_type(mails.put({"to": "ada"}, priority=3, group="g", expires=5), str)
    assert_type(mails.put({"to": "ada"}, eta=datetime.now(UTC), headers={"a": "b"}), str)
    answer = mails.put({"to": "ada"}, dedup=Dedup("key", window=300))
    assert_type(answer, MessageId)
    assert_type(answer.new, bool)
    mails.put_many([{"to": "ada"}], priority=-3, group="g", expires=5, expired="drop")
    assert_type(mails.get(), Message[Mail] | None)
    assert_type(mails.get(timeout=5), Message[Mail] | None)
    assert_type(mails.get(block=True), Message[Mail])
    assert_type(mails.get_many(5), list[Message[Mail]])
    assert_type(mails.peek(), list[Mail])
    assert_type(mails.lease, float)
    assert_type(mails.retry, RetryPolicy)
    with mails.consume(prefetch=8) as messages:
        assert_type(messages, Messages[Mail])
        for message in messages:
            assert_type(message, Message[Mail])
    with mails as same:
        assert_type(same, ReliableQueue[Mail])


def settling(mails: ReliableQueue[Mail], message: Message[Mail]) -> None:
    assert_type(message.body, Mail)
    assert_type(message.id, str)
    assert_type(message.attempt, int)
    assert_type(message.headers, Mapping[str, str])
    assert_type(message.enqueued_at, datetime | None)
    assert_type(message.receipt, Receipt)
    assert_type(message.settled, bool)
    with message as same:
        assert_type(same, Message[Mail])
    message.fail(delay=10, reason="why")
    message.fail(error=ValueError("why"))
    mails.fail(message, error=ValueError("why"))
    message.reject("why")
    message.extend(lease=60)
    mails.ack(message, message.receipt)
    mails.release(message)
    mails.fail(message, delay=0)


def dead_letters(mails: ReliableQueue[Mail]) -> None:
    dead = mails.dead
    assert_type(dead, DeadLetters)
    assert_type(dead.letters(5), list[DeadLetter])
    assert_type(dead.get(), Message[bytes] | None)
    message = dead.get(block=True)
    assert_type(message.body, bytes)
    assert_type(dead.letter(message).reason, str)
    dead.send_back(message)
    dead.send_back(message, body=mails.encode({"to": "eve"}))
    assert_type(dead.send_all_back(), int)
    assert_type(dead.trim(max_length=10, max_age=60), int)
    assert_type(dead.find("id"), DeadLetter | None)
    assert_type(dead.take("id"), Message[bytes] | None)


def policies() -> None:
    patient = RetryPolicy(max_attempts=50)
    jobs = ReliableQueue[Mail](
        "mails",
        retry=RetryPolicy(rules={ValueError: None, ConnectionError: patient}),
        limits=Limits(rate=5, in_flight=2),
        max_length=10,
        when_full="drop",
        keep_traceback=True,
    )
    assert_type(jobs, ReliableQueue[Mail])
    assert_type(Queue("q", serializer="text", max_length=5, when_full="raise"), Queue[str])
    once = Once(jobs, window=60)

    @jobs.worker
    @once
    def handle(message: Message[Mail]) -> None:
        assert_type(once.seen(message), bool)
        assert_type(once.remember(message.id), bool)

    handle()


def wrong_uses(numbers: Queue[int], jobs: ReliableQueue[int], message: Message[int]) -> None:
    numbers.put("text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    numbers.put(1, None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    numbers.put_many(["text"])  # type: ignore[list-item]  # pyright: ignore[reportArgumentType]
    jobs.put("text")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    jobs.put(1, 2)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    jobs.put(1, delay="5")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    jobs.put(1, dedup="key")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    jobs.put(1, expired="later")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    jobs.put_many([1], dedup=Dedup("key", 5))  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    RetryPolicy(rules={"ValueError": None})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
    ReliableQueue("q", when_full="wait")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    jobs.get(default=0)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    numbers.get(5)  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
    (jobs.get()).ack()  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    with jobs.get():  # type: ignore[union-attr]  # pyright: ignore[reportOptionalContextManager]
        pass
    (numbers.get()).bit_length()  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
    for _number in numbers:  # type: ignore[attr-defined]  # pyright: ignore[reportGeneralTypeIssues, reportUnknownVariableType]
        pass
    message.reject()  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    jobs.ack("receipt")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    jobs.dead.send_back(message)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Queue("q", 5)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType]
    Queue("q", serializer="yaml")  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    Queue("q", serializer=NoLoads())  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    Queue("q", serializer=WrongDumps())  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    Queue("q", serializer=Points)  # type: ignore[call-overload]  # pyright: ignore[reportArgumentType, reportCallIssue]
    _numbers: Queue[int] = Queue("q", serializer="text")  # type: ignore[assignment]  # pyright: ignore[reportAssignmentType]
    Queue[int]("q", serializer=Points())  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Queue("q", host="localhost")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue]
