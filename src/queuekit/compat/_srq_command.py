"""SafeRedisQueue's command line: quick puts and gets on the queue ``test``."""

from __future__ import annotations

import os
import sys
from typing import Final, NoReturn

from .._lookup import ENVIRONMENT
from .saferedisqueue import SafeRedisQueue

_USAGE: Final = """\
Usage: python -m queuekit.compat.saferedisqueue producer | consumer | demo
  producer  puts each line of the standard input
  consumer  prints uid and item of whatever comes
  demo      puts two items and prints what is there
The queue is `test` on localhost, or on the server of the URL in $QUEUEKIT_URL.
"""


def main() -> None:
    """Run the command that the arguments name."""
    commands = {"producer": _producer, "consumer": _consumer, "demo": _demo}
    command = commands.get(sys.argv[1]) if len(sys.argv) == 2 else None
    if command is None:
        _leave(_USAGE)
    with SafeRedisQueue[str](name="test", url=os.environ.get(ENVIRONMENT) or None) as queue:
        try:
            command(queue)
        except KeyboardInterrupt:
            return


def _producer(queue: SafeRedisQueue[str]) -> None:
    for line in sys.stdin:
        queue.put(line.strip())


def _consumer(queue: SafeRedisQueue[str]) -> None:
    while _show(queue, 0):
        pass


def _demo(queue: SafeRedisQueue[str]) -> None:
    queue.put_many(["Hello", "World"])
    while _show(queue, 1):
        pass


def _show(queue: SafeRedisQueue[str], timeout: float) -> bool:
    """Print an item, then ack it: what is not printed comes back."""
    uid, item = queue.get(timeout)
    if uid is None:
        return False
    sys.stdout.write(f"{uid} {item}\n")
    sys.stdout.flush()
    queue.ack(uid)
    return True


def _leave(text: str) -> NoReturn:
    sys.stderr.write(text)
    sys.exit(1)
