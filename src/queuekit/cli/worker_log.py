"""What a worker says, on stderr: lines to read, or one JSON object a line."""

from __future__ import annotations

import json
import logging
import sys
import threading
from datetime import UTC, datetime
from types import TracebackType
from typing import Final

_TEXT: Final = "%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"
_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
"""What every record has; the rest is what the caller gave as ``extra=``."""


class JsonLines(logging.Formatter):
    """One object a line, in ASCII: what a log collector reads without a rule of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "pid": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["traceback"] = self.formatException(record.exc_info)
        line.update((k, v) for k, v in vars(record).items() if k not in _OWN and k not in line)
        return json.dumps(line, default=repr)


def configure(form: str, level: str) -> None:
    """
    Send all loggers, warnings and uncaught errors of this process to stderr.

    Before the handler's module is imported: its ``logging.basicConfig()`` then does nothing.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else logging.Formatter(_TEXT))
    root = logging.getLogger()
    root.addHandler(handler)
    root.setLevel(level.upper())
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = _uncaught_in_thread


def _uncaught(
    kind: type[BaseException], exc: BaseException, traceback: TracebackType | None
) -> None:
    logging.getLogger("queuekit").critical("uncaught error", exc_info=(kind, exc, traceback))


def _uncaught_in_thread(given: threading.ExceptHookArgs) -> None:
    if given.exc_value is not None and not isinstance(given.exc_value, SystemExit):
        name = given.thread.name if given.thread else "?"
        logging.getLogger("queuekit").critical(
            "uncaught error in the thread %s",
            name,
            exc_info=(given.exc_type, given.exc_value, given.exc_traceback),
        )
