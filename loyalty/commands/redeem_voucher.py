"""Redeem a voucher: once, in its time, by whoever shows its code. That of a reward uses the reward.

Refusals, in this order: the key was used with another request; the code is nobody's, or not any more; the voucher was
redeemed, was revoked, or its time is up.
"""

from msgspec import Struct

from loyalty.commands import rewarding, vouching
from loyalty.commands.adjust import Note
from loyalty.commands.model import Decision, Facts, Key, Result, replay
from loyalty.commands.rewarding import Happened
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ids import UUID
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book
from loyalty.stays.model import Code


class RedeemVoucherRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """At which hotel, if at one, and what there is to say."""

    property: Code | None = None
    note: Note | None = None

    def told(self) -> str:
        """Return it in a few words, a blank in front."""
        return (f" {self.property}" if self.property else "") + (f": {self.note}" if self.note else "")


class RedeemVoucher(Struct, frozen=True, gc=False):
    """The use of a voucher, well-formed; `target` is whose it was first, `handed_over` what its code was made with."""

    target: UUID
    voucher_id: UUID
    handed_over: int
    request: RedeemVoucherRequest
    actor: str
    key: Key


def decide(facts: Facts, rules: Rulebook, command: RedeemVoucher, moment: Moment) -> Result:
    """Decide what the use of a voucher comes to."""
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
    # From here it is redeemed.
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    told = vouching.reason(one, command.request.told())
    journal = book.journal("voucher_redeemed", moment.today, told)
    one = vouching.changed(one, "redeemed", journal, property=command.request.property or "")
    rewards = [
        Happened(rewarding.used(row, journal), "used", journal)
        for row in facts.rewards or ()
        if row.reward_id == one.voucher_id
    ]
    book.close()
    events = vouching.events_of([one], "redeemed", journal, moment)
    events += rewarding.events_of(book, rewards, moment, events)
    return Decision(
        vouching.answer_of(one), book, events=events, key=command.key, rewards=rewarding.last_states(rewards),
        vouchers=[one],
    )  # fmt: skip
