"""``queuekit worker``: a handler made into a process, or several, that end well."""

from __future__ import annotations

import argparse
import logging
import os

from ..errors import ConfigurationError, QueueKitError, TransportUnavailable
from . import worker_log
from .main import FAILED, UNREACHABLE, USAGE
from .worker_settings import Settings, settle
from .worker_target import BrokenModule

_log = logging.getLogger("queuekit")


def run(arguments: argparse.Namespace) -> int:
    """Run a worker, the parent of several, or a health check; return the status."""
    settings = settle(arguments, os.environ)
    if arguments.check:
        from .worker_check import check

        return check(settings)
    if arguments.target is None:
        raise ConfigurationError("a worker needs a handler: queuekit worker pkg.module:function")
    if settings.burst and settings.timeout is not None:
        raise ConfigurationError("--burst and --timeout were given: --burst is --timeout 0")
    worker_log.configure(settings.log_format, settings.log_level)
    try:
        return _run(arguments.target, settings, arguments.child)
    except BrokenModule as exc:
        _log.critical("%s", exc, exc_info=exc.__cause__)
        return FAILED
    except QueueKitError as exc:  # as a record of the log, so that stderr is JSON throughout
        _log.critical("%s", exc)
        if isinstance(exc, ConfigurationError):
            return USAGE
        return UNREACHABLE if isinstance(exc, TransportUnavailable) else FAILED


def _run(target: str, settings: Settings, child: int | None) -> int:
    if child is None and (settings.processes > 1 or settings.reload):
        from .worker_parent import Parent

        return Parent(target, settings).run()
    from .worker_run import work

    return work(target, settings, child)
