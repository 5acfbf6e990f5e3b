"""Messages that one call of a handler works on together. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ._checks import check_count, check_seconds
from .errors import ConfigurationError

_MOST = 1000
"""Messages of one claim."""


@dataclass(frozen=True, slots=True)
class Batch:
    """
    How many messages a batch handler gets at a time, all of one queue.

    Args:
        size: At most so many, up to 1000.
        wait: Seconds that the first one waits for others, 0 for what is there at once.
    """

    size: int = 100
    wait: float = 0.5

    def __post_init__(self) -> None:
        if check_count("size", self.size) > _MOST:
            raise ConfigurationError(f"a batch has at most {_MOST} messages, not {self.size}")
        check_seconds("wait", self.wait)
