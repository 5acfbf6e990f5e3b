"""Paths and URLs of SQLite files. Pure, except that a relative path needs the directory."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, cast
from urllib.parse import parse_qsl, unquote

from ..errors import ConfigurationError

Synchronous = Literal["NORMAL", "FULL"]
PathLike = str | os.PathLike[str]


def absolute(path: PathLike | None) -> str:
    """Return the path that is meant from now on, wherever the process goes."""
    name = "" if path is None else os.fspath(path)
    if not name or name == ":memory:":
        raise ConfigurationError(
            f'a SQLite transport needs a file, not {name!r}; use "memory:" for queues in memory'
        )
    if name.startswith("sqlite:"):
        raise ConfigurationError(
            "a path is wanted, not a URL; use SQLiteTransport.from_url, or give it to the queue"
        )
    if "\0" in name:
        raise ConfigurationError(f"the path {name!r} has a NUL character; no file is named so")
    return str(Path(name).absolute())


def parse_url(url: str) -> tuple[str, Synchronous]:
    """
    Return path and ``synchronous`` of a URL.

    Raises:
        ConfigurationError: No path, a host, or a parameter that is not known.
    """
    _, _, rest = url.partition(":")
    if "#" in rest:
        raise ConfigurationError(
            "a SQLite URL has no part after '#'; where it belongs to the path, write it as %23"
        )
    location, _, query = rest.partition("?")
    if location.startswith("//"):
        host, _, location = location[2:].partition("/")
        if host:
            raise ConfigurationError(
                "a SQLite URL has no host, so three slashes stand before the path: use"
                " sqlite:///jobs.db for a relative path, sqlite:////var/jobs.db for an absolute one"
            )
    try:
        path = unquote(location, errors="strict")
    except UnicodeDecodeError as exc:
        raise ConfigurationError("the path in the SQLite URL is no UTF-8 when decoded") from exc
    if path in ("", ":memory:"):
        raise ConfigurationError('the URL names no file; use "memory:" for queues in memory')
    synchronous = "NORMAL"
    given = parse_qsl(query, keep_blank_values=True)
    for name, value in given:
        if name != "synchronous" or len(given) > 1:
            shown = f"unknown parameter {name!r}" if "@" not in query else "an unknown parameter"
            raise ConfigurationError(
                f"{shown}, or one twice, in the SQLite URL; known is 'synchronous'"
            )
        synchronous = value.upper()
    return path, cast("Synchronous", synchronous)
