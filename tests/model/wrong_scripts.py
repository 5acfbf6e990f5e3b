"""What the mutants run instead of the true scripts: mostly the true one, and something off."""

from __future__ import annotations

from typing import Any

from . import server as true
from .server import BUDGET, Script
from .store import Entry, Reply, Server, Wanted, live

GRACE = 9


def without_marks(script: Script) -> Script:
    """Let a script forget the marks it makes."""

    def wrapped(s: Server, *arguments: Any) -> Reply:
        before = dict(s.marks)
        reply = script(s, *arguments)
        s.marks = before
        return reply

    return wrapped


def without_landing(script: Script) -> Script:
    """Let a script push to the head of the queue as if nothing had landed."""

    def wrapped(s: Server, *arguments: Any) -> Reply:
        landing, s.landing = s.landing, []
        reply = script(s, *arguments)
        s.landing = landing
        return reply

    return wrapped


def recounted(script: Script, more: int) -> Script:
    """Let a script count *more* attempts than it should, in what it pushes to the head."""

    def wrapped(s: Server, *arguments: Any) -> Reply:
        ready = {entry.message for entry in s.queue + s.landing}
        reply = script(s, *arguments)
        for n, entry in enumerate(s.queue):
            if entry.message not in ready:
                s.queue[n] = entry._replace(attempts=entry.attempts + more)
        return reply

    return wrapped


def blmove_private(s: Server, token: str) -> Reply:
    """Move into the claim's own list, which knows of no lease and no mark."""
    if not s.queue:
        return ("NIL",)
    entry = s.queue.pop(0)
    s.claims[token] = (*s.claims.get(token, ()), entry)
    return ("MOVED",)


def top_up(s: Server, token: str, lease: int, limit: int, *, only_renew: bool = True) -> Reply:
    """Give what BLMOVE brought its lease, and add to it."""
    if token not in s.claims:
        s.leases.pop(token, None)
        return "GOT", (), 0
    if not only_renew or token in s.leases:
        s.leases[token] = s.now + lease
    more = max(0, limit - len(s.claims[token]))
    s.claims[token] += tuple(s.queue[:more])
    del s.queue[:more]
    return "GOT", live(s.claims[token]), len(s.claims[token])


def top_up_anew(s: Server, token: str, lease: int, limit: int) -> Reply:
    return top_up(s, token, lease, limit, only_renew=False)


def claim_registers(s: Server, token: str, lease: int, limit: int) -> Reply:
    """Enter the lease before the wait."""
    if token not in s.claims and token not in s.marks:
        s.leases.pop(token, None)
    reply = true.claim(s, token, lease, limit)
    if reply[0] == "EMPTY":
        s.leases[token] = s.now + lease + 1
    return reply


def recover_with_grace(s: Server, tokens: tuple[str, ...], budget: int = BUDGET) -> Reply:
    """Let a lease without a list stand for a while, since its list may come."""
    for token in tokens:
        if s.leases.get(token, s.now + 1) <= s.now and token not in s.claims:
            s.leases[token] = s.now + GRACE
    return true.recover(s, tokens, budget)


def recover_stays(s: Server, tokens: tuple[str, ...], budget: int = BUDGET) -> Reply:
    return true.recover(s, tuple(t for t in tokens if t in s.claims), budget)


def recover_unlooked(s: Server, tokens: tuple[str, ...], budget: int = BUDGET) -> Reply:
    for token in tokens:
        if token in s.leases:
            s.leases[token] = s.now
    return true.recover(s, tokens, budget)


def recover_within_budget(s: Server, tokens: tuple[str, ...], budget: int = BUDGET) -> Reply:
    return true.recover(s, tuple(t for t in tokens if len(s.claims.get(t, ())) <= budget), budget)


def claim_of_one(s: Server, token: str, lease: int, limit: int) -> Reply:
    """Answer with one expired claim at most."""
    reply = true.claim(s, token, lease, limit)
    return (reply[0], reply[1][:1]) if reply[0] == "DUE" else reply


def claim_unrefused(s: Server, token: str, lease: int, limit: int) -> Reply:
    mark, had = s.marks.pop(token, None), token in s.marks
    reply = true.claim(s, token, lease, limit)
    if had:
        s.marks[token] = mark
    return reply


def claim_unsorted(s: Server, token: str, lease: int, limit: int) -> Reply:
    s.queue, s.landing = s.landing, s.queue
    reply = true.claim(s, token, lease, limit)
    s.queue, s.landing = s.landing, s.queue
    return reply


def claim_first(s: Server, token: str, lease: int, limit: int) -> Reply:
    """Take what is ready, and look for expired claims only when nothing is."""
    leases = s.leases
    s.leases = {t: max(at, s.now + 1) for t, at in leases.items()}
    reply = true.claim(s, token, lease, limit)
    s.leases = {**leases, **{t: at for t, at in s.leases.items() if t not in leases or t == token}}
    if reply[0] == "GOT" and s.expired():
        s.blame(f"{token} took messages, while an expired claim waits")
    return true.claim(s, token, lease, limit) if reply[0] == "EMPTY" else reply


