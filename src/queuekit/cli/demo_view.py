"""What the demo shows while it runs: a line that moves on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Final

from .. import QueueStats

_BAR: Final = 24
_PLAIN_EVERY: Final = 1.0
"""Seconds between two lines of progress where no terminal is."""


class View:
    """The demo's screen: *plain* sends everything to stderr, as lines."""

    def __init__(self, *, plain: bool) -> None:
        self._out = sys.stderr if plain else sys.stdout
        self._moving = self._out.isatty()
        self._began = self._shown = time.monotonic()

    def say(self, words: str) -> None:
        """Print an event, above the moving line."""
        clear = "\r\x1b[2K" if self._moving else ""
        print(f"{clear}{words}", file=self._out, flush=True)

    def show(self, put: int, done: int, stats: QueueStats) -> None:
        """Show how far the work is."""
        now = time.monotonic()
        if not self._moving and now - self._shown < _PLAIN_EVERY:
            return
        self._shown = now
        rate = done / max(now - self._began, 1e-9)
        waiting = f"ready {stats.ready}, claimed {stats.claimed}, delayed {stats.delayed}"
        line = f"{done}/{put} done, {waiting}, {rate:,.0f}/s"
        if self._moving:
            full = round(_BAR * done / max(put, 1))
            bar = "#" * full + "." * (_BAR - full)
            end = "\n" if done >= put else ""
            print(f"\r\x1b[2K[{bar}] {line}", end=end, file=self._out, flush=True)
        else:
            print(line, file=self._out, flush=True)
