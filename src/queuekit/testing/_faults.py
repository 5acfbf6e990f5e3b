"""The list of failures that a flaky transport still has to deliver. Pure."""

from __future__ import annotations

from collections import deque
from typing import Final, NamedTuple

from ..errors import ConfigurationError, TransportUnavailable
from ..transport import Transport

METHODS: Final = frozenset(name for name in dir(Transport) if not name.startswith("_"))


class _Fault(NamedTuple):
    error: BaseException
    after: bool


class Faults:
    """Fail calls on request: what both colours of the flaky transport share."""

    def __init__(self) -> None:
        self._faults: dict[str, deque[_Fault]] = {}
        self.calls: list[str] = []
        """The names of the methods that were called, in order, failed calls included."""

    def fail_next(
        self,
        method: str,
        times: int = 1,
        *,
        error: BaseException | None = None,
        after: bool = False,
    ) -> None:
        """
        Let the next *times* calls of *method* raise *error*.

        Before the store was asked; or, with *after*, once it has done its work: the reply is lost.
        Further requests queue up. Without *error* it is ``TransportUnavailable``. Closing is
        called ``"close"`` in both colours.
        """
        if method not in METHODS:
            raise ConfigurationError(f"a transport has no method {method!r}")
        fault = _Fault(error or TransportUnavailable(f"{method} fails in this test"), after)
        self._faults.setdefault(method, deque()).extend([fault] * times)

    @property
    def pending(self) -> int:
        """How many requested failures have not happened yet."""
        return sum(map(len, self._faults.values()))

    def _begin(self, method: str) -> BaseException | None:
        """Raise what fails before the call, and return what fails after it."""
        self.calls.append(method)
        waiting = self._faults.get(method)
        if not waiting:
            return None
        fault = waiting.popleft()
        if fault.after:
            return fault.error
        raise fault.error

    def _end(self, error: BaseException | None) -> None:
        if error is not None:
            raise error
