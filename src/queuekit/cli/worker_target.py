"""From ``pkg.module:handler`` to the object; nothing else is imported but its packages."""

from __future__ import annotations

import os
import pkgutil
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, TracebackType

from ..errors import ConfigurationError, QueueKitError


class BrokenModule(QueueKitError):
    """A module was found and raised when it was imported; what it raised is the cause."""


def load(target: str) -> object:
    """
    Import the module that *target* names, and return what it calls its handler.

    Raises:
        ConfigurationError: There is no such module, or it has no such attribute.
        BrokenModule: The module raised.
    """
    name, colon, attribute = target.partition(":")
    if not (colon and attribute and all(part.isidentifier() for part in name.split("."))):
        hint = name.removesuffix(".py").replace(os.sep, ".").strip(".") or "pkg.module"
        raise ConfigurationError(
            f"{target!r} names no handler: write it as {hint}:{attribute or 'function'}"
        )
    here = str(Path.cwd())
    if "" not in sys.path and here not in sys.path and not sys.flags.safe_path:
        sys.path.insert(0, here)
    found: object = _import(name)
    walked = name
    for part in attribute.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            near = _near(part, _offered(found))
            raise ConfigurationError(f"{walked} has no {part!r}{near}") from None
        walked += f"{'.' if ':' in walked else ':'}{part}"
    return found


def _import(name: str) -> ModuleType:
    """Import package by package, so that what is missing can be told from what is broken."""
    parts = name.split(".")
    module: ModuleType | None = None
    for count in range(1, len(parts) + 1):
        part, parent = parts[count - 1], ".".join(parts[: count - 1])
        if module is not None and not hasattr(module, "__path__"):
            raise ConfigurationError(
                f"{parent} is a module, not a package: it has no {part!r} in it"
            )
        try:
            there = find_spec(".".join(parts[:count])) is not None
        except ValueError:  # such as __main__, which nobody can import
            there = False
        if not there:
            places = None if module is None else list(module.__path__)
            near = _near(part, (one.name for one in pkgutil.iter_modules(places)))
            where = parent or f"{Path.cwd()} or elsewhere on the path of Python"
            raise ConfigurationError(f"no module {part!r} in {where}{near}")
        module = _run(".".join(parts[:count]))
    assert module is not None
    return module


def _run(name: str) -> ModuleType:
    try:
        return import_module(name)
    except (Exception, SystemExit) as exc:
        exc.__traceback__ = _theirs(exc.__traceback__)
        raise BrokenModule(f"importing {name} failed: {type(exc).__name__}: {exc}") from exc


def _theirs(traceback: TracebackType | None) -> TracebackType | None:
    """Leave out our frames and those of the import: what is left is the module's own."""
    while traceback is not None:
        file = traceback.tb_frame.f_code.co_filename
        if file != __file__ and "importlib" not in file:
            return traceback
        traceback = traceback.tb_next
    return None


def _offered(found: object) -> list[str]:
    return [n for n in dir(found) if not n.startswith("_") and callable(getattr(found, n, None))]


def _near(wanted: str, names: Iterable[str]) -> str:
    close = get_close_matches(wanted, sorted(set(names)), 3, 0.7)
    return f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
