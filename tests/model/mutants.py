"""
Wrong protocols, one rule off each: scripts of the store, or habits of the clients.

A mutant names the scenarios that show it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from . import places as true_places
from . import server as true
from . import wrong_places as places
from . import wrong_scripts as wrong
from .habits import Habits
from .places import SCRIPTS
from .server import Script


class Mutant(NamedTuple):
    """One wrong protocol."""

    what: str
    where: str
    scripts: Mapping[str, Script] = {}
    habits: Habits = Habits()

    def rules(self) -> tuple[dict[str, Script], Habits]:
        """Return all scripts and habits."""
        return {**SCRIPTS, **self.scripts}, self.habits


def _make(
    what: str, where: str, habit: Mapping[str, Any] | None = None, **scripts: Script
) -> Mutant:
    return Mutant(what, where, scripts, Habits(**(habit or {})))


def _on(names: str, wrap: Callable[[Script], Script]) -> dict[str, Script]:
    return {name: wrap(SCRIPTS[name]) for name in names.split()}


_PRIVATE = {"blmove": wrong.blmove_private, "top_up": wrong.top_up}
_APART = {"delete_list": wrong.delete_list, "delete_lease": wrong.delete_lease}

MUTANTS = {
    # those of the protocol
    "private-wait": _make(
        "wait into the claim's own list", "wait", {"waits": "private"}, **_PRIVATE
    ),
    "no-mark-at-expiry": _make(
        "recover leaves no mark", "late", recover=wrong.without_marks(true.recover)
    ),
    "mark-ignored": _make("a marked token is not refused", "late", claim=wrong.claim_unrefused),
    "no-mark-at-end": _make(
        "the end of a claim leaves no mark", "late", settle=wrong.settle_unspent
    ),
    "clients-clock": _make("a repeat is judged by the clock", "settle", {"repeats_ask": "clock"}),
    "again-forgotten": _make(
        "a repeat is not told from a first send", "settle", {"repeats_ask": "nothing"}
    ),
    "lease-before-list": _make("ZREM, then DEL", "wait", {"acks": "lease, list"}, **_APART),
    "old-look": _make("recover trusts an old deadline", "by_hand", recover=wrong.recover_unlooked),
    "expiry-uncounted": _make(
        "an expiry is no attempt", "wait", recover=wrong.recounted(true.recover, -1)
    ),
    "no-fold": _make(
        "pushes to the head ignore what has landed",
        "order",
        **_on("settle recover giveback", wrong.without_landing),
    ),
    "queue-first": _make("claim takes from the queue first", "wait", claim=wrong.claim_unsorted),
    "empty-claim-stays": _make(
        "the last settle keeps list and lease", "settle", settle=wrong.settle_keeps
    ),
    "no-lane": _make("puts have no numbers", "put", put=wrong.put_without_lane),
    "lane-apart": _make(
        "the number is stored by a second command",
        "put",
        {"lane_apart": True},
        put=wrong.put_unnumbered,
        mark_lane=wrong.mark_lane,
    ),
    "purge-unmarked": _make(
        "a purge of claims leaves no mark",
        "purge_claims",
        purge_claims=wrong.without_marks(true.purge_claims),
    ),
    "empty-lease-stays": _make(
        "recover keeps a lease without a list, and the window is one claim",
        "narrow",
        {"acks": "list, lease"},
        **_APART,
        recover=wrong.recover_stays,
        claim=wrong.claim_of_one,
    ),
    "registered-wait": _make(
        "all other rules, but the private wait with a lease entered before",
        "wait",
        {"waits": "private"},
        blmove=wrong.blmove_private,
        top_up=wrong.top_up_anew,
        claim=wrong.claim_registers,
        recover=wrong.recover_with_grace,
    ),
    # claims and leases
    "due-last": _make("claim takes before it recovers", "narrow", claim=wrong.claim_first),
    "repeat-unrenewed": _make(
        "a repeated claim keeps its lease", "wait", claim=wrong.claim_again_unrenewed
    ),
    "extend-shortens": _make(
        "an extension ends a longer lease", "extend", extend=wrong.extend_shortens
    ),
    "belief-from-answer": _make(
        "a client counts its lease from the answer", "extend", {"believes_from": "answer"}
    ),
    "budget-strict": _make(
        "a claim beyond the budget is never recovered",
        "budget",
        recover=wrong.recover_within_budget,
    ),
    # settling
    "suffix-forgotten": _make(
        "receipts forget that the claim was repeated", "late", {"suffix": False}
    ),
    "whole-unsized": _make(
        "an ack of a part has the size of the whole",
        "partial",
        {"names_size": "always"},
    ),
    "whole-blind": _make(
        "the whole path overlooks tombstones", "partial", settle=wrong.settle_whole_blindly
    ),
    "fail-uncounted": _make("a failure is no attempt", "settle", settle=wrong.settle_uncounted),
    # giving back
    "giveback-unmarked": _make(
        "giveback leaves no mark", "giveback", giveback=wrong.without_marks(true.giveback)
    ),
    "giveback-counted": _make(
        "giveback is an attempt", "giveback", giveback=wrong.recounted(true.giveback, 1)
    ),
    "giveback-apart": _make(
        "giveback sets its mark by a second command",
        "giveback",
        {"giveback_apart": True},
        giveback=wrong.without_marks(true.giveback),
        mark_token=wrong.mark_token,
    ),
    "giveback-forgets": _make(
        "giveback removes the list", "giveback", giveback=wrong.giveback_marks_only
    ),
    "empty-call-leaves": _make(
        "a call that ends empty leaves its sends behind", "late", {"gives_back_empty": False}
    ),
    # delayed messages
    "never-promoted": _make("claim promotes nothing", "delay", claim=wrong.claim_promotes_none),
    "promoted-copied": _make(
        "what was promoted stays delayed", "delay", claim=wrong.claim_copies_due
    ),
    # lanes
    "lane-after-failure": _make(
        "a lane whose put failed is used again", "put", {"fresh_lane": False}
    ),
    "lane-shared": _make("two calls use a lane at once", "put", {"own_lane": False}),
    # places
    "no-follow": _make(
        "nobody follows who held a group",
        "groups",
        settle_placed=places.without_follow(true_places.settle_placed),
    ),
    "expiry-frees": _make(
        "an expiry frees the group",
        "groups",
        recover_placed=places.freeing(true_places.recover_placed),
    ),
    "giveback-frees": _make(
        "giving back frees the group",
        "group_ends",
        giveback_placed=places.freeing(true_places.giveback_placed),
    ),
    "failure-frees": _make(
        "a failure frees the group",
        "groups",
        settle_placed=places.freeing(true_places.settle_placed),
    ),
    "groups-ignored": _make(
        "a put does not look who holds its group", "groups", put_placed=places.put_unbusy
    ),
    "due-waits": _make(
        "who is due waits for the group that it holds",
        "group_delay",
        claim_placed=places.due_is_new(true_places.claim_placed),
    ),
    "receipts-forget": _make(
        "receipts do not say that the queue keeps places", "groups", {"receipts_know": False}
    ),
    "sign-ignored": _make(
        "the ordinary claim serves a queue with a sign", "groups", claim=places.claim_unsigned
    ),
    "sign-dropped": _make(
        "the sign goes when nothing is ready", "groups", claim_placed=places.claim_dropping
    ),
    "sign-overlooked": _make(
        "who looks for expired claims overlooks the sign", "by_hand_placed", {"meets_sign": False}
    ),
    "lowest-first": _make("the usual level goes first", "levels", claim_placed=places.claim_lowest),
    "purge-frees-claimed": _make(
        "a purge frees the groups of what is claimed",
        "group_ends",
        purge_placed=places.purge_all_groups,
    ),
    "purge-keeps-groups": _make(
        "a purge leaves groups to what is gone",
        "group_ends",
        purge_placed=places.purge_no_groups,
    ),
    "delayed-unnoted": _make(
        "what is delayed passes for claimed", "group_delay", settle_placed=places.settle_unnoted
    ),
    # keys and bounds
    "bound-first": _make(
        "the bound is asked before the key", "keys", put_placed=places.put_bound_first
    ),
    "own-key-unknown": _make(
        "a put does not know its own key again", "keys", put_placed=places.put_key_first
    ),
    "key-ignored": _make("a known key is stored", "keys", put_placed=places.put_unkeyed),
}
"""Each must be caught."""

HARMLESS = {
    "extend-by-lease": _make(
        "extend looks at the lease", "extend partial", extend=wrong.extend_by_lease
    ),
    "verb-forgotten": _make(
        "tombstones do not say the verb", "partial settle", settle=wrong.settle_forgets_verb
    ),
    "giveback-overwrites": _make(
        "giveback replaces the mark of an expired claim",
        "giveback",
        giveback=wrong.giveback_overwrites,
    ),
    "promote-first": _make(
        "claim promotes before it recovers", "delay", claim=wrong.claim_promotes_first
    ),
}
"""Rules that others imply: off, they break nothing."""
