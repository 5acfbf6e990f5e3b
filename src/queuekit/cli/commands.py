"""The commands on one queue. Each takes the parsed arguments and returns an exit status."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator

from .. import ConfigurationError, Message, ReliableQueue
from .main import EMPTY, store_url


def put(arguments: argparse.Namespace) -> int:
    """Put the arguments, or the lines of stdin, and print an id for each."""
    bodies: list[str] = arguments.body
    reconfigure = getattr(sys.stdin, "reconfigure", None)
    if reconfigure is not None:  # so that what is no UTF-8 can be named, or taken with --raw
        reconfigure(encoding="utf-8", errors="surrogateescape")
    with _queue(arguments) as queue:
        lines = iter(bodies) if bodies else (line.rstrip("\r\n") for line in sys.stdin)
        for chunk in _chunks(packed(line, arguments.raw) for line in lines):
            for message_id in queue.put_many(chunk, delay=arguments.delay):
                print(json.dumps({"id": message_id}) if arguments.json else message_id)
    return 0


def get(arguments: argparse.Namespace) -> int:
    """Take up to a number of messages; ack each one when it is printed."""
    with _queue(arguments) as queue:
        messages = queue.get_many(arguments.number, timeout=arguments.timeout)
        for i, message in enumerate(messages):
            try:
                _hand_over(message, arguments)
            except BaseException:
                queue.release(*[rest for rest in messages[i:] if not rest.settled])
                raise
    return 0 if messages else EMPTY


def consume(arguments: argparse.Namespace) -> int:
    """Print and ack messages until none came for the timeout."""
    with (
        _queue(arguments) as queue,
        queue.consume(timeout=arguments.timeout, confirm=True) as messages,
    ):
        for message in messages:
            _hand_over(message, arguments)
    return 0


def peek(arguments: argparse.Namespace) -> int:
    """Print ready messages."""
    with _queue(arguments) as queue:
        for body in queue.peek(arguments.number):
            if arguments.json:
                print(as_json({"body": readable(body)}))
            else:
                _write(body, arguments.raw)
    return 0


def stats(arguments: argparse.Namespace) -> int:
    """Print the counts of each queue."""
    rows: list[tuple[str, int, int, int, int]] = []
    names: list[str] = arguments.queue
    with ReliableQueue(names[0], store_url(arguments.url), serializer="bytes") as first:
        for name in names:
            queue = ReliableQueue(name, first.transport, serializer="bytes")
            now = queue.stats()
            dead = sum(queue.dead.stats())
            rows.append((name, now.ready, now.delayed, now.claimed, dead))
    heads = ("queue", "ready", "delayed", "claimed", "dead")
    if arguments.json:
        for row in rows:
            print(as_json(dict(zip(heads, row, strict=True))))
        return 0
    width = max(len(safe(row[0])) for row in rows)
    width = max(width, len(heads[0]))
    print(f"{heads[0]:<{width}}" + "".join(f"{head:>10}" for head in heads[1:]))
    for name, *counts in rows:
        print(f"{safe(name):<{width}}" + "".join(f"{count:>10}" for count in counts))
    return 0


def purge(arguments: argparse.Namespace) -> int:
    """Remove what is ready or delayed and print how many."""
    with _queue(arguments) as queue:
        count = queue.clear()
    print(json.dumps({"purged": count}) if arguments.json else count)
    return 0


def _queue(arguments: argparse.Namespace) -> ReliableQueue[bytes]:
    # Bytes, whatever the producers' serializer is: to look at a queue must not bury its messages.
    return ReliableQueue(arguments.queue, store_url(arguments.url), serializer="bytes")


def _hand_over(message: Message[bytes], arguments: argparse.Namespace) -> None:
    """Print a message, and ack it once it has left this process; else give it back, uncounted."""
    try:
        if arguments.json:
            print(as_json(_record(message)))
        else:
            _write(message.body, arguments.raw)
        sys.stdout.flush()
    except BaseException:
        message.release()
        raise
    message.ack()


def _record(message: Message[bytes]) -> dict[str, object]:
    at = message.enqueued_at
    return {
        "id": message.id,
        "attempt": message.attempt,
        "enqueued_at": None if at is None else at.isoformat(),
        "headers": dict(message.headers),
        "body": readable(message.body),
    }


def packed(text: str, raw: bool) -> bytes:
    """Return the body that a word of the command line stands for."""
    if raw:
        return text.encode("utf-8", "surrogateescape")
    try:
        return json.dumps(text, ensure_ascii=False).encode()
    except UnicodeEncodeError as exc:
        raise ConfigurationError(f"{ascii(text)[:80]} is no UTF-8; use --raw for bytes") from exc


def as_json(record: dict[str, object]) -> str:
    """Return one line of JSON, in ASCII: no reader chokes on it and no terminal obeys it."""
    return json.dumps(record).replace("\x7f", "\\u007f")


def _chunks(bodies: Iterator[bytes]) -> Iterator[list[bytes]]:
    chunk: list[bytes] = []
    for body in bodies:
        chunk.append(body)
        if len(chunk) == 500:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def readable(body: bytes) -> object:
    """Return the JSON value in a body, else its text, else an escaped form of its bytes."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "backslashreplace")


def _write(body: bytes, raw: bool) -> None:
    if raw:
        sys.stdout.flush()
        sys.stdout.buffer.write(body + b"\n")
        return
    value = readable(body)
    print(safe(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)))


def safe(text: str) -> str:
    """Escape what a terminal would obey."""
    return "".join(c if c.isprintable() or c == "\t" else ascii(c)[1:-1] for c in text)
