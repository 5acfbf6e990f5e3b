"""
The transitions of the store: one function per script.

Each does in one step what the script of its name does, with the same arguments and answers;
``test_scripts_match.py`` compares them. What a script does only for speed, or so that a full server
can be drained, is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from .store import NEW, SIGN, TAIL, WAKE, Command, Entry, Reply, Server, Store, Wanted, live

Carry: TypeAlias = Callable[[Server, str, list[Entry], int, int], None]
Push: TypeAlias = Callable[[Server, list[Entry]], None]

WINDOW = 10
"""Expired claims that one answer of ``claim`` names."""
DUE_WINDOW = 100
BUDGET = 2000
"""Messages that one ``recover`` makes ready, unless a single claim has more."""


def claim(s: Server, token: str, lease: int, limit: int) -> Reply:
    """Hide the oldest ready messages, unless the token has a claim, is over, or recovery is due."""
    if token in s.claims:
        s.renew(token, lease)
        return "AGAIN", live(s.claims[token]), len(s.claims[token])
    if token in s.marks:
        return ("SPENT",)
    if s.is_placed:
        return "DUE", (SIGN, *s.expired()[: WINDOW - 1])
    if expired := s.expired()[:WINDOW]:
        return "DUE", tuple(expired)
    landed = s.landing[:limit]
    promote(s, DUE_WINDOW)
    rest = s.queue[: limit - len(landed)]
    taken = landed + rest
    if not taken:
        events = [*s.leases.values(), *(at for at, _, _ in s.delayed)]
        return "EMPTY", min(events) - s.now if events else None
    del s.landing[: len(landed)], s.queue[: len(rest)]
    _check_order(s, taken)
    s.make(token, taken)
    s.leases[token] = s.now + lease
    return "GOT", live(taken), len(taken)


def blmove(s: Server) -> Reply:
    """Move the head of the queue to the end of the landing list: what a waiting consumer sends."""
    if not s.queue:
        return ("NIL",)
    s.landing.append(s.queue.pop(0))
    return ("MOVED",)


def due(s: Server, limit: int) -> Reply:
    """Name expired claims, by deadline."""
    return "TOKENS", (*[SIGN] * s.is_placed, *s.expired())[:limit]


def recover(
    s: Server, tokens: tuple[str, ...], budget: int = BUDGET, push: Push = Server.push_front
) -> Reply:
    """Make the live messages of expired claims ready, an attempt more, and leave the mark."""
    chosen: list[str] = []
    messages = 0
    for token in tokens:
        if s.leases.get(token, s.now + 1) > s.now:
            continue  # settled or extended since the look
        size = len(s.claims.get(token, ()))
        if messages and messages + size > budget:
            break
        messages += size
        chosen.append(token)
    for token in reversed(chosen):
        places = s.claims.get(token, ())
        back = [p._replace(attempts=p.attempts + 1) for p in places if isinstance(p, Entry)]
        if back:
            push(s, back)
            s.marks[token] = tuple(i for i, _ in live(places))
        for entry in back:
            s.count(entry.message)
        s.end(token)
    return "ENDED", len(chosen)


def settle(
    s: Server,
    token: str,
    verb: str,
    again: bool,
    spend: bool,
    delay: int,
    before: int,
    size: int,
    wanted: Wanted,
    carry: Carry | None = None,
) -> Reply:
    """End messages of one claim; answer the positions (from 1) of those that are not held."""
    places = list(s.claims.get(token, ()))
    asked = [message for _, message in wanted]
    key = (token, verb, wanted)
    if not places:
        listed = (s.marks.get(token) or ()) if again else tuple(i for i, _ in wanted)
        s.leases.pop(token, None)
        return "LOST", tuple(n for n, (i, _) in enumerate(wanted, 1) if i in listed)
    if verb == "A" and size == len(places) == len(live(places)):
        wanted = live(places)  # as the script, without a look at what the caller named
    lost, moved = [], []
    for n, (place, message) in enumerate(wanted, 1):
        held = places[place] if place < len(places) else ""
        if not isinstance(held, Entry):
            if not (again and held == verb):
                lost.append(n)
            continue
        if held.message != message:
            s.blame(f"the receipt {token}.{place} of {message} touched {held.message}")
        places[place] = verb
        moved.append(held)
        s.effects.add((*key, held.message))
    if moved:
        if verb == "A":  # who was not asked for and ended all the same is lost
            s.gone.update({each.message for each in moved}.intersection(asked))
        (carry or _carry)(s, verb, moved, delay, before)
        s.claims[token] = tuple(places)
        if not live(places):
            s.end(token)
            if spend:
                s.marks[token] = None
    return "LOST", tuple(lost)


def giveback(s: Server, token: str, push: Push = Server.push_front) -> Reply:
    """Undo a claim, uncounted; the token is over, whether or not its claim has arrived."""
    back = [p for p in s.claims.get(token, ()) if isinstance(p, Entry)]
    s.marks.setdefault(token, None)
    s.over.add(token)
    if back:
        push(s, back)
    s.end(token)
    return "BACK", len(back)


def extend(s: Server, token: str, lease: int, places: tuple[int, ...]) -> Reply:
    """Let a lease end later, and answer the positions of places that are not held."""
    held = dict(live(s.claims.get(token, ())))
    lost = tuple(n for n, i in enumerate(places, 1) if i not in held)
    if len(lost) < len(places):
        s.renew(token, lease)
    return "LOST", lost


def put(
    s: Server, lane: str, number: int, delay: int, before: int, messages: tuple[str, ...]
) -> Reply:
    """Store messages, unless the lane had this number or a later one."""
    if s.lanes.get(lane, 0) >= number:
        return "STORED", 0
    for n, message in enumerate(messages):
        if message in s.put:
            s.blame(f"{message} was put twice")
        s.put.append(message)
        if delay:
            s.delayed.append((s.now + delay, before + n, Entry(message, 0, TAIL)))
        else:
            s.queue.append(Entry(message))
    s.lanes[lane] = number
    return "STORED", 1


def promote(s: Server, limit: int) -> Reply:
    """Move what is due to the tail, the earliest first."""
    if s.is_placed:
        return "PROMOTED", -1
    s.delayed.sort()
    due_now = [each for each in s.delayed if each[0] <= s.now][:limit]
    s.queue += [entry._replace(origin=TAIL) for _, _, entry in due_now]
    del s.delayed[: len(due_now)]
    return "PROMOTED", len(due_now)


def purge(s: Server) -> Reply:
    """Forget what is ready or delayed; claims stay with their owners."""
    if s.landing[:1] == [WAKE]:
        return "PURGED", -1
    gone = [entry.message for entry in [*s.queue, *s.landing, *(each[2] for each in s.delayed)]]
    s.gone.update(gone)
    s.queue, s.landing, s.delayed = [], [], []
    return "PURGED", len(gone)


def purge_claims(s: Server, tokens: tuple[str, ...]) -> Reply:
    """Purge, and the claims of *tokens* too: the protocol has it, no script does it yet."""
    purge(s)
    for token in tokens:
        if places := live(s.claims.get(token, ())):
            s.gone.update(message for _, message in places)
            s.marks[token] = tuple(i for i, _ in places)
        s.end(token)
    return "PURGED", len(tokens)


def pop(s: Server, limit: int) -> Reply:
    """Remove the oldest ready messages."""
    if s.landing[:1] == [WAKE]:
        return "POPPED", (WAKE.message,)
    landed = s.landing[:limit]
    rest = s.queue[: limit - len(landed)]
    del s.landing[: len(landed)], s.queue[: len(rest)]
    taken = tuple(entry.message for entry in landed + rest)
    s.gone.update(taken)
    return "POPPED", taken


def peek(s: Server, limit: int) -> Reply:
    """Look at the oldest ready messages."""
    return "SEEN", tuple(entry.message for entry in s.landing + s.queue)[:limit]


def stats(s: Server, tokens: tuple[str, ...]) -> Reply:
    """Count ready, delayed and the claimed of *tokens*, and name the other claims, by deadline."""
    claimed = sum(len(live(s.claims.get(token, ()))) for token in tokens)
    others = tuple(t for _, t in sorted((v, k) for k, v in s.leases.items()) if t not in tokens)
    others = (*[SIGN] * s.is_placed, *others)
    return "COUNTED", len(s.queue) + len(s.landing), len(s.delayed), claimed, others


Script: TypeAlias = Callable[..., Reply]
SCRIPTS: Mapping[str, Script] = {
    each.__name__: each
    for each in (
        claim, blmove, due, recover, settle, giveback, extend, put, promote, purge,
        purge_claims, pop, peek, stats,
    )
}  # fmt: skip


def execute(
    store: Store, command: Command, scripts: Mapping[str, Script] = SCRIPTS
) -> tuple[Store, Reply, str]:
    """Run one command; return the state after it, its answer, and what it did wrong."""
    server = Server(store)
    reply = scripts[command[0]](server, *command[1:])
    return server.freeze(), reply, server.broken


def _carry(s: Server, verb: str, moved: list[Entry], delay: int, before: int) -> None:
    """Bring settled entries to where their verb sends them."""
    if verb == "D":
        s.dead += [entry.message for entry in moved]
    if verb == "F":
        moved = [entry._replace(attempts=entry.attempts + 1) for entry in moved]
        for entry in moved:
            s.count(entry.message)
    if verb in {"F", "R"}:
        if delay:
            for n, entry in enumerate(moved, before):
                s.delayed.append((s.now + delay, n, entry._replace(origin=TAIL)))
        elif verb == "F":
            s.queue += [entry._replace(origin=TAIL) for entry in moved]
        else:
            s.push_front(moved)


def _check_order(s: Server, taken: list[Entry]) -> None:
    """Blame a claim that takes a message while an older one, never claimed, stays."""
    numbers = [s.put.index(entry.message) for entry in taken if entry.origin == NEW]
    left = [s.put.index(entry.message) for entry in s.landing + s.queue if entry.origin == NEW]
    if numbers != sorted(numbers) or (numbers and left and min(left) < numbers[-1]):
        s.blame(f"{[entry.message for entry in taken]} were claimed before older ones")
