"""``queuekit move``: where from, where to, and how far it is."""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from types import FrameType
from typing import Final, NamedTuple

from .._checks import DEAD
from .._lookup import TRANSPORTS, open_transport
from ..abilities import Delaying
from ..errors import ConfigurationError
from ..moving import Move, leftovers
from ..transport import QueueStats, Transport
from .main import INTERRUPTED, store_url

_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(//)?")
_BAR: Final = 24


class _Place(NamedTuple):
    """One end of a move."""

    store: Transport
    queue: str

    @property
    def dead(self) -> _Place:
        return _Place(self.store, self.queue + DEAD)


def run(arguments: argparse.Namespace) -> int:
    """Move messages, or tell what would be moved; print how many."""
    limit: int | None = arguments.limit
    if limit is not None and limit < 0:
        raise ConfigurationError(f"--limit is a number of messages, not {limit}")
    with ExitStack() as stack:
        default = cache(lambda: store_url(arguments.url))  # it may print which file that is
        source, target = (
            _open(text, default, stack) for text in (arguments.source, arguments.target)
        )
        pairs = [(source, target)]
        if arguments.dead:
            pairs.append((source.dead, target.dead))
        moves = [
            Move(one.store, one.queue, two.store, two.queue, batch=arguments.batch,
                 lease=arguments.lease)
            for one, two in pairs
        ]  # fmt: skip
        if arguments.dry_run:
            return _tell(pairs, as_json=arguments.json)
        done = 0
        with _stop() as asked:
            try:
                for move, (one, _) in zip(moves, pairs, strict=True):
                    left = None if limit is None else limit - done
                    with closing(move.batches(left, wait=arguments.wait)) as batches:
                        for count in _shown(batches, one):
                            done += count
                            if asked:
                                break
                    if asked:
                        break
            except BaseException:
                if done:  # it was moved, whatever came then
                    _print(done, arguments)
                raise
        _print(done, arguments)
        _say_what_stays(source, done)
    return INTERRUPTED if asked else 0


def _print(done: int, arguments: argparse.Namespace) -> None:
    print(json.dumps({"moved": done}) if arguments.json else done)


def _open(text: str, default: Callable[[], str], stack: ExitStack) -> _Place:
    """Return what ``URL#QUEUE``, or a queue alone in the default store, means."""
    before, mark, queue = text.partition("#")
    scheme = _SCHEME.match(before)
    if scheme and mark:
        url = store_url(before)
    elif scheme and (scheme[2] or scheme[1].lower() in TRANSPORTS):
        # A URL may have a password: it is not repeated.
        raise ConfigurationError(
            "a URL to move from or to ends in #QUEUE, the name of a queue: redis://localhost#jobs"
        )
    else:
        url, queue = default(), text
    store = open_transport(url)[0]
    stack.callback(store.close)
    if not isinstance(store, Transport):
        raise ConfigurationError("a move needs stores whose messages can be claimed")
    return _Place(store, queue)


def _tell(pairs: list[tuple[_Place, _Place]], *, as_json: bool) -> int:
    """Print what is at both ends; change nothing."""
    heads = ("queue", *QueueStats._fields)
    for source, target in pairs:
        rows = [(place, place.store.stats(place.queue)) for place in (source, target)]
        unfinished = leftovers(source.store, source.queue) > 0
        if as_json:
            ends = [{"queue": place.queue, **now._asdict()} for place, now in rows]
            record = {"source": ends[0], "target": ends[1], "unfinished": unfinished}
            print(json.dumps(record))
            continue
        width = max(len(place.queue) for place, _ in rows) + len("from ")
        print(f"{heads[0]:<{width}}" + "".join(f"{head:>10}" for head in heads[1:]))
        for word, (place, now) in zip(("from", "to"), rows, strict=True):
            name = f"{word:<5}{place.queue}"
            print(f"{name:<{width}}" + "".join(f"{count:>10}" for count in now))
        if unfinished:
            _say(f"a move of {source.queue} is under way or was cut short; it is finished first")
    return 0


def _say_what_stays(source: _Place, done: int) -> None:
    now, dead = source.store.stats(source.queue), sum(source.store.stats(source.dead.queue))
    words = {
        "ready": now.ready,
        "delayed (move them when they are due, or with --wait)": now.delayed,
        "held by consumers (move them when they come back, or with --wait)": now.claimed,
        "dead (move them with --dead)": dead,
    }
    for word, count in words.items():
        if count:
            _say(f"{count} left: {word}")
    if not done and not any(words.values()):
        _say(f"there is nothing in {source.queue!r}")


def _shown(batches: Iterator[int], source: _Place) -> Iterator[int]:
    """Yield what *batches* yields; on a terminal, show how far that is."""
    if leftovers(source.store, source.queue):
        _say(f"a move of {source.queue!r} is under way or was cut short: waiting to finish it")
    out = sys.stderr
    if not out.isatty():
        yield from batches
        return
    now = source.store.stats(source.queue)
    total = now.ready + (now.delayed if isinstance(source.store, Delaying) else 0)
    began, done = time.monotonic(), 0
    try:
        for count in batches:
            done += count
            total = max(total, done)
            full = round(_BAR * done / max(total, 1))
            rate = done / max(time.monotonic() - began, 1e-9)
            bar = "#" * full + "." * (_BAR - full)
            line = f"[{bar}] {done}/{total} moved, {rate:,.0f}/s"
            print(f"\r\x1b[2K{line}", end="", file=out, flush=True)
            yield count
    finally:
        print(file=out, flush=True)


@contextmanager
def _stop() -> Generator[list[int], None, None]:
    """Let Ctrl-C and SIGTERM end the move behind the batch that is under way; twice, at once."""
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(number)
        _say("stopping behind this batch; once more stops at once")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _say(words: str) -> None:
    print(f"queuekit: {words}", file=sys.stderr, flush=True)
