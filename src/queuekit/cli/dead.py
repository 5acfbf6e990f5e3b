"""The commands on the dead letters of a queue: ``queuekit dead list | show | edit | ...``."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any

from .. import ConfigurationError, DeadLetter, DeadLetters, ReliableQueue
from ..errors import QueueKitError
from .commands import as_json, packed, readable, safe
from .main import EMPTY, store_url


def add_dead(add: Callable[..., argparse.ArgumentParser], common: argparse.ArgumentParser) -> None:
    """Add the command to the parser."""
    parser = add("dead", help="look at dead letters, send them back, throw them away")
    group = parser.add_subparsers(dest="action", required=True, metavar="ACTION")

    def action(
        name: str, words: str, run: Callable[[argparse.Namespace, DeadLetters], int]
    ) -> argparse.ArgumentParser:
        command = group.add_parser(name, parents=[common], help=words)
        command.add_argument("queue")
        command.set_defaults(run=partial(_on_letters, run))
        return command

    command = action("list", "one line for each letter, the oldest first", _list)
    command.add_argument("-n", "--number", type=int, default=20, help="at most (default 20)")
    command = action("show", "all that is known of one letter", _show)
    command.add_argument("id")
    command = action("send-back", "send letters back to their queue", _send_back)
    command.add_argument("id", nargs="*", help="which; without any, all")
    command = action("edit", "send one letter back with another body", _edit)
    command.add_argument("id")
    command.add_argument("body")
    command.add_argument("--raw", action="store_true", help="store the text as it is, not as JSON")
    action("purge", "throw all letters away", _purge)
    command = action("trim", "throw the oldest letters away", _trim)
    command.add_argument("--max-length", type=int, metavar="N", help="keep at most so many")
    command.add_argument("--max-age", type=float, metavar="S", help="keep the younger ones")


def _on_letters(
    run: Callable[[argparse.Namespace, DeadLetters], int], arguments: argparse.Namespace
) -> int:
    url = store_url(arguments.url)
    with ReliableQueue(arguments.queue, url, serializer="bytes") as queue:
        return run(arguments, queue.dead)


def _list(arguments: argparse.Namespace, dead: DeadLetters) -> int:
    for letter in dead.letters(arguments.number):
        if arguments.json:
            print(as_json(_record(letter)))
        else:
            died = _moment(letter.died_at) or "-"
            row = (letter.id or "-", died, str(letter.attempts), letter.error or "-", letter.reason)
            print("  ".join(map(safe, row)))
    return 0


def _show(arguments: argparse.Namespace, dead: DeadLetters) -> int:
    letter = dead.find(arguments.id)
    if letter is None:
        return _missing(arguments.id)
    if arguments.json:
        print(as_json(_record(letter)))
        return 0
    for name, value in _record(letter).items():
        if name == "traceback":
            print("traceback:")
            for line in str(value).splitlines():
                print(f"  {safe(line)}")
        else:
            text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            print(f"{name}: {safe(text)}")
    return 0


def _send_back(arguments: argparse.Namespace, dead: DeadLetters) -> int:
    names: list[str] = arguments.id
    count = 0
    if not names and (size := dead.size()):  # once: what dies again meanwhile stays
        count = dead.send_all_back(size)
    for name in names:
        message = dead.take(name)
        if message is None:
            _say(arguments, "sent_back", count)
            return _missing(name)
        dead.send_back(message)
        count += 1
    _say(arguments, "sent_back", count)
    return 0


def _edit(arguments: argparse.Namespace, dead: DeadLetters) -> int:
    body = packed(arguments.body, arguments.raw)
    message = dead.take(arguments.id)
    if message is None:
        return _missing(arguments.id)
    try:
        dead.send_back(message, body=body)
    except QueueKitError:
        dead.give_back([message.receipt])
        raise
    _say(arguments, "sent_back", 1)
    return 0


def _purge(arguments: argparse.Namespace, dead: DeadLetters) -> int:
    _say(arguments, "purged", dead.clear())
    return 0


def _trim(arguments: argparse.Namespace, dead: DeadLetters) -> int:
    if arguments.max_length is None and arguments.max_age is None:
        raise ConfigurationError("trim needs --max-length or --max-age")
    count = dead.trim(max_length=arguments.max_length, max_age=arguments.max_age)
    _say(arguments, "purged", count)
    return 0


def _missing(message_id: str) -> int:
    print(f"queuekit: no dead letter has the id {message_id}", file=sys.stderr)
    return EMPTY


def _record(letter: DeadLetter) -> dict[str, Any]:
    return {
        "id": letter.id,
        "queue": letter.queue,
        "reason": letter.reason,
        "error": letter.error,
        "attempts": letter.attempts,
        "enqueued_at": _moment(letter.enqueued_at),
        "died_at": _moment(letter.died_at),
        "priority": letter.priority,
        "group": letter.group,
        "headers": dict(letter.headers),
        "body": readable(letter.body),
        "traceback": letter.traceback,
    }


def _moment(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="seconds")


def _say(arguments: argparse.Namespace, what: str, count: int) -> None:
    print(json.dumps({what: count}) if arguments.json else count)
