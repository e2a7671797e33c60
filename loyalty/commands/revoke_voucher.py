"""Revoke a voucher by hand, with a reason. Nothing is given back for it; a reward's can't be used any more either.

Refusals, in this order: the key was used with another request; the code is nobody's, or not any more; the voucher was
redeemed, was revoked, or its time is up.
"""

from msgspec import Struct, structs

from loyalty.commands import rewarding, vouching
from loyalty.commands.adjust import Why
from loyalty.commands.model import Decision, Facts, Key, Result, replay
from loyalty.commands.rewarding import Happened
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ids import UUID
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book


class RevokeVoucherRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Why it is revoked."""

    reason: Why


class RevokeVoucher(Struct, frozen=True, gc=False):
    """The end of a voucher, well-formed; `target` is whose it was first, `handed_over` what its code was made with."""

    target: UUID
    voucher_id: UUID
    handed_over: int
    request: RevokeVoucherRequest
    actor: str
    key: Key


def decide(facts: Facts, rules: Rulebook, command: RevokeVoucher, moment: Moment) -> Result:
    """Decide what revoking a voucher comes to."""
    del rules
    known = replay(facts.prior, command.key)
    if known is not None:
        return known
    member = facts.member
    one = vouching.find(facts, command.voucher_id, command.handed_over)
    if member is None or one is None:
        return Problem("unknown_voucher")
    refused = vouching.refusal(one, moment.today)
    if refused is not None:
        return refused
    # From here it is revoked.
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    told = vouching.reason(one, f": {command.request.reason}")
    journal = book.journal("voucher_revoked", moment.today, told)
    one = vouching.changed(one, "revoked", journal)
    # The crossing gives no second one: the reward ends as if its time were up.
    rewards = [
        Happened(structs.replace(row, status="expired", changed_by=journal.journal_id), "expired", journal)
        for row in facts.rewards or ()
        if row.reward_id == one.voucher_id
    ]
    book.close()
    events = vouching.events_of([one], "revoked", journal, moment)
    events += rewarding.events_of(book, rewards, moment, events)
    return Decision(
        vouching.answer_of(one), book, events=events, key=command.key, rewards=rewarding.last_states(rewards),
        vouchers=[one],
    )  # fmt: skip
