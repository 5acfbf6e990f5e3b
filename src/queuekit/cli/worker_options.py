"""The options of ``queuekit worker``: one table for parser, environment and documentation."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal


@dataclass(frozen=True, slots=True)
class Option:
    """One option: its names, how its text is read, and what it is without one."""

    flags: tuple[str, ...]
    read: Callable[[str], object]
    help: str
    metavar: str = ""
    default: object = None
    shown: str = ""
    """What a reader is told where the default is not a value."""
    kind: Literal["value", "list", "switch"] = "value"

    @property
    def name(self) -> str:
        """The field of ``Settings``."""
        return self.flags[-1].removeprefix("--").replace("-", "_")

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"QUEUEKIT_{self.name.upper()}"

    @property
    def without(self) -> str:
        """What holds without the option, in words."""
        if self.kind == "switch":
            return "off"
        return self.shown or str(self.default)

    def words(self, value: Any) -> list[str]:
        """Return the command line that means *value*."""
        flag = self.flags[-1]
        if value is None:
            return []
        if self.kind == "switch":
            return [flag if value else flag.replace("--", "--no-", 1)]
        if self.kind == "list":
            return [f"{flag}={one}" for one in value]
        return [f"{flag}={value}"]


def read_order(text: str) -> Literal["strict", "fair"] | dict[str, float]:
    """Return what an order means: ``strict``, ``fair``, or weights as in ``mail=3,logs=1``."""
    if text == "strict":
        return "strict"
    if text == "fair":
        return "fair"
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, _, weight = part.strip().rpartition("=")
        try:
            weights[name] = _positive(weight)
        except ValueError:
            name = ""
        if not name:
            raise ValueError("must be strict, fair, or weights as in mail=3,logs=1")
    return weights


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise ValueError("must be a whole number of 1 or more")
    return number


def _seconds(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not (math.isfinite(number) and number >= 0):
        raise ValueError("must be seconds, 0 or more")
    return number


def _positive(text: str) -> float:
    try:
        number = _seconds(text)
    except ValueError:
        number = 0.0
    if not number:
        raise ValueError("must be seconds, more than 0")
    return number


def _switch(text: str) -> bool:
    if text.lower() in ("1", "true", "yes", "on"):
        return True
    if text.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError("must be 1 or 0, true or false, yes or no, on or off")


def _one_of(*choices: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in choices:
            raise ValueError(f"must be one of {', '.join(choices)}")
        return text.lower()

    return read


def _order(text: str) -> str:
    read_order(text)
    return text


def _text(text: str) -> str:
    if not text:
        raise ValueError("must not be empty")
    return text


GROUPS: Final[Mapping[str, tuple[Option, ...]]] = {
    "what to work on": (
        Option(
            ("-Q", "--queue"),
            _text,
            "a queue to work on; may be repeated (in the environment: separated by commas)",
            metavar="NAME",
            kind="list",
            shown="that of @queue.worker",
        ),
        Option(
            ("--url",),
            _text,
            "where the queues are; the module sees it as $QUEUEKIT_URL",
            metavar="URL",
            shown="the file queuekit.db here",
        ),
        Option(
            ("--serializer",),
            _text,
            "of the queues of -Q: json, text, bytes, msgpack or pickle",
            metavar="NAME",
            shown="json",
        ),
        Option(
            ("--lease",),
            _positive,
            "of the queues of -Q: seconds until a worker that gives no sign counts as crashed",
            metavar="S",
            shown="60",
        ),
        Option(
            ("--max-attempts",),
            _count,
            "of the queues of -Q: tries before a message is a dead letter",
            metavar="N",
            shown="10",
        ),
    ),
    "how": (
        Option(
            ("-c", "--concurrency"),
            _count,
            "messages at a time in each process: threads, or tasks for an async handler",
            metavar="N",
            shown="1",
        ),
        Option(("-p", "--processes"), _count, "processes that work", metavar="N", default=1),
        Option(("--prefetch",), _count, "messages claimed at a time", metavar="N", shown="1"),
        Option(
            ("--order",),
            _order,
            "among queues: strict (the first that has one), fair (in turn), or by weights:"
            " mail=3,logs=1",
            metavar="ORDER",
            shown="strict",
        ),
        Option(
            ("--confirm",),
            _switch,
            "wait for the store's answer to each ack",
            kind="switch",
        ),
        Option(
            ("--max-time",),
            _positive,
            "seconds that one message may take; then its lease is left to run out",
            metavar="S",
            shown="no limit",
        ),
    ),
    "when to end": (
        Option(("--burst",), _switch, "end when the queues are empty", kind="switch"),
        Option(
            ("--timeout",),
            _seconds,
            "end when no message came for so many seconds",
            metavar="S",
            shown="never",
        ),
        Option(
            ("--max-messages",),
            _count,
            "end after so many messages, in each process",
            metavar="N",
            shown="never",
        ),
        Option(
            ("--max-seconds",), _positive, "end after so many seconds", metavar="S", shown="never"
        ),
        Option(
            ("--shutdown-timeout",),
            _seconds,
            "seconds after a signal until what is not finished is given back",
            metavar="S",
            shown="30",
        ),
    ),
    "around it": (
        Option(
            ("--reload",),
            _switch,
            "for development: start again when a file of the application changes",
            kind="switch",
            default=False,
        ),
        Option(
            ("--state",),
            _text,
            "a file with signs of life, for --check to read",
            metavar="FILE",
            shown="none",
        ),
        Option(
            ("--log-format",),
            _one_of("text", "json"),
            "text, or json: one object a line",
            metavar="FORMAT",
            default="text",
        ),
        Option(
            ("--log-level",),
            _one_of("debug", "info", "warning", "error", "critical"),
            "debug, info, warning, error or critical",
            metavar="LEVEL",
            default="info",
        ),
    ),
}

OPTIONS: Final = tuple(option for options in GROUPS.values() for option in options)
