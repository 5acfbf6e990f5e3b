"""
The statements on one queue: constant texts, so that each connection prepares them once.

``_sqlite_store`` describes the tables.
"""

from __future__ import annotations

from typing import Final

from ._sqlite_groups import HOLDER
from ._sqlite_places import LEVELS

# Ready. A range of positions is one queue; its first and last are found at once.
TAIL: Final = "SELECT pos FROM queuekit_lanes WHERE pos BETWEEN ? AND ? ORDER BY pos DESC LIMIT 1"
HEAD: Final = "SELECT pos FROM queuekit_lanes WHERE pos BETWEEN ? AND ? ORDER BY pos LIMIT 1"
PUSH_ONE: Final = (
    "INSERT INTO queuekit_lanes (pos, body) VALUES (coalesce((SELECT pos + 1 FROM queuekit_lanes"
    " WHERE pos BETWEEN ? AND ? ORDER BY pos DESC LIMIT 1), ?), ?)"
)
PUSH: Final = "INSERT INTO queuekit_lanes (pos, body) VALUES (?, ?)"
PUT: Final = "INSERT INTO queuekit_lanes (pos, attempts, key, body) VALUES (?, ?, ?, ?)"
FIRST: Final = (
    "SELECT pos, attempts, key, body FROM queuekit_lanes WHERE pos BETWEEN ? AND ?"
    " ORDER BY pos LIMIT ?"
)
TAKE_ONE: Final = (
    "DELETE FROM queuekit_lanes WHERE pos = (SELECT pos FROM queuekit_lanes"
    " WHERE pos BETWEEN ? AND ? ORDER BY pos LIMIT 1) RETURNING attempts, key, body"
)
POP_ONE: Final = (  # who holds a group has a key; the next one has to follow
    "DELETE FROM queuekit_lanes WHERE pos = (SELECT pos FROM queuekit_lanes"
    " WHERE pos BETWEEN ? AND ? ORDER BY pos LIMIT 1) AND key IS NULL"
    " RETURNING attempts, key, body"
)
POP_UNLESS_DUE: Final = (
    "DELETE FROM queuekit_lanes WHERE pos = (SELECT pos FROM queuekit_lanes"
    " WHERE pos BETWEEN ? AND ? ORDER BY pos LIMIT 1)"
    " AND NOT EXISTS (SELECT 1 FROM queuekit_claims WHERE queue = ? AND expires BETWEEN 0 AND ?)"
    " AND NOT EXISTS (SELECT 1 FROM queuekit_delayed WHERE queue = ? AND due <= ?)"
    " RETURNING attempts, key, body"
)
TAKE: Final = "DELETE FROM queuekit_lanes WHERE pos BETWEEN ? AND ?"

# Delayed. The number tells apart what is due at the same time.
LAST_DUE: Final = (
    "SELECT seq FROM queuekit_delayed WHERE queue = ? AND due = ? ORDER BY seq DESC LIMIT 1"
)
PUT_OFF: Final = (
    "INSERT INTO queuekit_delayed (queue, due, seq, attempts, key, body) VALUES (?, ?, ?, ?, ?, ?)"
)
DUE: Final = (
    "SELECT due, seq, attempts, key, body FROM queuekit_delayed WHERE queue = ? AND due <= ?"
    " ORDER BY due, seq LIMIT ?"
)
UNDELAY: Final = "DELETE FROM queuekit_delayed WHERE queue = ? AND (due, seq) <= (?, ?)"
PURGE_DELAYED: Final = "DELETE FROM queuekit_delayed WHERE queue = ?"

# Claims. A message that is held stands at the time when its claim expires, which its receipt names;
# so a claim writes one row for each message, and its end deletes them. Where an extension has moved
# the rows to, says one row more, at -1.
HIDE_ONE: Final = (
    "INSERT INTO queuekit_claims (queue, expires, token, place, attempts, key, body)"
    " VALUES (?, ?, ?, 0, ?, ?, ?)"
)
HIDE: Final = (
    "INSERT INTO queuekit_claims (queue, expires, token, place, attempts, key, body)"
    " SELECT ?, ?, ?, pos - ?, attempts, key, body FROM queuekit_lanes WHERE pos BETWEEN ? AND ?"
)
PLACES: Final = (
    "SELECT place, key IS NOT NULL FROM queuekit_claims"
    " WHERE queue = ? AND expires = ? AND token = ? AND place BETWEEN ? AND ?"
)
COUNT: Final = (
    "SELECT count(*), count(key) FROM queuekit_claims"
    " WHERE queue = ? AND expires = ? AND token = ? AND place BETWEEN ? AND ?"
)
HOLDS: Final = (
    "SELECT 1 FROM queuekit_claims"
    " WHERE queue = ? AND expires = ? AND token = ? AND place >= 0 LIMIT 1"
)
READ: Final = (
    "SELECT place, attempts, key, body FROM queuekit_claims"
    " WHERE queue = ? AND expires = ? AND token = ? AND place BETWEEN ? AND ? ORDER BY place"
)
SETTLE: Final = (
    "DELETE FROM queuekit_claims"
    " WHERE queue = ? AND expires = ? AND token = ? AND place BETWEEN ? AND ?"
)
SETTLE_ONE: Final = (
    "DELETE FROM queuekit_claims WHERE queue = ? AND expires = ? AND token = ? AND place = ?"
)
SETTLE_PLAIN: Final = f"{SETTLE_ONE} AND key IS NULL"
EXTEND: Final = (
    "UPDATE queuekit_claims SET expires = ? WHERE queue = ? AND expires = ? AND token = ?"
)
MOVED: Final = (
    "INSERT OR REPLACE INTO queuekit_claims (queue, expires, token, place, deadline)"
    " VALUES (?, -1, ?, -1, ?)"
)
WHERE: Final = "SELECT deadline FROM queuekit_claims WHERE queue = ? AND expires = -1 AND token = ?"
FORGET: Final = "DELETE FROM queuekit_claims WHERE queue = ? AND expires = -1 AND token = ?"
EXPIRED: Final = (
    "SELECT DISTINCT expires, token FROM queuekit_claims"
    " WHERE queue = ? AND expires BETWEEN 0 AND ? ORDER BY expires, token LIMIT ?"
)

# The next deadline and the next due time, either may be NULL.
NEXT: Final = (
    "SELECT (SELECT expires FROM queuekit_claims WHERE queue = ? AND expires >= 0"
    " ORDER BY expires LIMIT 1),"
    " (SELECT due FROM queuekit_delayed WHERE queue = ? ORDER BY due LIMIT 1)"
)
# Positions of one level have no gaps: they are taken from one end only, and both ends only grow by
# one. ``:base`` is the first position of the queue, ``:queue`` its number.
_ENDS: Final = (
    "coalesce((SELECT pos FROM queuekit_lanes WHERE pos BETWEEN :base + {0} AND :base + {1}"
    " ORDER BY pos DESC LIMIT 1) - (SELECT pos FROM queuekit_lanes"
    " WHERE pos BETWEEN :base + {0} AND :base + {1} ORDER BY pos LIMIT 1) + 1, 0)"
)
READY: Final = " + ".join(_ENDS.format(*each) for each in LEVELS.values())
WAITING: Final = f"(SELECT count(*) FROM queuekit_groups WHERE queue = :queue AND seq > {HOLDER})"
DELAYED: Final = "(SELECT count(*) FROM queuekit_delayed WHERE queue = :queue)"
STATS: Final = (
    f"SELECT {READY} + {WAITING}, {DELAYED},"
    " (SELECT count(*) FROM queuekit_claims WHERE queue = :queue AND expires >= 0)"
)
