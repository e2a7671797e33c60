"""Hand a voucher over, where its offer allows: it gets a new code, and the old one is void.

It goes to another member, who then sees the code, or to whoever is told the new code. Nobody's name is kept; but
whose it was last is, as that member's key still doesn't redeem it.

Refusals, in this order: the key was used with another request; the code is nobody's, or not any more; the voucher was
redeemed, was revoked, or its time is up; its offer doesn't allow it; the member has it already.
"""

from msgspec import Struct

from loyalty.commands import vouching
from loyalty.commands.model import Decision, Facts, Key, Result, replay
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ids import UUID
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book
from loyalty.vouchers.model import owner_of


class HandOver(Struct, frozen=True, gc=False):
    """A voucher that goes to a member (None: to whoever holds the new code), well-formed.

    `target` is whose it was first, `handed_over` what the code was made with that was shown. `holder_id` is the account
    that has it already, if that was merged into the member's.
    """

    target: UUID
    voucher_id: UUID
    handed_over: int
    holder_id: UUID | None
    actor: str
    key: Key


def decide(facts: Facts, rules: Rulebook, command: HandOver, moment: Moment) -> Result:
    """Decide what handing a voucher over comes to."""
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
    if not one.transferable:
        return Problem("not_transferable", f"{one.item} is for the member alone.")
    owner_id = owner_of(one)
    if command.holder_id is not None and command.holder_id == owner_id:
        return Problem("same_member", "The member has it already.", at="/member")
    # From here it has a new code.
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    journal = book.journal("voucher_handed_over", moment.today, vouching.reason(one))
    one = vouching.changed(
        one, "handed_over", journal, handed_over=one.handed_over + 1, holder_id=command.holder_id,
        giver_id=(owner_id or one.giver_id) if command.holder_id is None else None,
    )  # fmt: skip
    book.close()
    events = vouching.events_of([one], "handed_over", journal, moment)
    return Decision(vouching.answer_of(one), book, events=events, key=command.key, vouchers=[one])
