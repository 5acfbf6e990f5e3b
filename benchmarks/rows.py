"""Rows compared with rows: ratios, and whether a goal is reached."""

from __future__ import annotations

from cases import BULK_OF, LESS_IS_BETTER, Goal
from measuring import Row, paired_ratio


class Rows:
    """The rows of a run, found by what they are about."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows = rows
        self._by = {(r.store, r.cores, r.bytes, r.operation, r.subject): r for r in rows}

    def find(self, like: Row, subject: str) -> Row | None:
        """Return the row of another subject that is otherwise the same."""
        return self._by.get((like.store, like.cores, like.bytes, like.operation, subject))

    def best(self, like: Row, subject: str) -> Row | None:
        """Return that, or the subject's next best way to the same end."""
        row: Row | None = like
        while row is not None:
            if found := self.find(row, subject):
                return found
            row = (
                row._replace(operation=BULK_OF[row.operation]) if row.operation in BULK_OF else None
            )
        return None

    def ratio(self, row: Row, subject: str) -> float | None:
        """Return the row in units of a subject's: by rounds where both were in the same rounds."""
        other = self.best(row, subject)
        if other is None:
            return None
        if other.operation == row.operation and len(other.values) == len(row.values):
            return paired_ratio(row.values, other.values)
        return row.median / other.median

    def of(self, store: str, operation: str, subject: str) -> Row | None:
        """Return a row of the goals' setting: one core, bodies of 100 bytes."""
        size = 20 if operation.endswith("wake") else 100
        return self._by.get((store, "same", size, operation, subject))

    def goal(self, goal: Goal, subject: str) -> float | None:
        """Return what was measured of a goal, were it that of *subject*."""
        row = self.of(goal.store, goal.operation, subject)
        if row is None:
            return None
        return self.ratio(row, goal.against) if goal.against else row.median


def is_reached(goal: Goal, found: float) -> bool:
    """Say whether a figure is good enough."""
    return found <= goal.least if goal.operation in LESS_IS_BETTER else found >= goal.least
