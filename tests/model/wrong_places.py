"""What the mutants of ``places.py`` run: mostly the true transition, and something off."""

from __future__ import annotations

from typing import Any

from . import places as true
from . import server
from .server import Script
from .store import WAKE, Entry, Reply, Server, live, place_of


def without_follow(script: Script) -> Script:
    """Let who waits for a group wait on when its holder is over."""

    def wrapped(s: Server, *arguments: Any) -> Reply:
        waiting, s.waiting = s.waiting, {}
        busy = dict(s.busy)
        reply = script(s, *arguments)
        s.waiting, s.busy = waiting, busy
        return reply

    return wrapped


def freeing(script: Script) -> Script:
    """Let what comes back give up its group, for others to take."""

    def wrapped(s: Server, *arguments: Any) -> Reply:
        busy = dict(s.busy)
        reply = script(s, *arguments)
        for group, (holder, state) in busy.items():
            if state == "C" and s.busy.get(group) == (holder, "R"):
                del s.busy[group]
        return reply

    return wrapped


def put_bound_first(s: Server, lane: str, number: int, *rest: Any) -> Reply:
    """Ask for room before the key."""
    _, _, messages, _, _, most = rest
    count = len(s.delayed) + sum(1 for _ in true.ready(s))
    if s.lanes.get(lane, 0) < number and most and count + len(messages) > most:
        return "FULL", count
    return true.put_placed(s, lane, number, *rest)


def put_key_first(s: Server, lane: str, number: int, *rest: Any) -> Reply:
    """Do not know an own key again, and ask for it before the lane."""
    key = rest[3]
    if key in s.keys:
        return "KNOWN", s.keys[key]
    return true.put_placed(s, lane, number, *rest)


def put_unkeyed(s: Server, *arguments: Any) -> Reply:
    """Look at no key, and store each."""
    return true.store(s, *arguments[:-1])


def put_unbusy(s: Server, *arguments: Any) -> Reply:
    """Let everything be ready at once."""
    s.busy = {}
    return true.put_placed(s, *arguments)


def claim_unsigned(s: Server, *arguments: Any) -> Reply:
    """Serve a queue that keeps places as if it kept none."""
    is_placed, s.is_placed = s.is_placed, False
    landing, s.landing = s.landing, [entry for entry in s.landing if entry != WAKE]
    queue, s.queue = s.queue, [entry for entry in s.queue if entry != WAKE]
    reply = server.claim(s, *arguments)
    if reply[0] != "GOT":
        s.landing, s.queue = landing, queue
    s.is_placed = is_placed
    return reply


def claim_dropping(s: Server, *arguments: Any) -> Reply:
    """Remove the sign when nothing is ready."""
    reply = true.claim_placed(s, *arguments)
    if reply[0] == "EMPTY":
        s.is_placed, s.landing = False, []
    return reply


def due_is_new(script: Script) -> Script:
    """Let who comes back by its time wait for its group, though it holds that."""

    def wrapped(s: Server, *arguments: Any) -> Reply:
        for each in list(s.delayed):
            at, _, entry = each
            _, group = place_of(entry.message)
            if at <= s.now and s.busy.get(group, ("", ""))[0] == entry.message:
                s.delayed.remove(each)
                s.waiting.setdefault(group, []).append(entry)
        return script(s, *arguments)

    return wrapped


def purge_all_groups(s: Server) -> Reply:
    """Free the groups of what is claimed, too."""
    reply = true.purge_placed(s)
    s.busy = {}
    return reply


def purge_no_groups(s: Server) -> Reply:
    """Leave groups to messages that are gone."""
    busy = dict(s.busy)
    reply = true.purge_placed(s)
    s.busy = busy
    return reply


def settle_unnoted(s: Server, *arguments: Any) -> Reply:
    """Do not note that what is delayed is claimed no more."""
    busy = dict(s.busy)
    reply = true.settle_placed(s, *arguments)
    for group, (holder, state) in busy.items():
        delayed = any(entry.message == holder for _, _, entry in s.delayed)
        if delayed and state == "C":
            s.busy[group] = holder, state
    return reply


def claim_lowest(s: Server, token: str, lease: int, limit: int) -> Reply:
    """Take the usual level first."""
    usual, apart = [entry for entry in s.queue if entry != WAKE], dict(s.levels)
    fresh = token not in s.claims and token not in s.marks and not s.expired()
    if not fresh or not usual or not any(apart.values()):
        return true.claim_placed(s, token, lease, limit)
    taken: list[Entry] = usual[:limit]
    s.queue = usual[limit:]
    true._check_order(s, taken)
    true.note_holders(s, taken, "R", "C")
    s.make(token, taken)
    s.leases[token] = s.now + lease
    true.keep_signs(s)
    return "GOT", live(taken), len(taken)
