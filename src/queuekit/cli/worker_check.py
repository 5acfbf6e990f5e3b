"""``queuekit worker --check``: one line and a status for health checks."""

from __future__ import annotations

import json
import sys
import time

from .. import ReliableQueue
from ..errors import ConfigurationError, QueueKitError
from .main import FAILED, store_url
from .worker_settings import Settings
from .worker_state import read


def check(settings: Settings) -> int:
    """
    Ask the worker behind ``--state``, or else the store; return 0 or 1.

    Not both: a worker waits for a store that is away, so it must not be ended for that.
    """
    if settings.state is not None:
        return _ask_worker(settings.state, settings.log_format)
    if not settings.queue:
        raise ConfigurationError(
            "--check needs --state, the file of the worker to ask, or -Q, queues to ask the store"
            " for"
        )
    return _ask_store(settings)


def _ask_worker(path: str, form: str) -> int:
    facts, why = read(path)
    if form == "json":
        print(json.dumps({"healthy": not why, "why": why, **facts}))
    elif why:
        print(f"queuekit: the worker is not healthy: {why}", file=sys.stderr)
    else:
        up = time.time() - float(str(facts["started"]))
        shown = " ".join(f"{key}={facts[key]}" for key in facts if key not in ("started", "beat"))
        print(f"healthy: {shown} up={up:.0f}s")
    return FAILED if why else 0


def _ask_store(settings: Settings) -> int:
    try:
        url = store_url(settings.url)
        with ReliableQueue(settings.queue[0], url, serializer="bytes") as first:
            for name in settings.queue:
                stats = ReliableQueue(name, first.transport, serializer="bytes").stats()
                if settings.log_format == "json":
                    print(json.dumps({"queue": name, **stats._asdict()}))
                else:
                    counts = " ".join(f"{k}={v}" for k, v in stats._asdict().items())
                    print(f"{name}: {counts}")
    except ConfigurationError:
        raise
    except QueueKitError as exc:
        print(f"queuekit: the store is not healthy: {exc}", file=sys.stderr)
        return FAILED
    return 0
