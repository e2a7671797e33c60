"""Refund what was captured, all or a part: its points go back to the lots that they came from.

Refusals, in this order: the key was used with another request; the redemption is unknown, or another partner's; the
key's own person; the account was merged meanwhile; no reason is given; it isn't captured; more would be refunded than
was captured; the offer can't be refunded, or not any more, unless an operator says why it is all the same;
vouchers of it were redeemed.

What wasn't used yet goes back into stock; its vouchers are revoked.
"""

from datetime import UTC
from typing import Annotated

from msgspec import Meta, Struct

from loyalty.commands import redeeming, vouching
from loyalty.commands.adjust import Note
from loyalty.commands.model import Facts, Key, Result, Target, replay
from loyalty.commands.redeeming import PARTNER, Caller
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ids import UUID
from loyalty.ledger.model import Member, Moment
from loyalty.ledger.rules import Book
from loyalty.partners.details import refundable_until
from loyalty.partners.offers import Listing
from loyalty.partners.redemption import Redemption


class RefundRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Refund so many of what was captured, for a reason; left out, all that is left of it."""

    reason: Note
    quantity: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None


class Refund(Struct, frozen=True, gc=False):
    """A refund that is well-formed."""

    target: Target
    redemption_id: UUID
    request: RefundRequest
    caller: Caller
    key: Key


def decide(facts: Facts, rules: Rulebook, command: Refund, moment: Moment) -> Result:
    """Decide what a refund comes to."""
    del rules
    known = replay(facts.prior, command.key)
    if known is not None:
        return known
    found = redeeming.find(facts, command.caller)
    if isinstance(found, Problem):
        return found
    member, one, listing = found
    quantity = command.request.quantity or one.captured - one.refunded
    refusal = _refuse(member, one, listing, command, quantity, moment)
    refusal = refusal or vouching.check_refund(one, facts.vouchers, quantity)
    if refusal is not None:
        return refusal
    # From here it is refunded.
    book = Book(member, moment, command.caller.name, facts.lots, facts.following)
    share, reason = one.refunds(quantity), command.request.reason
    journal = book.journal("redemption_refunded", moment.today, redeeming.words(one, reason))
    book.refund(share.points, PARTNER + one.partner, facts.pinned, moment.today)
    deed = redeeming.take_step(
        one, "refunded", share, journal, moment, reason, refunded=one.refunded + quantity
    )
    vouchers = vouching.of_refund(one, facts.vouchers, quantity, journal)
    deed = redeeming.with_vouchers(deed, vouchers, moment)
    book.close()
    used = one.begins is not None and one.begins <= moment.at
    back = {} if used else one.gives_back(deed.redemption.kept)
    return redeeming.decision(book, [deed], listing, command.caller, command.key, back)


def _refuse(
    member: Member, one: Redemption, listing: Listing, command: Refund, quantity: int, moment: Moment
) -> Problem | None:
    if member.status != "active":
        detail = "The member's account was merged into another one: adjust the points there."
        return Problem("not_refundable", detail)
    if not command.request.reason.strip():
        return Problem("reason_missing", "Say why it is refunded.", at="/reason")
    refusal = redeeming.refuse_step(one, "refunded", moment)
    if refusal is not None:
        return refusal
    left = one.captured - one.refunded
    if quantity > left:
        detail = f"{left} of it can be refunded."
        return Problem("refund_above_capture", detail, at="/quantity", numbers={"left": left})
    return None if command.caller.operator else _too_late(one, listing, moment)


def _too_late(one: Redemption, listing: Listing, moment: Moment) -> Problem | None:
    if not listing.offer.refundable:
        return Problem("not_refundable", "The offer can't be refunded; an operator may do it.")
    until = refundable_until(listing.offer, one.begins)
    if until is not None and until <= moment.at:
        return Problem(
            "refund_over", f"It could be refunded until {until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}."
        )
    return None
