"""What ``--reload`` takes for a change."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from queuekit.cli.worker_files import Watch


@pytest.fixture
def words(tmp_path: Path) -> Path:
    """A file that was written a minute ago."""
    file = tmp_path / "words.py"
    written(file, time.time_ns() - 60_000_000_000)
    return file


def written(file: Path, at: int) -> None:
    file.write_text(f"words = {at}")
    os.utime(file, ns=(at, at))


def test_a_change_is_told_once(words: Path) -> None:
    watch = Watch()
    watch.add([str(words)], time.time_ns())
    assert [] == watch.changed()
    written(words, time.time_ns())
    watch.add([str(words)], time.time_ns())
    assert [str(words)] == watch.changed()
    assert [] == watch.changed()


def test_a_change_before_the_first_look_is_told_too(words: Path) -> None:
    """The process may have read the file before: it says what it reads when it has read it."""
    started = time.time_ns() - 1_000_000_000
    written(words, started + 500_000_000)
    watch = Watch()
    watch.add([str(words)], started)
    assert [str(words)] == watch.changed()
    assert [] == watch.changed()


def test_a_file_that_goes_and_comes_is_changed_twice(words: Path) -> None:
    watch = Watch()
    watch.add([str(words)], time.time_ns())
    words.unlink()
    assert [str(words)] == watch.changed()
    words.write_text("words = 1")
    assert [str(words)] == watch.changed()
    assert [] == watch.changed()
