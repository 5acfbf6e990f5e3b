"""The parser of the command line, and the one place where errors become a line and a status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from .. import __version__
from ..errors import ConfigurationError, QueueKitError, TransportUnavailable

FAILED: Final = 1
USAGE: Final = 2
UNREACHABLE: Final = 3
EMPTY: Final = 4
UNFINISHED: Final = 5
INTERRUPTED: Final = 130
BROKEN_PIPE: Final = 141

DEFAULT_FILE: Final = "queuekit.db"

_EPILOG = """\
The store is named by --url or $QUEUEKIT_URL: sqlite:///jobs.db, redis://localhost:6379/0, ...
Without either it is the file queuekit.db in the current directory.

Data goes to stdout, words go to stderr. Exit status:
  0  done
  1  failed; the demo's ledger does not add up
  2  wrong usage, URL or name
  3  the store cannot be reached
  4  nothing there (get)
  5  ended before all was finished; what was in work was given back (worker)
  4  nothing there (get, dead show)
  130  interrupted (Ctrl-C); 141  nobody reads the output any more
"""

_MOVE = """\
Move messages to another queue in any store, in order, with their ids, headers, attempts and
delays. Run it again when it was interrupted or killed, at whatever point: nothing is lost and
nothing is moved twice. What is written to the old queue meanwhile is moved, too.

  queuekit move sqlite:///jobs.db#emails redis://localhost:6379/0#emails
  queuekit move emails letters --url sqlite:///jobs.db
  queuekit move 'redis://localhost?prefix=hotqueue#emails' sqlite:///jobs.db#emails
  queuekit move srq+redis://localhost#emails redis://localhost#emails

The third is a queue of HotQueue, the fourth one of SafeRedisQueue.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status."""
    try:
        try:
            arguments = _parse(argv)
            run = arguments.run
            return int(run(arguments))
        finally:
            sys.stdout.flush()
    except KeyboardInterrupt:
        return _say("interrupted", INTERRUPTED)
    except BrokenPipeError:
        # What is still buffered cannot be written: point stdout elsewhere, or Python complains.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except ConfigurationError as exc:
        return _say(str(exc), USAGE)
    except TransportUnavailable as exc:
        return _say(str(exc), UNREACHABLE)
    except (QueueKitError, OSError) as exc:
        return _say(str(exc), FAILED)


def _to_stderr(words: str) -> None:
    print(f"queuekit: {words}", file=sys.stderr)


def store_url(given: str | None, say: Callable[[str], None] = _to_stderr) -> str:
    """Return the URL that was given, the environment's, or that of the default file, and say so."""
    url = given or os.environ.get("QUEUEKIT_URL")
    if url and url.partition(":")[0].lower() == "memory":
        raise ConfigurationError(
            "memory: stays within one process and would end with this command; use --url"
            " sqlite:///queue.db or redis://..."
        )
    if url:
        return url
    path = Path(DEFAULT_FILE).absolute()
    say(f"using {path}")
    return f"sqlite:///{path}"


def _say(words: str, status: int) -> int:
    _to_stderr(words)
    return status


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse, and let words follow options: ``put jobs --raw hello``, which argparse refuses."""
    parser = _parser()
    arguments, late = parser.parse_known_args(argv)
    if late:
        if arguments.words is None or any(word.startswith("-") for word in late):
            parser.error(f"unrecognized arguments: {' '.join(late)}")
        getattr(arguments, arguments.words).extend(late)
    return arguments


def _parser() -> argparse.ArgumentParser:
    from . import commands, worker_settings
    from .dead import add_dead

    parser = argparse.ArgumentParser(
        prog="queuekit",
        description="Reliable message queues in SQLite, Redis or Valkey.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"queuekit {__version__}")
    parser.set_defaults(words=None)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--url", help="where the queues are (default: $QUEUEKIT_URL)")
    common.add_argument("--json", action="store_true", help="print one JSON object a line")
    add = parser.add_subparsers(dest="command", required=True, metavar="COMMAND").add_parser

    command = add("put", parents=[common], help="put messages; prints their ids")
    command.add_argument("queue")
    command.add_argument("body", nargs="*", help="messages; without any, each line of stdin is one")
    command.add_argument("--raw", action="store_true", help="store the text as it is, not as JSON")
    command.add_argument("--delay", type=float, default=0.0, metavar="S", help="seconds to wait")
    command.set_defaults(run=commands.put, words="body")

    command = add("get", parents=[common], help="take messages, print and ack them")
    command.add_argument("queue")
    command.add_argument("-n", "--number", type=int, default=1, help="at most so many (default 1)")
    command.add_argument("--timeout", type=float, default=0.0, metavar="S", help="wait so long")
    command.add_argument("--raw", action="store_true", help="print the stored bytes as they are")
    command.set_defaults(run=commands.get)

    command = add("consume", parents=[common], help="print and ack messages as they come")
    command.add_argument("queue")
    command.add_argument(
        "--timeout", type=float, metavar="S", help="end when none came for so long"
    )
    command.add_argument("--raw", action="store_true", help="print the stored bytes as they are")
    command.set_defaults(run=commands.consume)

    command = add("peek", parents=[common], help="print ready messages, take none")
    command.add_argument("queue")
    command.add_argument(
        "-n", "--number", type=int, default=10, help="at most so many (default 10)"
    )
    command.add_argument("--raw", action="store_true", help="print the stored bytes as they are")
    command.set_defaults(run=commands.peek)

    command = add("stats", parents=[common], help="count ready, delayed, claimed and dead messages")
    command.add_argument("queue", nargs="+")
    command.set_defaults(run=commands.stats, words="queue")

    command = add("purge", parents=[common], help="remove ready and delayed messages")
    command.add_argument("queue")
    command.set_defaults(run=commands.purge)

    command = add("worker", help="run a handler: queuekit worker pkg.module:function")
    worker_settings.declare(command)
    command.set_defaults(run=_worker)

    command = add(
        "move",
        parents=[common],
        help="move messages to another queue, in any store",
        description=_MOVE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.add_argument("source", help="URL#QUEUE, or QUEUE alone with --url")
    command.add_argument("target", help="the same")
    command.add_argument("--dry-run", action="store_true", help="count both ends, move nothing")
    command.add_argument("--dead", action="store_true", help="move the dead letters, too")
    command.add_argument("--wait", action="store_true", help="wait for what is delayed or held")
    command.add_argument("--limit", type=int, metavar="N", help="at most so many messages")
    command.add_argument(
        "--batch", type=int, default=500, metavar="N", help="messages of one step (default 500)"
    )
    command.add_argument(
        "--lease",
        type=float,
        default=10.0,
        metavar="S",
        help="seconds for one batch; a killed move is waited for twice as long (default 10)",
    )
    command.set_defaults(run=_move)
    add_dead(add, common)

    command = add(
        "demo",
        parents=[common],
        help="count words with three processes, kill one, and check that nothing is lost",
    )
    command.add_argument("path", nargs="*", help="files or folders; one file: a message a line")
    command.add_argument("--messages", type=int, metavar="N", help="at most so many messages")
    command.set_defaults(run=_demo, words="path")
    return parser


def _move(arguments: argparse.Namespace) -> int:
    from .move import run

    return run(arguments)


def _demo(arguments: argparse.Namespace) -> int:
    from .demo import run

    return run(arguments)


def _worker(arguments: argparse.Namespace) -> int:
    from .worker import run

    return run(arguments)
