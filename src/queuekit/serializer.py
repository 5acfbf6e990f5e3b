"""What turns bodies into bytes: anything with ``dumps`` and ``loads``, modules included."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

from typing_extensions import TypeVar

T = TypeVar("T", default=Any)


@runtime_checkable
class Serializer(Protocol[T]):
    """
    Two functions that undo each other.

    Positional-only, so that the modules ``json``, ``pickle`` and ``marshal`` fit as they are.
    """

    def dumps(self, obj: T, /) -> str | bytes:
        """Return *obj* as bytes, or as text that is stored as UTF-8; raise what you like."""
        ...

    def loads(self, data: bytes, /) -> T:
        """Return the object that ``dumps`` was given; raise what you like for other bytes."""
        ...
