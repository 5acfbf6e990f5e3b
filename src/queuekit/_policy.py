"""When a failed message is tried again, and when it is given up. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ._checks import check_count, check_seconds
from .errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """
    Wait longer after each failed attempt, and give up after *max_attempts*.

    The defaults wait about 2, 8, 32, 128, then 300 seconds: at once and five attempts, an outage
    of half a minute downstream would send a whole queue to the dead letters.

    Args:
        max_attempts: Deliveries, 1 to 250, that may end in a failure or a crash; None means no
            limit.
        base: Seconds before the second attempt.
        factor: Each wait is so many times the one before.
        cap: Seconds that no wait exceeds.
        jitter: The share of each wait, 0 to 1, that is drawn at random, so that what failed
            together is not tried together.

    Raises:
        ConfigurationError: A value outside of these bounds.
    """

    max_attempts: int | None = 10
    base: float = 2.0
    factor: float = 4.0
    cap: float = 300.0
    jitter: float = 0.25

    def __post_init__(self) -> None:
        if self.max_attempts is not None and check_count("max_attempts", self.max_attempts) > 250:
            raise ConfigurationError(
                f"max_attempts must be at most 250, or None for no limit, not {self.max_attempts}:"
                " a store may keep the attempts in one byte"
            )
        check_seconds("base", self.base)
        check_seconds("cap", self.cap)
        if not 1 <= self.factor <= 1000:  # its 64th power is finite
            raise ConfigurationError(f"factor must be between 1 and 1000, not {self.factor!r}")
        if not 0 <= self.jitter <= 1:
            raise ConfigurationError(f"jitter must be between 0 and 1, not {self.jitter!r}")

    def delay(self, attempt: int, chance: float) -> float:
        """
        Return the seconds to wait after *attempt* (1 for the first) failed.

        *chance* is a random number from 0 to 1, passed in so that this stays a pure function.
        """
        steps = min(attempt - 1, 64)  # beyond the cap for any factor; keeps the power finite
        full = min(self.cap, self.base * self.factor**steps)
        return full * (1 - self.jitter * chance)

    def gives_up(self, attempt: int) -> bool:
        """Tell whether a message whose *attempt* ended badly is not tried again."""
        return self.max_attempts is not None and attempt >= self.max_attempts
