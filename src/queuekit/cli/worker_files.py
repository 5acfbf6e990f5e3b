"""``--reload``: which files an application is made of, and whether one has changed."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from sysconfig import get_paths
from types import TracebackType
from typing import Final

_UNSEEN: Final = -1
"""No time of change."""


class Watch:
    """Files by their times of change."""

    def __init__(self) -> None:
        self._times: dict[str, int] = {}

    def add(self, files: Iterable[str], since: int) -> None:
        """
        Watch more files; of those known already nothing is forgotten.

        What was changed after *since* (nanoseconds since 1970), when the process that read them was
        started, counts as changed: it may have read what was there before.
        """
        for file in files:
            if file not in self._times:
                time = _changed_at(file)
                self._times[file] = _UNSEEN if time > since else time

    def changed(self) -> list[str]:
        """Return the files that are not what they were at the last look."""
        times = {file: _changed_at(file) for file in self._times}
        found = [file for file, time in self._times.items() if time != times[file]]
        self._times = times
        return found


def own_files(failed: BaseException | None = None) -> list[str]:
    """Return the files of the modules imported here that are no library's, or failed to be."""
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    if failed is not None:
        files.update(_files_of(failed))
    homes = tuple(get_paths()[key] for key in ("stdlib", "platstdlib", "purelib", "platlib"))
    homes += (str(Path(__file__).resolve().parent.parent),)
    return sorted(file for file in files if file and file[0] != "<" and not file.startswith(homes))


def _files_of(failed: BaseException) -> Iterator[str]:
    """Yield the files in which an error came up: a module that failed is imported no more."""
    exc: BaseException | None = failed
    for _ in range(100):  # a chain may be a ring
        if exc is None:
            return
        if isinstance(exc, SyntaxError) and exc.filename:
            yield exc.filename
        traceback: TracebackType | None = exc.__traceback__
        while traceback is not None:
            yield traceback.tb_frame.f_code.co_filename
            traceback = traceback.tb_next
        exc = exc.__cause__ or exc.__context__


def _changed_at(file: str) -> int:
    try:
        return Path(file).stat().st_mtime_ns
    except OSError:  # gone: an editor may put the new one in its place in a moment
        return 0
