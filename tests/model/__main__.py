"""Search from the command line: ``python -m tests.model [small|full|mutants] [scenario ...]``."""

from __future__ import annotations

import sys
import time

from .mutants import MUTANTS
from .scenarios import FULL, SMALL
from .search import Search


def main(arguments: list[str]) -> int:
    """Search, print what was found, and return how much of it should not be."""
    what, *names = arguments or ["small"]
    if what not in {"small", "full", "mutants"}:
        print(__doc__)
        return 2
    begin = time.monotonic()
    states = wrong = 0
    if what == "mutants":
        for name, mutant in MUTANTS.items():
            for where in mutant.where.split():
                found = Search(SMALL[where], *mutant.rules()).run(seconds=60)
                wrong += not found.broken
                print(
                    f"{name}: {mutant.what}\n  {where}, {len(found.trace)} steps, {found}",
                    flush=True,
                )
    else:
        scenarios = FULL if what == "full" else SMALL
        for name in names or scenarios:
            found = Search(scenarios[name]).run(states=8_000_000, seconds=300)
            states += found.states
            wrong += bool(found.broken)
            note = "" if found.complete or found.broken else " (not complete)"
            print(f"{name:13} {found}{note}", flush=True)
        print(f"{'all':13} {states:,} states")
    print(f"{time.monotonic() - begin:.0f} s, wrong: {wrong}")
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
