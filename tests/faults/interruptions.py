"""
Interrupts a call at every place where CPython lets an exception in, one place after the other.

A signal handler, or ``PyThreadState_SetAsyncExc``, raises between two instructions: at the entry of
a function, after a backward jump, and after a call of something that is no Python function
(``CHECK_EVAL_BREAKER`` in CPython's ``bytecodes.c``). A trace function raises at exactly these.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterator
from types import CodeType, FrameType
from typing import Any

_CALLS = ("CALL", "CALL_FUNCTION_EX", "CALL_KW", "CALL_INTRINSIC_1")
_JUMPS = ("JUMP_BACKWARD", "SEND", "YIELD_VALUE")


class Interruption(BaseException):
    """What a signal handler raised."""


class _Tracer:
    def __init__(self, place: int, within: str) -> None:
        self._left = place
        self._within = within
        self._before: dict[FrameType, str] = {}
        self.where = ""

    def __call__(self, frame: FrameType, event: str, arg: object) -> Any:
        if self.where or self._within not in frame.f_code.co_filename:
            return None
        frame.f_trace = self  # first: Python 3.13 looks at it when opcodes are asked for
        frame.f_trace_opcodes = True
        frame.f_trace_lines = False
        if event == "call":
            if frame.f_back in self._before:
                self._before[frame.f_back] = ""  # it called a Python function: nothing comes in
            self._maybe_raise(frame)
            self._before[frame] = ""
        elif event == "opcode":
            before = self._before.get(frame, "")
            self._before[frame] = _names(frame.f_code).get(frame.f_lasti, "")
            if before in _CALLS or before in _JUMPS:
                self._maybe_raise(frame)
        return self

    def _maybe_raise(self, frame: FrameType) -> None:
        self._left -= 1
        if self._left < 0:
            self.where = f"{frame.f_code.co_qualname}:{frame.f_lineno}"
            raise Interruption(self.where)


_known: dict[CodeType, dict[int, str]] = {}


def _names(code: CodeType) -> dict[int, str]:
    if code not in _known:
        _known[code] = {each.offset: each.opname for each in dis.get_instructions(code)}
    return _known[code]


def at_every_place(
    call: Callable[[], object], *, within: str = "queuekit", limit: int = 5000
) -> Iterator[str]:
    """
    Run *call* again and again, interrupted at its first place, its second and so on.

    Yields where it was, after each; ends when *call* comes to its end. Its places within Python
    files whose path contains *within* count.
    """
    for place in range(limit):
        tracer = _Tracer(place, within)
        before = sys.gettrace()
        sys.settrace(tracer)
        try:
            call()
        except Interruption:
            sys.settrace(before)
            yield tracer.where
        else:
            sys.settrace(before)
            assert not tracer.where, f"the interruption at {tracer.where} was swallowed"
            return
        finally:
            sys.settrace(before)
    raise AssertionError(f"the call has more than {limit} places")
