"""How many forks lie between this process and the first that ran it; cheaper to read than a pid."""

from __future__ import annotations

import os

count = 0
"""An object made under another count belongs to a parent."""


def _child() -> None:
    global count  # noqa: PLW0603 - read in every call, and an attribute is the cheapest
    count += 1


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_child)
