"""URLs of SafeRedisQueue's layout: those of Redis with a mark and a parameter of its own. Pure."""

from __future__ import annotations

from typing import Final

from .._checks import check_seconds
from ..errors import ConfigurationError

_MARK: Final = "srq+"
_INTERVAL: Final = "autoclean_interval="


def split_url(url: str) -> tuple[str, float | None]:
    """
    Return the URL of the server, and the interval that *url* names.

    Raises:
        ConfigurationError: The interval is no positive number of seconds, or is there twice.
    """
    if url[: len(_MARK)].lower() == _MARK:
        url = url[len(_MARK) :]
    before, mark, query = url.partition("?")
    fields = query.split("&")
    values = [each.removeprefix(_INTERVAL) for each in fields if each.startswith(_INTERVAL)]
    if not values:
        return url, None
    rest = "&".join(each for each in fields if not each.startswith(_INTERVAL))
    try:
        (value,) = map(float, values)
    except ValueError as exc:
        raise ConfigurationError("autoclean_interval is one number of seconds, as in 60") from exc
    interval = check_seconds("autoclean_interval", value, positive=True)
    return f"{before}{mark}{rest}" if rest else before, interval
