"""The checks of arguments, so that every door refuses the same things in the same words. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NoReturn, cast

from .abilities import Limits
from .errors import BodyTooLarge, ConfigurationError, QueueFull, Unsupported
from .transport import Features, PushOptions

MAX_NAME: Final = 250
"""
Bytes of a queue's name in UTF-8, before what is added for its dead letters.

SQLite and Redis could take more, log lines should not.
"""

DEAD: Final = "!dead"
"""What is added to a queue's name for its dead letters."""

_ID: Final = 16
"""Bytes."""

MAX_SECONDS: Final = 100 * 365 * 86400.0
"""A century: what is longer is a mistake, or a number of milliseconds."""

MAX_RATE: Final = 1e9
"""Messages: what is more is no limit."""


def check_name(name: object) -> str:
    """Return *name* if a queue can have it."""
    if not isinstance(name, str):
        raise ConfigurationError(f"a queue's name is a text, not {_kind(name)}")
    if not name:
        raise ConfigurationError("a queue's name must not be empty")
    try:
        size = len(name.removesuffix(DEAD).encode())
    except UnicodeEncodeError as exc:
        raise ConfigurationError(f"the name {name!r} cannot be written as UTF-8") from exc
    if size > MAX_NAME:
        raise ConfigurationError(
            f"a queue's name has at most {MAX_NAME} bytes, {name[:20]!r}… has {size}"
        )
    return name


def check_queues(names: object) -> list[str]:
    """Return the names of several queues, each once; a single text is none."""
    if isinstance(names, (str, bytes)) or not isinstance(names, Iterable):
        raise ConfigurationError(f"several queues are a list of names, not {_kind(names)}")
    found = list(dict.fromkeys(map(check_name, cast("Iterable[object]", names))))
    if not found:
        raise ConfigurationError("there must be at least one queue to wait for")
    return found


def check_seconds(what: str, value: object, *, positive: bool = False) -> float:
    """Return *value* as seconds: a finite number that is not negative (or positive)."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise ConfigurationError(f"{what} is a number of seconds, not {_kind(value)}")
    seconds = float(value)
    if not math.isfinite(seconds) or seconds < 0 or seconds > MAX_SECONDS:
        raise ConfigurationError(
            f"{what} must be a finite number of seconds from 0 to {MAX_SECONDS:.0f}, not {value!r}"
        )
    if positive and seconds == 0:
        raise ConfigurationError(f"{what} must be more than 0 seconds")
    return seconds


def check_count(what: str, value: object, *, least: int = 1) -> int:
    """Return *value* if it is a whole number of *least* or more."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ConfigurationError(f"{what} must be a whole number of {least} or more, not {value!r}")
    return value


def check_claim(lease: float, limit: int, timeout: float) -> None:
    """Refuse wrong arguments of a claim."""
    check_count("limit", limit)
    check_seconds("lease", lease, positive=True)
    check_seconds("timeout", timeout)


def check_bodies(queue: str, bodies: Iterable[bytes], max_body: int) -> None:
    """Refuse a batch with a body over *max_body* bytes, before anything is stored."""
    for body in bodies:
        if len(body) > max_body:
            raise BodyTooLarge(
                f"a body of {len(body)} bytes for {queue!r} exceeds the limit of {max_body}; store"
                " it elsewhere and put a reference, or raise max_body= of the transport"
            )


def check_limit(what: str, value: float, limit: float | None) -> None:
    """Refuse a duration beyond what a transport declares in its features."""
    if limit is not None and value > limit:
        raise Unsupported(f"this transport takes a {what} of at most {limit:g} s, not {value:g} s")


def check_durable(durable: object, offered: Sequence[str]) -> None:
    """Refuse to wait for what a transport does not declare in its features."""
    if durable is not None and durable not in offered:
        if durable not in ("disk", "replicas"):
            raise ConfigurationError(f'durable must be "disk" or "replicas", not {durable!r}')
        what = " or ".join(repr(each) for each in offered) or "nothing"
        raise Unsupported(f"a put on this transport can wait for {what}, not for {durable!r}")


def check_push(options: PushOptions, features: Features, count: int, token: str | None) -> None:
    """Refuse a push of *count* bodies that asks for what a transport does not declare."""
    check_limit("delay", check_seconds("delay", options.delay), features.max_delay)
    check_durable(options.durable, features.waits_for)
    if options.placed and not (features.priorities or features.groups):
        raise Unsupported("this transport keeps neither priorities nor groups")
    if options.dedup is not None:
        if not features.dedup:
            raise Unsupported("this transport keeps no dedup keys")
        if count != 1 or token is None:
            raise ConfigurationError("a push with a dedup key has one body, and a token")
        check_name(options.dedup.key)
        check_seconds("window", options.dedup.window, positive=True)
    if options.max_length is not None:
        if not features.bounds:
            raise Unsupported("this transport keeps no bound on the length of a queue")
        check_count("max_length", options.max_length)


def _check_rate(rate: object) -> None:
    if isinstance(rate, bool) or not isinstance(rate, (int, float)):
        raise ConfigurationError(f"rate is a number of messages, not {_kind(rate)}")
    if not 0 < rate <= MAX_RATE:
        raise ConfigurationError(
            f"rate must be more than 0 and at most {MAX_RATE:.0f} messages, not {rate!r}"
        )


def check_limits(limits: Limits) -> None:
    """Refuse limits that let nothing through, or that are none."""
    if limits.rate is not None:
        _check_rate(limits.rate)
    check_seconds("per", limits.per, positive=True)
    check_count("burst", limits.burst)
    if limits.in_flight is not None:
        check_count("in_flight", limits.in_flight)


def full(queue: str, max_length: int) -> QueueFull:
    """Return the error for a push beyond the bound of a queue."""
    error = QueueFull(
        f"{queue!r} would have more than the {max_length} messages of its bound; nothing was"
        " stored, put again when consumers have taken some"
    )
    error.max_length = max_length
    return error


def check_ids(ids: Sequence[str], count: int) -> list[bytes]:
    """Return the bytes of message ids, one for each of *count* bodies."""
    if isinstance(ids, str) or len(ids) != count:
        raise ConfigurationError(f"{count} bodies need a list of as many ids")
    try:
        found = [bytes.fromhex(each) for each in ids]
    except (TypeError, ValueError):
        found = []
    if any(len(each) != _ID for each in found) or len(set(found)) != count:
        raise ConfigurationError(
            "an id is a text of 32 hexadecimal digits, each another; put() returns them, and an"
            " error of a put has them in its attribute ids"
        )
    return found


def check_many(bodies: object) -> None:
    """Refuse what is one body rather than several: its letters or keys would be put."""
    if isinstance(bodies, (str, bytes, bytearray, Mapping)) or not isinstance(bodies, Iterable):
        raise ConfigurationError(
            "put_many takes a list or another iterable of bodies, not one body; use put for that"
        )


def check_unknown(options: Mapping[str, object]) -> None:
    """Refuse options that no queue has, with the way out for those of a Redis client."""
    if options:
        names = ", ".join(sorted(options))
        raise ConfigurationError(
            f"a queue has no option {names}; where its store is says the second argument, a URL"
            ' such as "redis://localhost:6379/0" or RedisTransport(client=redis.Redis(...))'
        )


def refuse_type(what: str, value: object, way_out: str) -> NoReturn:
    """Raise the error for an argument of a wrong type."""
    raise ConfigurationError(f"{what}, not {_kind(value)}; {way_out}")


def _kind(value: object) -> str:
    return f"the class {value.__qualname__}" if isinstance(value, type) else type(value).__name__
