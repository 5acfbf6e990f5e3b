"""A URL that is written wrongly is not shown: it may hold a password."""

from __future__ import annotations

import traceback

import pytest

from queuekit import AsyncQueue, ConfigurationError, Queue

SECRET = "s3cret"


@pytest.mark.parametrize("engine", [Queue, AsyncQueue])
@pytest.mark.parametrize(
    "url",
    [
        f"redis://:pa/{SECRET}@db/0",
        f"redis://:pa?{SECRET}@db/0",
        f"redis://:pa#{SECRET}@db/0",
        f"redis:{SECRET}@db/0",
        f"redis://:{SECRET}@db:notaport/0",
        f"redis://:{SECRET}@db/none",
        f"redis://:{SECRET}@db/0?colour=red",
        f"redis://:{SECRET}@db/0?socket_timeout=x",
        f"unix://u:{SECRET}@h/run/redis.sock?colour=red",
        f"http://u:{SECRET}@db/0",
        f"{SECRET}@db",
        f"sqlite://u:{SECRET}@h/x.db",
        f"sqlite:///x.db?key=u:{SECRET}@h",
        f"sqlite:///x.db?{SECRET}@h",
        f"memory://u:{SECRET}@h",
    ],
)
def test_a_wrong_url_is_not_shown(engine: type, url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        engine("q", url)
    assert SECRET not in "".join(traceback.format_exception_only(caught.value))
    assert SECRET not in repr(caught.value)


def test_the_way_out_is_shown() -> None:
    with pytest.raises(ConfigurationError, match="write / as %2F"):
        Queue("q", f"redis://:pa/{SECRET}@db/0")
