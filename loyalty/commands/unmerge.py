"""Undo a merge: what it brought goes back to the account that it closed, which is open again.

Refusals, in this order: the key was used with another request; there is no such merge, or it is undone; the account
owed points when it was merged; since then the survivor's books hold anything but new stays, with the points of their
milestones, what expired, and looks at the tier.

What the merge brought is taken from the survivor like a reversal: first from the very lots that it brought, then from
others, the rest is owed. New stays stay with the survivor, under whichever number they were posted.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Final

import msgspec
from msgspec import Struct, structs

from loyalty.commands.merge import (
    Belonging,
    Merged,
    MergeOnFile,
    budgets_of,
    conclude,
    move_counts,
    move_stay,
)
from loyalty.commands.model import Decision, Facts, Key, replay
from loyalty.commands.move_rewards import move_rewards
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.sides import Side
from loyalty.errors import Problem
from loyalty.ids import UUID
from loyalty.ledger.model import TRANSIT, Counters, Lot, Moment, Traits
from loyalty.ledger.rules import Book

HARMLESS: Final = frozenset({"stay_posted", "milestone_points", "expired", "reward_expired", "tier_reviewed"})
"""Journals of the survivor that don't stand against undoing a merge."""

_counters = msgspec.json.Decoder(Counters).decode
_traits = msgspec.json.Decoder(Traits).decode


class Unmerge(Struct, frozen=True, gc=False):
    """The undoing of a merge."""

    merge_id: UUID
    actor: str
    key: Key


class Since(Struct, frozen=True, gc=False):
    """What a merge brought and is still there, and the kinds of the survivor's journals since."""

    stays: Sequence[Belonging] = ()
    lots: Sequence[Lot] = ()
    kinds: frozenset[str] = frozenset()


def decide(
    survivor: Facts, closed: Facts, merge: MergeOnFile | None, since: Since, rules: Rulebook, command: Unmerge,
    moment: Moment,
) -> Merged | Decision | Problem:  # fmt: skip
    """Decide whether a merge can be undone. Both rows are locked; `survivor` has all lots that the merge brought."""
    known = replay(survivor.prior, command.key)
    if known is not None:
        return known
    new, old = survivor.member, closed.member
    if merge is None or new is None or old is None:
        return Problem("unknown_merge")
    if merge.status != "merged":
        return Problem("not_undoable", "It is undone already.")
    if merge.owed:
        return Problem("not_undoable", "The account owed points when it was merged.")
    if harmful := since.kinds - HARMLESS:
        return Problem("not_undoable", f"Since the merge there was: {', '.join(sorted(harmful))}.")
    # From here the merge is undone.
    giver = Book(new, moment, command.actor, survivor.lots, survivor.following)
    taker = Book(old, moment, command.actor, closed.lots, closed.following)
    sides = (Side(giver, survivor, rules, moment), Side(taker, closed, rules, moment))
    reason = f"merge of {old.number} undone"
    moved = [move_stay(giver, taker, one, moment, reason) for one in since.stays]
    pair = move_counts(giver, taker, _counters(merge.counters), reason, moment.today)
    move_rewards(*sides, pair, rules, moment, undoing=True)
    _give_back(giver, taker, since.lots, reason, moment)
    kept = new.traits
    new.traits = structs.replace(_traits(merge.traits), by_day=kept.by_day, flagged=kept.flagged)
    old.traits = structs.replace(old.traits, merged_into=None)
    old.status = "active"
    undone = structs.replace(merge, status="unmerged")
    budgets = budgets_of(rules, since.stays)
    return conclude(undone, sides, pair, moved, taker.member.available, command.key, 200, budgets)


def _give_back(giver: Book, taker: Book, lots: Sequence[Lot], reason: str, moment: Moment) -> None:
    """Give back the points that came without a stay, in lots with the days they had."""
    own = frozenset(lot.lot_id for lot in lots)
    for lot in lots:
        day = _in_time(lot, moment.today)
        out = giver.journal("merged_out", day, reason)
        giver.points("merge", -lot.amount, day, TRANSIT)
        giver.reverse(lot.amount, own)
        into = taker.journal("merged_in", day, reason)
        taker.points("merge", lot.amount, day, TRANSIT)
        taker.earn(lot.amount, lot.expires_on)
        out.linked_id, into.linked_id = into.journal_id, out.journal_id


def _in_time(lot: Lot, today: date) -> date:
    """Return today, or the last day of points that have expired since: they expire again, on their own day."""
    return today if lot.expires_on is None else min(today, lot.expires_on - timedelta(days=1))
