"""An exception at the n-th point of a call where CPython could deliver a signal."""

from __future__ import annotations

import dis
import os
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import queuekit

HOME = str(Path(queuekit.__file__).parent) + os.sep


class Interruption(BaseException):
    """What a signal handler raises."""


class _Points:
    """
    Counts the points in the frames of queuekit, and runs a handler at one of them.

    CPython looks for signals, and for exceptions that other threads have set, where a function
    begins, after a jump backward, and after each call into C; nowhere else. (Raising before each
    opcode would also hit the steps between a lock and its ``with``, where nothing can come in.)
    """

    def __init__(self, at: int, handler: Callable[[], Any]) -> None:
        self.left = at
        self.handler = handler
        self.where = ""
        self._last: dict[FrameType, str] = {}

    def begin(self, frame: FrameType, event: str, arg: object) -> Any:
        """Take note of a frame that begins."""
        back = frame.f_back
        if back in self._last and frame.f_code.co_name != "__init__":
            self._last[back] = ""  # a call of Python returns without a look
        if not frame.f_code.co_filename.startswith(HOME) or _is_finalizer(frame):
            return None
        frame.f_trace_opcodes = True
        self._last[frame] = "RESUME"
        return self.step

    def step(self, frame: FrameType, event: str, arg: object) -> Any:
        """Look at the next opcode of a frame of ours."""
        if event != "opcode":
            return self.step
        name = dis.opname[frame.f_code.co_code[frame.f_lasti]]
        last, self._last[frame] = self._last.get(frame, ""), name
        looks = last == "RESUME" or "BACKWARD" in last or _calls(last)
        if looks and not (last == "PRECALL" and name == "CALL"):
            self.left -= 1
            if not self.left:
                code = frame.f_code
                self.where = f"{code.co_filename}:{frame.f_lineno} in {code.co_name}, after {last}"
                self.handler()
        return self.step

    def forget(self) -> None:
        """Let go of the frames, and of the connections in them."""
        self._last.clear()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Watch this thread; Python 3.11 traces it, later ones do not trace a first call whole."""
        if sys.version_info < (3, 12):
            before = sys.gettrace()
            sys.settrace(self.begin)
            try:
                yield
            finally:
                sys.settrace(before)
            return
        me, events = threading.get_ident(), sys.monitoring.events

        def start(code: CodeType, offset: int) -> None:
            if threading.get_ident() == me:
                self.begin(sys._getframe(1), "call", None)

        def instruction(code: CodeType, offset: int) -> Any:
            frame = sys._getframe(1)
            if frame in self._last and threading.get_ident() == me:
                self.step(frame, "opcode", None)

        tool = sys.monitoring.DEBUGGER_ID
        sys.monitoring.use_tool_id(tool, "interruption")
        sys.monitoring.register_callback(tool, events.PY_START, start)
        sys.monitoring.register_callback(tool, events.INSTRUCTION, instruction)
        sys.monitoring.set_events(tool, events.PY_START | events.INSTRUCTION)
        try:
            yield
        finally:
            sys.monitoring.set_events(tool, 0)
            sys.monitoring.free_tool_id(tool)


def _is_finalizer(frame: FrameType | None) -> bool:
    """Tell whether an exception in *frame* would reach nobody."""
    while frame is not None and frame.f_code.co_name != "__del__":
        frame = frame.f_back
    return frame is not None


def _calls(name: str) -> bool:
    return name in ("PRECALL", "CALL", "CALL_KW", "CALL_FUNCTION_EX")


def _raise() -> None:
    raise Interruption


def interrupted(
    at: int, call: Callable[[], Any], handler: Callable[[], Any] = _raise
) -> tuple[Any, str]:
    """Run *call*, a handler at its n-th point; return what it returned, and where that was."""
    points = _Points(at, handler)
    try:
        try:
            with points.watched():
                found = call()
        finally:
            points.forget()
    except Interruption:
        return None, points.where
    if handler is _raise:
        assert not points.where, f"the interruption at {points.where} was swallowed"
    return found, points.where


def everywhere(
    call: Callable[[], Any], *, least: int, handler: Callable[[], Any] = _raise
) -> Iterator[tuple[Any, str]]:
    """Run *call* again and again, interrupted at one point after the other, until it ends."""
    for at in range(1, 5000):
        found, where = interrupted(at, call, handler)
        yield found, where
        if not where:
            assert at > least, f"only {at - 1} points were found"
            return
    raise AssertionError("the call has no end")


def in_another_thread(call: Callable[[], Any]) -> Any:
    """Return what *call* returns in another thread; a lock that was left locked fails the test."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(call()), daemon=True)
    thread.start()
    thread.join(60)
    assert found, "another thread waits for what the interrupted call left behind"
    return found[0]
