# unasync: source
"""Bytes that are no body: kept as dead letters with the reason, and nobody stumbles twice."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import AsyncMemoryTransport, DecodeError, QueueStats, TransportUnavailable
from queuekit._envelope import MAGIC

from .colour_async import MARKS
from .rig_async import BOTH, NAME, AsyncRig, drain, errors, take

pytestmark = MARKS

ID = bytes.fromhex("0190a1b2c3d47e5f8a6b7c8d9e0f1a2b")
FAR = bytes.fromhex("ffffffffffff7e5f8a6b7c8d9e0f1a2b")
"""The id of a frame made in the year 10889."""
HEADER = MAGIC + b"\x01\x00" + ID


def with_headers(packed: bytes, body: bytes) -> bytes:
    """Frame *body* with headers as a foreign program may write them."""
    return HEADER + len(packed).to_bytes(4, "big") + packed + body


GARBAGE = {
    "not-utf8": b"\xff\xfe",
    "not-json": b"{",
    "empty": b"",
    "deep": b"[" * 100_000,
    "framed-not-json": MAGIC + b"\x00\x00" + ID + b"{",
    "magic-only": MAGIC,
    "cut-frame": MAGIC + b"\x00\x00" + ID[:-1],
    "unknown-flags": MAGIC + b"\x80\x00" + ID + b"1",
    "cut-headers": HEADER + b"\x00\x00\x01\x00{}",
    "headers-no-json": with_headers(b"{", b"1"),
    "headers-no-object": with_headers(b"[]", b"1"),
    "header-no-text": with_headers(b'{"a":1}', b"1"),
    "header-surrogate": with_headers(b'{"a":"\\ud800"}', b"{"),
    "headers-deep": with_headers(b"[" * 100_000, b"1"),
    "far-id": MAGIC + b"\x00\x00" + FAR + b"{",
}
EVERY = pytest.mark.parametrize("data", GARBAGE.values(), ids=GARBAGE.keys())


def kept(data: bytes) -> bytes:
    """Return what the dead letter holds: the body of a proper frame, else the bytes as they are."""
    for name in ("framed-not-json", "far-id"):
        if data == GARBAGE[name]:
            return b"{"
    return b"{" if data == GARBAGE["header-surrogate"] else data


@EVERY
async def test_a_reliable_get_takes_the_next_and_keeps_the_bytes(
    data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    rig = AsyncRig()
    await rig.push(data, b'"good"')
    jobs = rig.jobs()
    assert "good" == (await take(jobs)).body
    assert QueueStats(0, 0, 1) == await rig.counts()
    (letter,) = await jobs.dead.letters()
    assert (kept(data), 1, NAME) == (letter.body, letter.attempts, letter.queue)
    assert letter.reason
    assert [letter.id in line for line in errors(caplog)] == [True]


@EVERY
async def test_a_fifo_get_raises_with_the_bytes_and_the_next_call_goes_on(data: bytes) -> None:
    rig = AsyncRig()
    await rig.push(data, b'"good"')
    queue = rig.queue()
    with pytest.raises(DecodeError) as caught:
        await queue.get()
    assert caught.value.raw in {data, kept(data)}
    assert "good" == await queue.get()
    (letter,) = await rig.jobs().dead.letters()
    assert (kept(data), 1, NAME) == (letter.body, letter.attempts, letter.queue)
    assert letter.reason == str(caught.value)[:500]


@BOTH
async def test_get_many_leaves_it_out(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    rig = AsyncRig()
    await rig.push(b'"a"', b"{", b'"b"', MAGIC, b'"c"')
    found = await rig.build(kind).get_many(10)
    assert ["a", "b", "c"] == [x if kind == "queue" else x.body for x in found]
    assert [b"{", MAGIC] == [letter.body for letter in await rig.jobs().dead.letters()]
    assert 2 == len(errors(caplog))


class Ends:
    """A serializer whose ``loads`` raises what ends a loop in silence."""

    def dumps(self, obj: str, /) -> bytes:
        return obj.encode()

    def loads(self, data: bytes, /) -> str:
        if data == b"bad":
            raise StopIteration
        return data.decode()


@BOTH
@pytest.mark.parametrize("framed", [False, True])
async def test_get_many_does_not_take_an_error_for_the_end(kind: str, framed: bool) -> None:
    rig = AsyncRig()
    await rig.push(b"a", b"bad", b"b", *[MAGIC + b"\x00\x00" + ID + b"c"] * framed)
    found = await rig.build(kind, serializer=Ends()).get_many(10)
    bodies = [x if kind == "queue" else x.body for x in found]
    assert ["a", "b", *["c"] * framed] == bodies
    assert [b"bad"] == [letter.body for letter in await rig.jobs().dead.letters()]


@BOTH
async def test_get_many_does_not_end_at_a_batch_of_nothing_else(kind: str) -> None:
    rig = AsyncRig()
    await rig.push(b"{", b"{", b"{", b'"good"')
    found = await rig.build(kind).get_many(2, timeout=1)
    assert ["good"] == [x if kind == "queue" else x.body for x in found]


async def test_a_reliable_get_at_once_goes_on_behind_undecodable_bytes() -> None:
    rig = AsyncRig()
    await rig.push(*[b"{"] * 5, b'"good"')
    assert "good" == (await take(rig.jobs())).body


async def test_consume_of_a_reliable_queue_leaves_it_out() -> None:
    rig = AsyncRig()
    await rig.push(b"{", b"1", b"{", b"2")
    found: list[Any] = []
    async for message in rig.jobs().consume(timeout=0, prefetch=3):
        found.append(message.body)
        await message.ack()
    assert [1, 2] == found


async def test_consume_of_a_fifo_queue_raises_and_goes_on() -> None:
    rig = AsyncRig()
    await rig.push(b"1", b"{", b"2")
    bodies = rig.queue().consume(timeout=0)
    assert 1 == await bodies.__anext__()
    with pytest.raises(DecodeError):
        await bodies.__anext__()
    assert 2 == await bodies.__anext__()


@BOTH
async def test_a_worker_goes_on(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    rig = AsyncRig()
    await rig.push(b"{", b"1", MAGIC, b"2")
    found: list[Any] = []

    async def handle(item: Any) -> None:
        found.append(item if kind == "queue" else item.body)

    await rig.build(kind).worker(timeout=0)(handle)()
    assert [1, 2] == found
    assert [b"{", MAGIC] == [letter.body for letter in await rig.jobs().dead.letters()]
    assert 2 == len(errors(caplog))


@BOTH
async def test_peek_raises_and_changes_nothing(kind: str) -> None:
    rig = AsyncRig()
    await rig.push(b"{", b"1")
    for _ in range(2):
        with pytest.raises(DecodeError):
            await rig.build(kind).peek()
    assert [b"{", b"1"] == await rig.raw()
    assert 0 == await rig.jobs().dead.size()


async def test_when_no_dead_letter_can_be_written_the_bytes_are_in_the_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = AsyncRig()
    await rig.push(b"{", b"1")
    rig.flaky.fail_next("push", error=TransportUnavailable("gone"))
    with pytest.raises(DecodeError) as caught:
        await rig.queue().get()
    assert b"{" == caught.value.raw
    assert ["gone" in line for line in errors(caplog)] == [True]


@BOTH
async def test_bytes_at_the_limit_of_the_store_are_kept_too(kind: str) -> None:
    rig = AsyncRig()
    rig.store = AsyncMemoryTransport(max_body=100)
    rig.flaky.transport = rig.store
    await rig.push(b"{" * 100)
    assert [] == await rig.build(kind).get_many(5)
    assert [b"{" * 100] == [letter.body for letter in await rig.jobs().dead.letters()]


async def test_when_a_reliable_queue_cannot_bury_the_bytes_stay_where_they_are() -> None:
    rig = AsyncRig()
    await rig.push(b"{")
    rig.flaky.fail_next("move")
    with pytest.raises(TransportUnavailable):
        await rig.jobs().get()
    assert (1, 0, 0) == await rig.counts(), "given back at once, uncounted"
    assert await rig.jobs().get() is None
    assert [(b"{", 1)] == [(x.body, x.attempts) for x in await rig.jobs().dead.letters()]


@BOTH
@pytest.mark.parametrize("body", [MAGIC, MAGIC + b"\x00\x00" + ID, MAGIC + bytes(30), b"\xc1"])
async def test_a_body_that_looks_like_a_frame_comes_back_as_it_went(kind: str, body: bytes) -> None:
    rig = AsyncRig()
    await rig.build(kind, serializer="bytes").put_many([body])
    assert [body] == await rig.queue(serializer="bytes").peek()
    assert [body] == await drain(rig.jobs(serializer="bytes"))


async def test_a_foreign_bare_body_has_one_id_over_all_deliveries() -> None:
    rig = AsyncRig()
    await rig.push(b"1", b"1")
    jobs = rig.jobs()
    first, other = await jobs.get_many(2)
    assert first.id != other.id
    assert 16 == len(bytes.fromhex(first.id))
    assert first.enqueued_at is None
    await first.fail(delay=0)
    await other.release()
    rig.clock.advance(61)
    again = await jobs.get_many(2)
    assert [(other.id, 1), (first.id, 2)] == [(m.id, m.attempt) for m in again]
    rig.clock.advance(61)
    assert [other.id, first.id] == [m.id for m in await jobs.get_many(2)]


async def test_a_time_beyond_the_calendar_reads_as_unknown() -> None:
    rig = AsyncRig()
    await rig.push(MAGIC + b"\x00\x00" + FAR + b"1")
    message = await take(rig.jobs())
    assert (FAR.hex(), None) == (message.id, message.enqueued_at)


async def test_foreign_headers_reach_the_consumer_and_its_dead_letter() -> None:
    rig = AsyncRig()
    await rig.push(with_headers(b'{"trace":"\\u00e9"}', b"1"))
    jobs = rig.jobs()
    message = await take(jobs)
    assert {"trace": "é"} == message.headers
    await message.reject("no")
    assert [{"trace": "é"}] == [letter.headers for letter in await jobs.dead.letters()]
