"""The keys that a queue remembers for a time: those of pushes, and those of handlers. Pure."""

from __future__ import annotations


class Marks:
    """Keys with values; ``now`` is an argument."""

    __slots__ = ("_most", "_values")

    def __init__(self) -> None:
        self._values: dict[str, tuple[float, str]] = {}  # with their ends; some have passed
        self._most = 64

    def get(self, key: str, now: float) -> str | None:
        """Return the value of *key*, None if there is none any more."""
        end, value = self._values.get(key, (now, ""))
        return value if end > now else None

    def set(self, key: str, value: str, *, now: float, window: float) -> None:
        """Remember *value*, whatever was there; the same again changes nothing."""
        if len(self._values) >= self._most:  # most of them have ended, perhaps
            young = {one: mark for one, mark in self._values.items() if mark[0] > now}
            self._values, self._most = young, 2 * len(young) + 64
        self._values[key] = now + window, value

    def drop(self, key: str, now: float) -> bool:
        """Forget *key*; tell whether it was there."""
        return self._values.pop(key, (now, ""))[0] > now
