"""
The transitions of a queue that keeps places: levels, groups, keys and bounds.

As in ``server.py`` each does what the script of its name does, here those in ``scripts/placed``.
"""

from __future__ import annotations

from collections.abc import Iterable

from . import server
from .server import BUDGET, DUE_WINDOW, WINDOW
from .store import HEAD, NEW, NEXT, SIGN, TAIL, WAKE, Entry, Reply, Server, Wanted, live, place_of

LEVELS = (3, 2, 1, 0, -1, -2, -3)


def claim_placed(s: Server, token: str, lease: int, limit: int) -> Reply:
    """Hide the first ready messages, the highest level first."""
    if token in s.claims:
        s.renew(token, lease)
        return "AGAIN", live(s.claims[token]), len(s.claims[token])
    if token in s.marks:
        return ("SPENT",)
    if expired := s.expired()[:WINDOW]:
        return "DUE", tuple(expired)
    promote_placed(s, DUE_WINDOW)
    taken = take(s, limit)
    keep_signs(s)
    if not taken:
        events = [*s.leases.values(), *(at for at, _, _ in s.delayed)]
        return "EMPTY", min(events) - s.now if events else None
    _check_order(s, taken)
    note_holders(s, taken, "R", "C")
    s.make(token, taken)
    s.leases[token] = s.now + lease
    return "GOT", live(taken), len(taken)


def recover_placed(s: Server, tokens: tuple[str, ...], budget: int = BUDGET) -> Reply:
    """Make the live messages of expired claims ready, at the heads of their levels."""
    reply = server.recover(s, tokens, budget, push=push_heads)
    keep_signs(s)
    return reply


def settle_placed(
    s: Server,
    token: str,
    verb: str,
    again: bool,
    spend: bool,
    delay: int,
    before: int,
    size: int,
    wanted: Wanted,
) -> Reply:
    """End messages of one claim; what is over lets the next of its group follow."""
    rest = (again, spend, delay, before, size, wanted)
    return server.settle(s, token, verb, *rest, carry=carry)


def giveback_placed(s: Server, token: str) -> Reply:
    """Undo a claim, uncounted."""
    reply = server.giveback(s, token, push=push_heads)
    keep_signs(s)
    return reply


def put_placed(
    s: Server,
    lane: str,
    number: int,
    delay: int,
    before: int,
    messages: tuple[str, ...],
    key: str = "",
    token: str = "",
    most: int = 0,
) -> Reply:
    """Store messages, unless they were, another put has the key, or there is no room."""
    if s.lanes.get(lane, 0) >= number:
        return "STORED", 0
    if key and key in s.keys:
        return ("STORED", 0) if s.keys[key] == token else ("KNOWN", s.keys[key])
    count = len(s.delayed) + sum(1 for _ in ready(s))
    if most and count + len(messages) > most:
        return "FULL", count
    return store(s, lane, number, delay, before, messages, key, token)


def store(
    s: Server,
    lane: str,
    number: int,
    delay: int,
    before: int,
    messages: tuple[str, ...],
    key: str,
    token: str,
) -> Reply:
    """Store messages, whatever is there."""
    for message in messages:
        if message in s.put:
            s.blame(f"{message} was put twice")
        s.put.append(message)
    s.lanes[lane] = number
    if key:
        if s.keys.get(key, token) != token:
            s.blame(f"the key {key} of {s.keys[key]} is now of {token}")
        s.keys[key] = token
    if delay:
        dues = enumerate(messages, before)
        s.delayed += [(s.now + delay, n, Entry(message, 0, TAIL)) for n, message in dues]
        if any(place_of(message) != (0, "") for message in messages):
            put_sign(s)
    else:
        push_tails(s, admit(s, [Entry(message) for message in messages]))
    keep_signs(s)
    return "STORED", 1


def promote_placed(s: Server, limit: int) -> Reply:
    """Make what is due ready, or let it wait for its group."""
    s.delayed.sort()
    due_now = [each for each in s.delayed if each[0] <= s.now][:limit]
    del s.delayed[: len(due_now)]
    push_tails(s, admit(s, [entry._replace(origin=TAIL) for _, _, entry in due_now], "D"))
    keep_signs(s)
    return "PROMOTED", len(due_now)


def pop_placed(s: Server, limit: int) -> Reply:
    """Remove the first ready messages; the next of their groups follow."""
    popped: list[Entry] = []
    while taken := take(s, limit - len(popped)):
        follow(s, taken, "R")
        popped += taken
    keep_signs(s)
    s.gone.update(entry.message for entry in popped)
    return "POPPED", tuple(entry.message for entry in popped)


def peek_placed(s: Server, limit: int) -> Reply:
    """Look at the first ready messages."""
    return "SEEN", tuple(entry.message for entry in ready(s, waiting=False))[:limit]


def purge_placed(s: Server) -> Reply:
    """Forget what is ready or delayed; groups stay with what is claimed."""
    gone = [entry.message for entry in [*ready(s), *(each[2] for each in s.delayed)]]
    s.gone.update(gone)
    s.queue, s.landing, s.delayed, s.levels, s.waiting = [], [], [], {}, {}
    s.busy = {group: holder for group, holder in s.busy.items() if holder[1] == "C"}
    keep_signs(s)
    return "PURGED", len(gone)


def stats_placed(s: Server, tokens: tuple[str, ...]) -> Reply:
    """Count as ``stats`` does; who waits for a group is ready."""
    reply = server.stats(s, tokens)
    others = tuple(each for each in reply[4] if each != SIGN)
    return "COUNTED", sum(1 for _ in ready(s)), *reply[2:4], others


