"""
What a worker is told: by its command line, else by the environment, else by default.

The environment is looked at when a worker starts, so a bad variable breaks no other command.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..errors import ConfigurationError
from .worker_options import GROUPS, OPTIONS, Option

DESCRIPTION: Final = "Run a handler on the messages of queues, until told to end."
TARGET_HELP: Final = (
    "what works on the messages: a function with -Q, what @queue.worker made of one, or a Worker;"
    " the module is found as `python -m` finds it, and nothing else is imported"
)
EPILOG: Final = """\
Each option has a variable in the environment, named like QUEUEKIT_MAX_MESSAGES; the command line
wins. Switches take 1 or 0 there.

The first SIGTERM or Ctrl-C takes no more messages and finishes those in work, until the shutdown
timeout; the second one gives them back at once. Exit status: 0 ended, and all was finished;
1 failed; 2 wrong usage; 3 the store cannot be reached; 5 ended before all was finished.
"""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a worker is told, by its command line or its environment."""

    queue: tuple[str, ...] = ()
    url: str | None = None
    serializer: str | None = None
    lease: float | None = None
    max_attempts: int | None = None
    concurrency: int | None = None
    processes: int = 1
    prefetch: int | None = None
    order: str | None = None
    confirm: bool | None = None
    burst: bool | None = None
    timeout: float | None = None
    max_messages: int | None = None
    max_seconds: float | None = None
    max_time: float | None = None
    shutdown_timeout: float | None = None
    reload: bool = False
    state: str | None = None
    log_format: str = "text"
    log_level: str = "info"


def declare(parser: argparse.ArgumentParser) -> None:
    """Add the target and all options to *parser*; what is not given is None afterwards."""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.usage = "queuekit worker [options] MODULE:HANDLER\n       queuekit worker --check ..."
    parser.description = DESCRIPTION
    parser.epilog = EPILOG
    parser.add_argument("target", nargs="?", metavar="MODULE:HANDLER", help=TARGET_HELP)
    parser.add_argument(
        "--check",
        action="store_true",
        help="ask the worker with this --state whether it is alive; without --state, ask the store"
        " for the queues of -Q; status 0 or 1",
    )
    parser.add_argument("--child", type=int, help=argparse.SUPPRESS)
    for title, options in GROUPS.items():
        group = parser.add_argument_group(title)
        for option in options:
            _declare(group.add_argument, option)


def _declare(add: Callable[..., object], option: Option) -> None:
    if option.kind == "switch":
        action = argparse.BooleanOptionalAction
        add(*option.flags, action=action, default=None, help=option.help)
        return
    add(
        *option.flags,
        type=_typed(option.read),
        action="append" if option.kind == "list" else "store",
        metavar=option.metavar,
        help=f"{option.help} (default: {option.without})",
    )


def settle(arguments: argparse.Namespace, environment: Mapping[str, str]) -> Settings:
    """
    Return the settings of parsed arguments and an environment.

    Raises:
        ConfigurationError: A variable has a value that the option refuses.
    """
    values: dict[str, Any] = {}
    for option in OPTIONS:
        value: Any = getattr(arguments, option.name)
        if value is None and environment.get(option.variable):
            value = _from_environment(option, environment[option.variable])
        if value is not None:
            values[option.name] = value
    values["queue"] = tuple(values.get("queue", ()))
    return Settings(**values)


def _typed(read: Callable[[str], object]) -> Callable[[str], object]:
    def typed(text: str) -> object:
        try:
            return read(text)
        except ValueError as exc:
            raise argparse.ArgumentTypeError(f"{exc}, not {text!r}") from exc

    return typed


def _from_environment(option: Option, text: str) -> object:
    try:
        if option.kind == "list":
            return [option.read(part.strip()) for part in text.split(",") if part.strip()]
        return option.read(text)
    except ValueError as exc:
        shown = "" if option.name == "url" else f", not {text!r}"
        raise ConfigurationError(
            f"the environment variable {option.variable} {exc}{shown}"
        ) from exc
