"""How many forks lie between this process and the first that ran it; cheaper to read than a pid."""

from __future__ import annotations

import os


class Forks:
    """Counts them; an object made under another count belongs to a parent."""

    count = 0

    def one_more(self) -> None:
        """Count one, in the child."""
        self.count += 1


FORKS = Forks()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=FORKS.one_more)
