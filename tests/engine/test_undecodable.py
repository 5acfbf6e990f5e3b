# Generated from test_undecodable_async.py by tools/unasync.py. Do not edit: run `make gen`.
"""Bytes that are no body: kept as dead letters with the reason, and nobody stumbles twice."""

from __future__ import annotations

from typing import Any

import pytest

from queuekit import DecodeError, MemoryTransport, QueueStats, TransportUnavailable
from queuekit._envelope import MAGIC

from .colour import MARKS
from .rig import BOTH, NAME, Rig, drain, errors, take

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
def test_a_reliable_get_takes_the_next_and_keeps_the_bytes(
    data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    rig = Rig()
    rig.push(data, b'"good"')
    jobs = rig.jobs()
    assert "good" == (take(jobs)).body
    assert QueueStats(0, 0, 1) == rig.counts()
    (letter,) = jobs.dead.letters()
    assert (kept(data), 1, NAME) == (letter.body, letter.attempts, letter.queue)
    assert letter.reason
    assert [letter.id in line for line in errors(caplog)] == [True]


@EVERY
def test_a_fifo_get_raises_with_the_bytes_and_the_next_call_goes_on(data: bytes) -> None:
    rig = Rig()
    rig.push(data, b'"good"')
    queue = rig.queue()
    with pytest.raises(DecodeError) as caught:
        queue.get()
    assert caught.value.raw in {data, kept(data)}
    assert "good" == queue.get()
    (letter,) = rig.jobs().dead.letters()
    assert (kept(data), 1, NAME) == (letter.body, letter.attempts, letter.queue)
    assert letter.reason == str(caught.value)[:500]


@BOTH
def test_get_many_leaves_it_out(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    rig.push(b'"a"', b"{", b'"b"', MAGIC, b'"c"')
    found = rig.build(kind).get_many(10)
    assert ["a", "b", "c"] == [x if kind == "queue" else x.body for x in found]
    assert [b"{", MAGIC] == [letter.body for letter in rig.jobs().dead.letters()]
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
def test_get_many_does_not_take_an_error_for_the_end(kind: str, framed: bool) -> None:
    rig = Rig()
    rig.push(b"a", b"bad", b"b", *[MAGIC + b"\x00\x00" + ID + b"c"] * framed)
    found = rig.build(kind, serializer=Ends()).get_many(10)
    bodies = [x if kind == "queue" else x.body for x in found]
    assert ["a", "b", *["c"] * framed] == bodies
    assert [b"bad"] == [letter.body for letter in rig.jobs().dead.letters()]


@BOTH
def test_get_many_does_not_end_at_a_batch_of_nothing_else(kind: str) -> None:
    rig = Rig()
    rig.push(b"{", b"{", b"{", b'"good"')
    found = rig.build(kind).get_many(2, timeout=1)
    assert ["good"] == [x if kind == "queue" else x.body for x in found]


def test_a_reliable_get_at_once_goes_on_behind_undecodable_bytes() -> None:
    rig = Rig()
    rig.push(*[b"{"] * 5, b'"good"')
    assert "good" == (take(rig.jobs())).body


def test_consume_of_a_reliable_queue_leaves_it_out() -> None:
    rig = Rig()
    rig.push(b"{", b"1", b"{", b"2")
    found: list[Any] = []
    for message in rig.jobs().consume(timeout=0, prefetch=3):
        found.append(message.body)
        message.ack()
    assert [1, 2] == found


def test_consume_of_a_fifo_queue_raises_and_goes_on() -> None:
    rig = Rig()
    rig.push(b"1", b"{", b"2")
    bodies = rig.queue().consume(timeout=0)
    assert 1 == bodies.__next__()
    with pytest.raises(DecodeError):
        bodies.__next__()
    assert 2 == bodies.__next__()


@BOTH
def test_a_worker_goes_on(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    rig = Rig()
    rig.push(b"{", b"1", MAGIC, b"2")
    found: list[Any] = []

    def handle(item: Any) -> None:
        found.append(item if kind == "queue" else item.body)

    rig.build(kind).worker(timeout=0)(handle)()
    assert [1, 2] == found
    assert [b"{", MAGIC] == [letter.body for letter in rig.jobs().dead.letters()]
    assert 2 == len(errors(caplog))


@BOTH
def test_peek_raises_and_changes_nothing(kind: str) -> None:
    rig = Rig()
    rig.push(b"{", b"1")
    for _ in range(2):
        with pytest.raises(DecodeError):
            rig.build(kind).peek()
    assert [b"{", b"1"] == rig.raw()
    assert 0 == rig.jobs().dead.size()


def test_when_no_dead_letter_can_be_written_the_bytes_are_in_the_error(
    caplog: pytest.LogCaptureFixture,
) -> None:
    rig = Rig()
    rig.push(b"{", b"1")
    rig.flaky.fail_next("push", error=TransportUnavailable("gone"))
    with pytest.raises(DecodeError) as caught:
        rig.queue().get()
    assert b"{" == caught.value.raw
    assert ["gone" in line for line in errors(caplog)] == [True]


@BOTH
def test_bytes_at_the_limit_of_the_store_are_kept_too(kind: str) -> None:
    rig = Rig()
    rig.store = MemoryTransport(max_body=100)
    rig.flaky.transport = rig.store
    rig.push(b"{" * 100)
    assert [] == rig.build(kind).get_many(5)
    assert [b"{" * 100] == [letter.body for letter in rig.jobs().dead.letters()]


def test_when_a_reliable_queue_cannot_bury_the_bytes_stay_where_they_are() -> None:
    rig = Rig()
    rig.push(b"{")
    rig.flaky.fail_next("move")
    with pytest.raises(TransportUnavailable):
        rig.jobs().get()
    assert (1, 0, 0) == rig.counts(), "given back at once, uncounted"
    assert rig.jobs().get() is None
    assert [(b"{", 1)] == [(x.body, x.attempts) for x in rig.jobs().dead.letters()]


@BOTH
@pytest.mark.parametrize("body", [MAGIC, MAGIC + b"\x00\x00" + ID, MAGIC + bytes(30), b"\xc1"])
def test_a_body_that_looks_like_a_frame_comes_back_as_it_went(kind: str, body: bytes) -> None:
    rig = Rig()
    rig.build(kind, serializer="bytes").put_many([body])
    assert [body] == rig.queue(serializer="bytes").peek()
    assert [body] == drain(rig.jobs(serializer="bytes"))


def test_a_foreign_bare_body_has_one_id_over_all_deliveries() -> None:
    rig = Rig()
    rig.push(b"1", b"1")
    jobs = rig.jobs()
    first, other = jobs.get_many(2)
    assert first.id != other.id
    assert 16 == len(bytes.fromhex(first.id))
    assert first.enqueued_at is None
    first.fail(delay=0)
    other.release()
    rig.clock.advance(61)
    again = jobs.get_many(2)
    assert [(other.id, 1), (first.id, 2)] == [(m.id, m.attempt) for m in again]
    rig.clock.advance(61)
    assert [other.id, first.id] == [m.id for m in jobs.get_many(2)]


def test_a_time_beyond_the_calendar_reads_as_unknown() -> None:
    rig = Rig()
    rig.push(MAGIC + b"\x00\x00" + FAR + b"1")
    message = take(rig.jobs())
    assert (FAR.hex(), None) == (message.id, message.enqueued_at)


def test_foreign_headers_reach_the_consumer_and_its_dead_letter() -> None:
    rig = Rig()
    rig.push(with_headers(b'{"trace":"\\u00e9"}', b"1"))
    jobs = rig.jobs()
    message = take(jobs)
    assert {"trace": "é"} == message.headers
    message.reject("no")
    assert [{"trace": "é"}] == [letter.headers for letter in jobs.dead.letters()]
