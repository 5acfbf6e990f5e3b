"""When a failed message is tried again, and when it is given up. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias, cast

from ._checks import check_count, check_seconds, refuse_type
from .errors import ConfigurationError

Rules: TypeAlias = "Mapping[type[Exception], RetryPolicy | None]"


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
            together is not tried together; 1 is full jitter.
        rules: For classes of exceptions policies of their own, without rules; None means dead at
            once. Of the classes of an exception the most specific counts. Attempts are counted
            together, whatever they failed with, and nobody knows why a consumer crashed: crashes
            are tolerated as often as the most patient of all these policies says.

    Raises:
        ConfigurationError: A value outside of these bounds.
    """

    max_attempts: int | None = 10
    base: float = 2.0
    factor: float = 4.0
    cap: float = 300.0
    jitter: float = 0.25
    rules: Rules = field(default_factory=dict["type[Exception]", "RetryPolicy | None"], hash=False)

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
        object.__setattr__(self, "rules", _checked(self.rules))  # a copy: a value does not change

    def after(self, error: BaseException | None) -> RetryPolicy | None:
        """Return the policy for a failure with *error*; None means that it is given up at once."""
        for kind in type(error).__mro__ if self.rules else ():
            if kind in self.rules:
                return self.rules[cast("type[Exception]", kind)]
        return self

    def delay(self, attempt: int, chance: float) -> float:
        """
        Return the seconds to wait after *attempt* (1 for the first) failed.

        *chance* is a random number from 0 to 1, passed in so that this stays a pure function.
        """
        steps = min(attempt - 1, 64)  # beyond the cap for any factor; keeps the power finite
        full = min(self.cap, self.base * self.factor**steps)
        return full * (1 - self.jitter * chance)

    def gives_up(self, attempt: int) -> bool:
        """Tell whether a message whose *attempt* failed is not tried again."""
        return self.max_attempts is not None and attempt >= self.max_attempts

    def exhausted(self, attempt: int) -> bool:
        """Tell whether nothing here would try a message again whose *attempt* ended unknown how."""
        return self.gives_up(attempt) and all(
            rule is None or rule.gives_up(attempt) for rule in self.rules.values()
        )


def _checked(rules: object) -> Rules:
    if not isinstance(rules, Mapping):
        refuse_type("rules= is a mapping", rules, "write rules={ValueError: None}")
    found = cast("Mapping[object, object]", rules)
    for kind, rule in found.items():
        if not isinstance(kind, type) or not issubclass(kind, Exception):
            raise ConfigurationError(
                f"rules= is for classes of exceptions, not {kind!r}: what is no Exception, such as"
                " Ctrl-C, releases a message and fails none"
            )
        if rule is not None and not isinstance(rule, RetryPolicy):
            way_out = "or None for dead at once"
            refuse_type(f"the rule for {kind.__name__} is a RetryPolicy", rule, way_out)
        if rule is not None and rule.rules:
            raise ConfigurationError(
                f"the rule for {kind.__name__} has rules of its own: write them side by side"
            )
    return dict(cast("Rules", found))
