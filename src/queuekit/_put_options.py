"""What a put may ask for beyond storing, checked and made ready for frame and push. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, NamedTuple, Self, TypeAlias, cast

from ._checks import check_seconds, refuse_type
from ._envelope import NO_HEADERS, NOWHERE, Place
from ._letters import EXPIRED, EXPIRES, OWN
from .errors import ConfigurationError, Unsupported
from .transport import Dedup, Features

Expired: TypeAlias = Literal["dead", "drop"]
"""What becomes of a message that nobody took in time: a dead letter, or nothing."""

MAX_KEY: Final = 255
"""Bytes of a group, or of a dedup key, in UTF-8."""

_WAY_OUT: Final = "memory:, sqlite: and redis: do; or leave it out"


class MessageId(str):
    """
    The answer to a put with a dedup key: the id of the message that has the key.

    Args:
        text: 32 hexadecimal digits.
        new: True if this put stored it.
    """

    __slots__ = ("new",)
    new: bool
    """False if an earlier put did: this one has stored nothing."""

    def __new__(cls, text: str, new: bool = True) -> Self:
        """See the class."""
        self = super().__new__(cls, text)
        self.new = new
        return self


class Extras(NamedTuple):
    """What one put asks for that most puts do not."""

    place: Place = NOWHERE
    headers: Mapping[str, str] = NO_HEADERS
    dedup: Dedup | None = None
    timeout: float | None = None
    """Seconds that it waits for room; None means for ever."""


NO_EXTRAS: Final = Extras()


def check_place(priority: object, group: object, features: Features) -> Place:
    """Return the place of a message, or refuse it where the store does not honour it."""
    if isinstance(priority, bool) or not isinstance(priority, int) or not -3 <= priority <= 3:
        raise ConfigurationError(
            f"priority must be a whole number from -3 to 3, 0 is the usual one, not {priority!r}"
        )
    if priority and not features.priorities:
        raise Unsupported(f"this transport keeps no priorities; {_WAY_OUT}, or use two queues")
    if group is None:
        return Place(priority)
    text = _check_key("group", group)
    if not features.groups:
        raise Unsupported(f"this transport keeps no groups; {_WAY_OUT}")
    return Place(priority, text)


def check_dedup(dedup: object, features: Features) -> Dedup | None:
    """Return a dedup key, or refuse it."""
    if dedup is None:
        return None
    if not isinstance(dedup, Dedup):
        refuse_type("dedup= is a key with its window", dedup, 'use Dedup("key", window=300.0)')
    _check_key("the key of dedup=", dedup.key)
    check_seconds("window", dedup.window, positive=True)
    if not features.dedup:
        raise Unsupported(f"this transport keeps no dedup keys; {_WAY_OUT}")
    return dedup


def check_headers(headers: object) -> dict[str, str]:
    """Return a copy of the headers of a message, or refuse them."""
    if not isinstance(headers, Mapping):
        refuse_type("headers= is a mapping of texts", headers, 'use headers={"trace": "1"}')
    found = cast("Mapping[object, object]", headers)
    for name, value in found.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise ConfigurationError(
                f"the header {name!r} is no text with a text: turn both into str first"
            )
        if name.startswith(OWN):
            raise ConfigurationError(
                f"the header {name!r} begins with {OWN!r}, which is the library's own: rename it"
            )
    return dict(cast("Mapping[str, str]", found))


def expiry(expires: float, expired: object, now: float) -> dict[str, str]:
    """Return the headers of a message that expires so many seconds from *now* (since 1970)."""
    if expired not in ("dead", "drop"):
        raise ConfigurationError(f'expired= is "dead" or "drop", not {expired!r}')
    at = now + check_seconds("expires", expires, positive=True)
    headers = {EXPIRES: str(int(at * 1000))}
    return headers | {EXPIRED: "drop"} if expired == "drop" else headers


def delay_until(eta: object, delay: float, now: float) -> float:
    """Return the seconds from *now* (since 1970) until *eta*, 0 if that is past."""
    if delay:
        raise ConfigurationError("both delay= and eta= were given: drop one")
    if not isinstance(eta, datetime):
        refuse_type("eta= is a datetime", eta, "use delay= for a number of seconds")
    if eta.utcoffset() is None:
        raise ConfigurationError(
            "eta= has no time zone, so it names no moment: use datetime.now(UTC) + timedelta(...),"
            " or eta.astimezone() for the local time"
        )
    return max(0.0, eta.timestamp() - now)


def _check_key(what: str, key: object) -> str:
    if not isinstance(key, str):
        refuse_type(f"{what} is a text", key, "use str()")
    try:
        size = len(key.encode())
    except UnicodeEncodeError as exc:
        raise ConfigurationError(f"{what} {key!r} cannot be written as UTF-8") from exc
    if not 0 < size <= MAX_KEY:
        raise ConfigurationError(f"{what} has 1 to {MAX_KEY} bytes in UTF-8, this one has {size}")
    return key
