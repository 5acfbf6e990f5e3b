"""The threads of a worker, looked at while they end."""

from __future__ import annotations

from typing import Any

from queuekit._crew import Crew


def test_a_thread_that_ends_while_they_are_counted_does_no_harm() -> None:
    """It takes itself out of what is being walked through: `run` ended with a RuntimeError."""
    crew: Crew[str] = Crew()

    class Ending:
        def is_alive(self) -> bool:
            crew._threads.pop("b", None)
            return False

    threads: dict[str, Any] = {"a": Ending(), "b": Ending(), "c": Ending()}
    crew._threads = threads
    assert [] == crew.left()
