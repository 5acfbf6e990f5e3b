"""
Accounts for every message of a run, by its ledgers.

It knows nothing of the queue: it uses only what the processes wrote down. The times of a call
enclose what the store did for it, so that every fault it reports is one; where two calls overlap,
it does not know what came first, and says nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from .accounts import Account
from .history import SLACK, History, Taken, read

_SHOWN = 20


def check(ledgers: Iterable[Path], *, fifo: bool = False) -> Account:
    """Return the account of a run whose store was drained, or whose rest was looked at."""
    history = read(ledgers)
    account = Account(kills=history.kills, cuts=history.cuts)
    faults = history.faults
    for outcome in Counter(put.outcome for put in history.puts.values()).items():
        setattr(account, "ok" if outcome[0] == "stored" else outcome[0], outcome[1])
    account.delivered = sum(map(len, history.taken.values()))
    account.acked = sum(any(map(_is_acked, taken)) for taken in history.taken.values())
    account.stale = history.stale
    ghosts = list(_ghosts(history))
    repeats = list(_repeats(history, account, fifo=fifo))
    missing = list(_missing(history, fifo=fifo))
    if fifo and len(missing) <= history.cut_pops:
        account.maybe_lost, missing = len(missing), []
    breaks = list(_breaks(history))
    account.ghosts, account.unexplained = len(ghosts), len(repeats)
    account.lost, account.breaks = len(missing), len(breaks)
    account.resumed = _resumed(history)
    for found in (faults, ghosts, repeats, missing, breaks):
        account.faults += found[:_SHOWN]
    return account


def _is_acked(one: Taken) -> bool:
    return one.verb == "ack" and one.outcome == "done"


def _ghosts(history: History) -> Iterator[str]:
    """Whatever comes must have been put, and not refused."""
    for key in {*history.taken, *history.left, *history.dead}:
        put = history.puts.get(key)
        if put is None:
            yield f"ghost: {key} was never put"
        elif put.outcome == "rejected":
            yield f"ghost: {key} was refused, and came"


def _repeats(history: History, account: Account, *, fifo: bool) -> Iterator[str]:
    """Every delivery but the first needs a reason in the one before."""
    for key, taken in history.taken.items():
        for before, after in pairwise(taken):
            if fifo:
                yield f"duplicate: {key} came twice from a FIFO queue"
                continue
            why = _why(history, before, after)
            if why in {"kill", "expiry", "unknown", "returned"}:
                account.explained[why] = account.explained.get(why, 0) + 1
                if why != "returned":
                    account.latest = max(account.latest, after.ended - before.at_last)
            else:
                yield f"duplicate: {key} came to {after.ledger}, {why} {before.ledger}"
    for key, count in (history.left + history.dead).items():
        if count > 1:
            yield f"duplicate: the store holds {key} {count} times"
        if any(map(_is_acked, history.taken.get(key, ()))):
            yield f"duplicate: {key} was acked, and is still in the store"


def _why(history: History, before: Taken, after: Taken) -> str:
    if _is_acked(before):
        return "though acked by"
    given_back = before.verb in {"fail", "release"} and before.outcome in {"done", "unknown"}
    if after.attempt <= before.attempt and before.verb != "release":
        return "uncounted, after"
    if given_back:
        return "returned"
    if before.verb == "reject" and before.outcome == "done":
        return "though rejected by"
    if after.ended < before.until - SLACK:
        return "within the lease of"
    if history.killed.get(before.ledger, float("inf")) < after.ended:
        return "kill"
    return "unknown" if before.outcome == "unknown" else "expiry"


def _missing(history: History, *, fifo: bool) -> Iterator[str]:
    """What was put, or came though its put was unknown, is done, in the store, or lost."""
    for put in history.puts.values():
        taken = history.taken.get(put.key, ())
        if put.outcome != "stored" and not taken:
            continue
        ended = bool(taken) if fifo else any(
            one.verb == "ack" and one.outcome in {"done", "unknown"} for one in taken
        )  # fmt: skip
        if not ended and put.key not in history.left and put.key not in history.dead:
            yield f"lost: {put.key} ({put.outcome}, came {len(taken)} times)"


def _breaks(history: History) -> Iterator[str]:
    """
    A message that was put before another one's put began is claimed no later than that one.

    So for those that were never claimed before; an answered put is older than all that begin later.
    """
    first = {
        key: taken[0]
        for key, taken in history.taken.items()
        if taken[0].attempt == 1 and key in history.puts and key not in history.later
    }
    later = sorted((history.puts[key].begun, one.ended, key) for key, one in first.items())
    soonest: list[tuple[float, str]] = [(float("inf"), "")]
    for _, ended, key in reversed(later):
        soonest.append(min(soonest[-1], (ended, key)))
    soonest.reverse()
    begins = [begun for begun, _, _ in later]
    for key, one in first.items():
        put = history.puts[key]
        if put.outcome == "stored":
            ended, younger = soonest[bisect_right(begins, put.ended)]
            if ended < one.begun:
                yield f"order: {younger} came before {key}, which was put before"
    for batch in history.batches:  # within one put all have the same times
        soon, younger = float("inf"), ""
        for key in reversed(batch):
            if key in first:
                if soon < first[key].begun:
                    yield f"order: {younger} came before {key} of the same put"
                soon, younger = min((soon, younger), (first[key].ended, key))
    yield from _breaks_within_claims(history, first)


def _breaks_within_claims(history: History, first: dict[str, Taken]) -> Iterator[str]:
    """Within one claim the list itself tells the order."""
    places = {key: i for batch in history.batches for i, key in enumerate(batch)}
    for claim in history.claims:
        fresh = [one.key for one in claim if first.get(one.key) is one]
        for sooner, after in pairwise(fresh):
            one, other = history.puts[sooner], history.puts[after]
            same = one.begun == other.begun
            if (same and places[sooner] > places[after]) or other.ended < one.begun:
                yield f"order: {sooner} stood before {after} in one claim"


def _resumed(history: History) -> float | None:
    ends = sorted(one.ended for claim in history.claims for one in claim)
    waits = []
    for up in history.ups:
        after = bisect_right(ends, up)
        if after < len(ends):
            waits.append(ends[after] - up)
    return max(waits, default=None)