def in_turn(s: Server) -> list[list[Entry]]:
    """Return the lists in the order in which they are emptied."""
    lists = [s.levels.setdefault(level, []) if level else s.queue for level in LEVELS]
    lists.insert(3, s.landing)
    return lists


def ready(s: Server, waiting: bool = True) -> Iterable[Entry]:
    """Yield what is ready, in turn, then what waits for its group."""
    lists = in_turn(s) + (list(s.waiting.values()) if waiting else [])
    return (entry for each in lists for entry in each if entry != WAKE)


def take(s: Server, limit: int) -> list[Entry]:
    """Remove the first messages, and what is none on the way to them."""
    taken: list[Entry] = []
    for each in in_turn(s):
        while each and len(taken) < limit:
            entry = each.pop(0)
            taken += [entry] * (entry != WAKE)
    return taken


def put_sign(s: Server) -> None:
    """Say that the queue keeps places."""
    s.is_placed = True
    if s.landing[:1] != [WAKE]:
        s.landing.insert(0, WAKE)


def keep_signs(s: Server) -> None:
    """See that the sign stands, and that who waits finds something."""
    if not s.is_placed:
        return
    put_sign(s)
    if not s.queue and any(s.levels.values()):
        s.queue.append(WAKE)


def admit(s: Server, entries: list[Entry], state: str = "") -> list[Entry]:
    """Return what is ready now, of what comes from *state*; the others wait for their groups."""
    admitted: list[Entry] = []
    for entry in entries:
        level, group = place_of(entry.message)
        if level or group:
            put_sign(s)
        if s.busy.get(group, (entry.message, state)) != (entry.message, state):
            s.waiting.setdefault(group, []).append(entry)
            continue
        if group:
            s.busy[group] = entry.message, "R"
        admitted.append(entry)
    return admitted


def list_of(s: Server, entry: Entry) -> list[Entry]:
    """Return the list whose tail a message goes to."""
    level, _ = place_of(entry.message)
    return s.levels.setdefault(level, []) if level else s.queue


def push_tails(s: Server, entries: Iterable[Entry]) -> None:
    """Put admitted messages to the tails of their levels."""
    for entry in entries:
        list_of(s, entry).append(entry)


def push_heads(s: Server, entries: list[Entry]) -> None:
    """Admit messages, and put them to the heads of their levels."""
    entries = [entry._replace(origin=HEAD) for entry in admit(s, entries, "C")]
    if usual := [entry for entry in entries if not place_of(entry.message)[0]]:
        s.push_front(usual)
    for entry in reversed(entries):
        if entry not in usual:
            list_of(s, entry).insert(0, entry)


def note_holders(s: Server, entries: Iterable[Entry], state: str, after: str) -> None:
    """Note of those that hold their groups that they go from one state to another."""
    for entry in entries:
        _, group = place_of(entry.message)
        if s.busy.get(group) == (entry.message, state):
            s.busy[group] = entry.message, after


def follow(s: Server, entries: Iterable[Entry], state: str) -> None:
    """Let the next of each group follow whose holder was in *state*, and is over."""
    for entry in entries:
        _, group = place_of(entry.message)
        if s.busy.get(group) != (entry.message, state):
            continue
        del s.busy[group]
        if s.waiting.get(group):
            following = s.waiting[group].pop(0)
            s.busy[group] = following.message, "R"
            list_of(s, following).append(
                following._replace(origin=NEXT if following.origin == NEW else TAIL)
            )


def carry(s: Server, verb: str, moved: list[Entry], delay: int, before: int) -> None:
    """Bring settled entries to where their verb sends them."""
    if verb == "D":
        s.dead += [entry.message for entry in moved]
    if verb in {"A", "D"}:
        follow(s, moved, "C")
    if verb == "F":
        moved = [entry._replace(attempts=entry.attempts + 1) for entry in moved]
        for entry in moved:
            s.count(entry.message)
    if verb in {"F", "R"}:
        if delay:
            for n, entry in enumerate(moved, before):
                s.delayed.append((s.now + delay, n, entry._replace(origin=TAIL)))
            note_holders(s, moved, "C", "D")
        elif verb == "F":
            push_tails(s, admit(s, [entry._replace(origin=TAIL) for entry in moved], "C"))
        else:
            push_heads(s, moved)
    keep_signs(s)


SCRIPTS = {
    **server.SCRIPTS,
    **{
        each.__name__: each
        for each in (
            claim_placed, recover_placed, settle_placed, giveback_placed, put_placed,
            promote_placed, pop_placed, peek_placed, purge_placed, stats_placed,
        )
    },
}  # fmt: skip


def _check_order(s: Server, taken: list[Entry]) -> None:
    """Blame a claim of a message while one of a higher level, or an older one, stays."""
    left = list(ready(s, waiting=False))
    lowest = min(place_of(entry.message)[0] for entry in taken)
    if any(place_of(entry.message)[0] > lowest for entry in left):
        s.blame(f"{[entry.message for entry in taken]} were claimed before {left}")
    left += [entry for each in s.waiting.values() for entry in each]
    for entry in taken:
        level, group = place_of(entry.message)
        for other in left:
            both_new = {entry.origin, other.origin} <= {NEW, NEXT}
            is_older = s.put.index(other.message) < s.put.index(entry.message)
            _, its_group = place_of(other.message)
            if both_new and is_older and group and group == its_group:
                s.blame(f"{entry.message} was claimed before {other.message} of its group")
            same = entry.origin == other.origin == NEW and not group and not its_group
            if same and is_older and level == place_of(other.message)[0]:
                s.blame(f"{entry.message} was claimed before {other.message} of its level")
