"""The keys of a queue, all in the Cluster slot of its list. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final

from ..._checks import check_name
from ...errors import ConfigurationError
from ._script import Template
from ._wire import Command

DEFAULT_PREFIX: Final = "queuekit"

SIGN: Final = b"+placed"
"""The member of the leases that says that a queue keeps places."""
WAKE: Final = b"\xc1\x71Wake"
"""No message: found in front of the ready ones, it says the same."""

_PLACES: Final = (
    b"busy", b"waiting", b"l:3", b"l:2", b"l:1", b"l:-1", b"l:-2", b"l:-3",
)  # fmt: skip

_TEMPLATES: Final = 256

_PREFIX = re.compile(r"[A-Za-z0-9_.-]+")
_TOUCHES_LAYOUT = re.compile(r"[%{}\x00-\x1f\x7f-\x9f]")


class Keys:
    """The keys of the queue *name*, as ``docs/protocol.md`` lays them out."""

    __slots__ = (
        "_private",
        "delayed",
        "event",
        "is_placed",
        "landing",
        "leases",
        "looked",
        "places",
        "ready",
        "templates",
        "turns",
    )

    def __init__(self, prefix: str, name: str) -> None:
        ready = f"{prefix}:{escape(check_name(name))}"
        self._private = f"{{{ready}}}:".encode()
        self.ready = ready.encode()
        """List of the ready bodies, oldest left; any ``RPUSH`` is a producer."""
        self.landing = self._private + b"w"
        """List that waiting consumers move into; it is the front of the ready bodies."""
        self.leases = self._private + b"leases"
        """Sorted set from token to deadline."""
        self.delayed = self._private + b"delayed"
        """Sorted set from framed body to the time when it becomes ready."""
        self.is_placed = False
        """Whether the queue is known to keep places: then other scripts work on it, for ever."""
        self.places = (
            self.ready,
            self.landing,
            self.leases,
            self.delayed,
            *(self._private + each for each in _PLACES),
        )
        """What those scripts have as their first keys."""
        self.turns = self._private + b"turns"
        """When the turns that limited claims took are over, in microseconds."""
        self.looked = -math.inf
        """When a claim last found nothing, on the monotonic clock."""
        self.event: float | None = None
        """Seconds from then to what becomes due or expires next, as it was known."""
        self.templates: dict[object, Template] = {}
        """Calls of scripts with these keys, packed when they are first made."""

    def template(self, name: object, call: Callable[[bytes], Command]) -> Template:
        """Return the template of that name, which *call* makes if there is none yet."""
        found = self.templates.get(name)
        if found is None:
            if len(self.templates) >= _TEMPLATES:
                self.templates.clear()
            found = self.templates[name] = Template(call)
        return found

    def claim(self, token: bytes) -> bytes:
        """Return the list of a claim."""
        return self._private + b"c:" + token

    def mark(self, token: bytes) -> bytes:
        """Return the mark that outlives a claim."""
        return self._private + b"x:" + token

    def lane(self, lane: bytes) -> bytes:
        """Return the counter of a lane of puts."""
        return self._private + b"p:" + lane

    def remembered(self, key: str) -> bytes:
        """Return what keeps a key that was marked, or put with."""
        return self._private + b"d:" + escape(check_name(key)).encode()


def check_prefix(prefix: object) -> str:
    """Return *prefix* if keys can begin with it."""
    if not isinstance(prefix, str) or not _PREFIX.fullmatch(prefix):
        raise ConfigurationError(
            f"a prefix of keys has letters, digits and _ . - only, not {prefix!r}"
        )
    return prefix


def escape(name: str) -> str:
    """Percent-encode what would touch the layout, so that no two names share a key."""
    return _TOUCHES_LAYOUT.sub(_percent, name)


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())
