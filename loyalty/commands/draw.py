"""Spend more than a member has, by what the household has: the others give what is missing, then the debit is posted.

They give in a fixed order: the head first, then the others in the order in which they joined; each as much as there is,
until enough is there. Each gift is like one that a member makes, but counts for no cap. It is all one transaction.

Refusals are those of an adjustment; a debit is too much when the whole pool hasn't enough.
"""

from collections.abc import Sequence
from typing import Final

from loyalty.commands import adjust
from loyalty.commands.adjust import Adjust
from loyalty.commands.carry import Words, carry
from loyalty.commands.model import Decision, Facts, Move, replay
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.transfer import told
from loyalty.errors import Problem
from loyalty.ids import show
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book

POOL: Final = Words("transfer_sent", "transfer_received", "transfer", "household", counted=False)


def decide(
    drawer: Facts, others: Sequence[Facts], rules: Rulebook, command: Adjust, moment: Moment
) -> Move | Decision | Problem:
    """Decide a debit that may draw on a pool. All rows are locked; `others` are in the order in which they give."""
    known = replay(drawer.prior, command.key)
    if known is not None:
        return known
    refusal = adjust.refuse(drawer, rules, command, moment.today)
    member = drawer.member
    if refusal is not None or member is None:
        return refusal or Problem("unknown_member", at="/member")
    book = Book(member, moment, command.actor, drawer.lots, drawer.following)
    givers = [
        Book(facts.member, moment, command.actor, facts.lots, facts.following)
        for facts in others
        if facts.member is not None
    ]
    missing = -command.request.points - member.available
    if missing > sum(max(0, giver.member.available) for giver in givers):
        pool = member.available + sum(max(0, giver.member.available) for giver in givers)
        short = -command.request.points - pool
        return Problem(
            "insufficient_points", f"The household has {pool} points, {short} too few.", at="/points"
        )
    # From here the others give what is missing, and the debit posts.
    written: list[Book] = []
    for giver in givers:
        part = min(missing, max(0, giver.member.available))
        if part > 0:
            carry(giver, book, part, POOL, moment.today)
            giver.close()
            written.append(giver)
            missing -= part
    decision = adjust.post(book, rules, command, moment)
    parts = [(giver.member.shard, _given(giver, book, decision)) for giver in written]
    return Move(decision.answer, (*parts, (member.shard, decision)))


def _given(giver: Book, drawer: Book, decision: Decision) -> Decision:
    sent = next(journal for journal in giver.journals if journal.kind == POOL.sent)
    points = sum(one.amount for one in giver.transfers if one.kind == POOL.kind)
    names = show("mem", giver.member.member_id), show("mem", drawer.member.member_id)
    return Decision(decision.answer, giver, events=[told("points.sent", sent, *names, points)])
