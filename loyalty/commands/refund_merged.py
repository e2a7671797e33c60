"""Refund what an account redeemed that was merged meanwhile: what comes back goes on to the survivor.

Refusals are those of a refund; the key's own person is also one who stands for the account by now.

The refund is posted in the account's own book, as if it had never been merged: there are the redemption and the lots
that its points came from. What has expired meanwhile is lost there, at once. The rest moves on in the same transaction,
with the expiry it has, and repays what the survivor owes; the account has nothing left, as before. The survivor's
statement has a line of it in any case: where nothing moves on, it says why.
"""

from collections.abc import Sequence

from loyalty.commands import redeeming, refund
from loyalty.commands.carry import Words, carry
from loyalty.commands.model import Decision, Facts, Move, Result, replay
from loyalty.commands.redeeming import Deed
from loyalty.commands.refund import Refund
from loyalty.commands.transfer import told
from loyalty.errors import Problem
from loyalty.ids import show
from loyalty.ledger.model import Journal, Moment
from loyalty.ledger.rules import Book


def decide(account: Facts, heirs: Sequence[Facts], command: Refund, moment: Moment) -> Move | Result:
    """Decide a refund to an account; each of its heirs stands for the one before, the last is the survivor.

    All rows are locked.
    """
    known = replay(account.prior, command.key)
    if known is not None:
        return known
    found = redeeming.find(account, command.caller)
    if isinstance(found, Problem):
        return found
    member, one, listing = found
    others = [heir.member for heir in heirs if heir.member is not None]
    own = (redeeming.refuse_caller(other, command.caller) for other in others)
    refusal = next(filter(None, own), None) or refund.refuse(account, one, listing, command, moment)
    if refusal is not None:
        return refusal
    # From here it is refunded.
    survivor, name = others[-1], command.caller.name
    giver = Book(member, moment, name, account.lots, account.following)
    taker = Book(survivor, moment, name, heirs[-1].lots, heirs[-1].following)
    deed, back = refund.post(giver, account, one, command, moment)
    giver.close()
    points = member.available
    arrived = _pass_on(giver, taker, _reason(deed, points), moment)
    decision = redeeming.decision(
        giver, [deed], listing, command.caller, command.key, back, survivor=survivor
    )
    names = show("mem", survivor.member_id), show("mem", member.member_id)
    events = [told("points.received", arrived, *names, points)] if points else []
    received = Decision(decision.answer, taker, events=events)
    return Move(decision.answer, ((member.shard, decision), (survivor.shard, received)))


def _reason(deed: Deed, points: int) -> str:
    """Return what both sides' journals say: of what it is a refund, and how many points of it had expired."""
    what, lost = f"refund of {redeeming.words(deed.redemption)}", deed.step.points - points
    return f"{what}, {lost} points had expired: {deed.step.reason}" if lost else f"{what}: {deed.step.reason}"


def _pass_on(giver: Book, taker: Book, reason: str, moment: Moment) -> Journal:
    """Move all that the giver has; return the taker's first journal of it, which is there even if that is nothing."""
    words = Words("merged_out", "merged_in", "merge", reason, counted=False)
    before = len(taker.journals)
    if not carry(giver, taker, giver.member.available, words, moment.today):
        sent = giver.journal(words.sent, moment.today, reason)
        received = taker.journal(words.received, moment.today, reason)
        sent.linked_id, received.linked_id = received.journal_id, sent.journal_id
    assert not giver.member.available, "an account that was merged keeps nothing"
    taker.close()
    return taker.journals[before]
