"""
What must be true: in every state of the store, in every belief, in every report.

Numbers are those of the protocol. I1: each message is in exactly one place. I2: a claim's list has
a lease and something live. I3: a token names one list, once, and a receipt one message. I4: order.
I5: attempts are the claims that ended by expiry or failure. I6 follows from I1 to I3, since a
message that left its claim otherwise is lost or in two places. R6: who believes to hold a message
before his lease is over holds it, so no two do.
"""

from __future__ import annotations

from collections.abc import Mapping

from .clients import Client, Consumer
from .habits import DELAY, LEASE, Told
from .places import SCRIPTS
from .server import Script, execute
from .store import HEAD, NEW, SIGN, WAKE, Command, Entry, Store, live, place_of

PATIENCE = LEASE + DELAY
"""After so long every lease and delay of a dead client is over."""


def broken(store: Store) -> str:
    """Return what is wrong in this state of the store, if anything."""
    return _places(store) or _order(store) or _groups(store)


def starved(store: Store, scripts: Mapping[str, Script] = SCRIPTS) -> str:
    """Let all clients die now: one lease later a new consumer must get everything."""
    store = store._replace(now=store.now + PATIENCE)
    got: set[str] = set()
    placed = ""
    for n in range(40):
        token = f"new{n}"
        store, reply, _ = execute(store, (f"claim{placed}", token, LEASE, 10), scripts)
        command: Command = ()
        if reply[0] == "DUE" and reply[1][0] == SIGN:
            placed = "_placed"
            continue
        if reply[0] == "DUE":
            command = (f"recover{placed}", reply[1], 1)
        elif reply[0] == "GOT":
            got.update(message for _, message in reply[1])
            command = (f"settle{placed}", token, "A", False, False, 0, 0, reply[2], reply[1])
        if not command:
            break
        store, _, _ = execute(store, command, scripts)
    ended = store.gone.union(store.dead)
    missing = [message for message in store.put if message not in got and message not in ended]
    return f"{missing} not delivered one lease after all clients died" if missing else ""


def believed(store: Store, client: Client) -> str:
    """Return what a client takes for its own, and it is not (R6)."""
    if isinstance(client, Consumer) and (mine := client.believes(store.now)):
        places = live(dict(store.claims).get(client.token, ()))
        for each in mine:
            if each not in places and each[1] not in store.gone:
                return f"{client.plan.name} believes to hold {each[1]}, and does not"
    return ""


def truthful(store: Store, client: Client, told: Told) -> str:
    """Return what a client reported, and it is not so."""
    for what, *rest in told:
        if what == "stored" and not set(rest[0]) <= set(store.put):
            return f"{rest[0]} is reported stored and never was"
        if what in {"known", "full"}:
            key, token, answer, messages = rest
            owner = dict(store.keys).get(key, "")
            if set(messages) & set(store.put):
                return f"{messages} are reported as not stored and are"
            if (owner in {"", token}) if what == "known" else owner:
                return f"the put {token} of the key {key} ({owner or 'free'}) heard {what} {answer}"
        if what == "extended" and rest[0] not in dict(store.claims):
            return f"the lease of {rest[0]} is reported extended, and it is gone"
        if what == "over" and _may_claim(store, client, rest[0]):
            return f"the call ended without a message, and {rest[0]} holds some or may still"
        if what == "settled":
            key, message, done = rest
            exact = (*key, message) in store.effects
            same = any((t, v, m) == (*key[:2], message) for t, v, _, m in store.effects)
            if done and not same:
                return f"{key[1]} of {message} is reported done and never took effect"
            if not done and exact:
                return f"{key[1]} of {message} took effect and is reported as not held"
    return ""


def _may_claim(store: Store, client: Client, token: str) -> bool:
    late = any(c[0].startswith("claim") and c[1] == token for sends in client.late for c in sends)
    return token in dict(store.claims) or (late and token not in dict(store.marks))


def _places(store: Store) -> str:
    places: dict[str, list[tuple[str, int]]] = {}
    apart = [entry for _, each in (*store.levels, *store.waiting) for entry in each]
    ready = [entry for entry in (*store.landing, *store.queue, *apart) if entry != WAKE]
    for entry in (*ready, *(each[2] for each in store.delayed)):
        places.setdefault(entry.message, []).append(("ready or delayed", entry.attempts))
    for message in store.dead:
        places.setdefault(message, []).append(("dead", -1))
    leases = dict(store.leases)
    for token, held in store.claims:
        if token not in leases:
            return f"the claim {token} has no lease: nobody will ever look at it"
        if not live(held):
            return f"the claim {token} is kept and holds nothing live"
        for each in held:
            if isinstance(each, Entry):
                places.setdefault(each.message, []).append((token, each.attempts))
    counted = dict(store.counted)
    for message in store.put:
        found = places.get(message, [])
        if not found and message not in store.gone:
            return f"{message} is lost"
        if len(found) != (message not in store.gone):
            return f"{message} is in {len(found)} places: {found}"
        if found and found[0][1] not in {-1, counted.get(message, 0)}:
            return f"{message} carries {found[0][1]} attempts, {counted.get(message, 0)} were made"
    return ""


def _order(store: Store) -> str:
    usual = tuple(entry for entry in store.landing + store.queue if entry != WAKE)
    for ready in (usual, *(each for _, each in store.levels)):
        if fault := _order_of(store, ready):
            return fault
    return ""


def _groups(store: Store) -> str:
    """Tell of a group that has two in flight, or that nobody lets go on."""
    if (store.levels or store.busy or store.waiting) and not store.is_placed:
        return "the queue keeps places, and nobody would know"
    levels = [entry for _, each in store.levels for entry in each]
    claimed = [p.message for _, each in store.claims for p in each if isinstance(p, Entry)]
    delayed = [entry.message for _, _, entry in store.delayed]
    ready = [entry.message for entry in (*store.landing, *store.queue, *levels)]
    busy = dict(store.busy)
    for message in (*ready, *claimed):
        _, group = place_of(message)
        if group and busy.get(group, ("",))[0] != message:
            return f"{message} is in flight, and its group is held by {busy.get(group)}"
    for group, (holder, state) in store.busy:
        if holder not in ready + claimed + delayed:
            return f"{group} is held by {holder}, which is gone"
        where = "C" if holder in claimed else "D" if holder in delayed else "R"
        if where != state:
            return f"{group} is noted as {state} and its {holder} is in {where}"
    waiting = [group for group, _ in store.waiting if group not in busy]
    return f"{waiting} wait for nobody" if waiting else ""


def _order_of(store: Store, ready: tuple[Entry, ...]) -> str:
    new = [store.put.index(entry.message) for entry in ready if entry.origin == NEW]
    if new != sorted(new):
        return f"the order of messages never claimed is lost: {ready}"
    heads = [entry.origin == HEAD for entry in ready]
    if heads != sorted(heads, reverse=True):
        return f"what came back stands behind others: {ready}"
    return ""