def claim_promotes_none(s: Server, token: str, lease: int, limit: int) -> Reply:
    delayed, s.delayed = s.delayed, []
    reply = true.claim(s, token, lease, limit)
    s.delayed = delayed
    return reply


def claim_copies_due(s: Server, token: str, lease: int, limit: int) -> Reply:
    delayed = list(s.delayed)
    reply = true.claim(s, token, lease, limit)
    s.delayed = delayed
    return reply


def claim_promotes_first(s: Server, token: str, lease: int, limit: int) -> Reply:
    if token not in s.claims and token not in s.marks:
        true.promote(s, true.DUE_WINDOW)
    return true.claim(s, token, lease, limit)


def claim_again_unrenewed(s: Server, token: str, lease: int, limit: int) -> Reply:
    before = s.leases.get(token)
    reply = true.claim(s, token, lease, limit)
    if reply[0] == "AGAIN" and before is not None:
        s.leases[token] = before
    return reply


def settle_keeps(s: Server, token: str, verb: str, *rest: Any) -> Reply:
    """Leave the list and the lease when nothing in it is live."""
    size, before = len(s.claims.get(token, ())), dict(s.leases)
    reply = true.settle(s, token, verb, *rest)
    if size and token not in s.claims:
        s.claims[token], s.leases[token] = (verb,) * size, before[token]
    return reply


def settle_unspent(s: Server, token: str, verb: str, again: bool, _: bool, *rest: Any) -> Reply:
    return true.settle(s, token, verb, again, False, *rest)


def settle_whole_blindly(
    s: Server, token: str, verb: str, again: bool, spend: bool, delay: int, before: int, size: int,
    wanted: Wanted,
) -> Reply:  # fmt: skip
    """Believe that a claim of the right size has all its messages."""
    if verb == "A" and size and size == len(s.claims.get(token, ())):
        left = live(s.claims[token])
        true.settle(s, token, verb, again, spend, delay, before, 0, left)
        s.effects.update((token, verb, wanted, message) for _, message in left)
        return "LOST", ()
    return true.settle(s, token, verb, again, spend, delay, before, size, wanted)


def settle_uncounted(s: Server, token: str, verb: str, *rest: Any) -> Reply:
    size = len(s.queue)
    reply = true.settle(s, token, verb, *rest)
    if verb == "F":
        s.queue[size:] = [e._replace(attempts=e.attempts - 1) for e in s.queue[size:]]
    return reply


def settle_forgets_verb(s: Server, token: str, verb: str, *rest: Any) -> Reply:
    """Leave tombstones that do not say what happened."""
    places = s.claims.get(token, ())
    s.claims = {**s.claims, token: tuple(p if isinstance(p, Entry) else verb for p in places)}
    if not places:
        del s.claims[token]
    return true.settle(s, token, verb, *rest)


def giveback_overwrites(s: Server, token: str) -> Reply:
    s.marks.pop(token, None)
    return true.giveback(s, token)


def giveback_marks_only(s: Server, token: str) -> Reply:
    """Mark the token and forget its list."""
    s.marks.setdefault(token, None)
    s.end(token)
    return "BACK", 0


def mark_token(s: Server, token: str) -> Reply:
    s.marks.setdefault(token, None)
    return ()


def extend_shortens(s: Server, token: str, lease: int, places: tuple[int, ...]) -> Reply:
    reply = true.extend(s, token, lease, places)
    if len(reply[1]) < len(places):
        s.leases[token] = s.now + lease
    return reply


def extend_by_lease(s: Server, token: str, lease: int, places: tuple[int, ...]) -> Reply:
    """Look at the lease and not at the list."""
    if token not in s.leases:
        return "LOST", tuple(range(1, len(places) + 1))
    s.renew(token, lease)
    return "LOST", ()


def put_without_lane(s: Server, lane: str, *rest: Any) -> Reply:
    s.lanes.pop(lane, None)
    return true.put(s, lane, *rest)


def put_unnumbered(s: Server, lane: str, *rest: Any) -> Reply:
    """Look at the lane, and leave the number to a second command."""
    before = dict(s.lanes)
    reply = true.put(s, lane, *rest)
    s.lanes = before
    return reply


def mark_lane(s: Server, lane: str, number: int) -> Reply:
    s.lanes[lane] = max(s.lanes.get(lane, 0), number)
    return ()


def delete_lease(s: Server, token: str) -> Reply:
    s.leases.pop(token, None)
    return ()


def delete_list(s: Server, token: str, wanted: Wanted) -> Reply:
    for _, message in live(places := s.claims.pop(token, ())):
        if message in {each for _, each in wanted}:
            s.gone.add(message)
            s.effects.add((token, "A", wanted, message))
    return ("LOST", ()) if places else ("GONE",)
