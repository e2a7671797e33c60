"""Refund what was captured, all or a part: its points go back to the lots that they came from.

Refusals, in this order: the key was used with another request; the redemption is unknown, or another partner's; the
key's own person; no reason is given; it isn't captured; more would be refunded than was captured; the offer can't be
refunded, or not any more, unless an operator says why it is all the same; vouchers of it were redeemed.

What wasn't used yet goes back into stock; its vouchers are revoked. Where the account was merged meanwhile, the points
go on to the survivor: see `refund_merged.py`.
"""

from datetime import UTC
from typing import Annotated

from msgspec import Meta, Struct

from loyalty.commands import redeeming, vouching
from loyalty.commands.adjust import Note
from loyalty.commands.model import Alias, Facts, Key, Result, replay, survivor_of
from loyalty.commands.redeeming import PARTNER, Caller, Deed
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ids import UUID
from loyalty.ledger.model import Moment
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

    target: UUID
    redemption_id: UUID
    request: RefundRequest
    caller: Caller
    key: Key


def decide(facts: Facts, rules: Rulebook, command: Refund, moment: Moment) -> Result:
    """Decide what a refund comes to; of an account that was merged, that it takes a transaction with the survivor."""
    del rules
    known = replay(facts.prior, command.key)
    if known is not None:
        return known
    found = redeeming.find(facts, command.caller)
    if isinstance(found, Problem):
        return found
    member, one, listing = found
    survivor = survivor_of(member)
    if survivor is not None:
        return Alias(survivor)
    refusal = refuse(facts, one, listing, command, moment)
    if refusal is not None:
        return refusal
    # From here it is refunded.
    book = Book(member, moment, command.caller.name, facts.lots, facts.following)
    deed, back = post(book, facts, one, command, moment)
    book.close()
    return redeeming.decision(book, [deed], listing, command.caller, command.key, back)


def refuse(
    facts: Facts, one: Redemption, listing: Listing, command: Refund, moment: Moment
) -> Problem | None:
    """Return why a redemption can't be refunded, or not so many of it."""
    if not command.request.reason.strip():
        return Problem("reason_missing", "Say why it is refunded.", at="/reason")
    refusal = redeeming.refuse_step(one, "refunded", moment)
    if refusal is not None:
        return refusal
    quantity, left = _quantity(one, command), one.captured - one.refunded
    if quantity > left:
        detail = f"{left} of it can be refunded."
        return Problem("refund_above_capture", detail, at="/quantity", numbers={"left": left})
    late = None if command.caller.operator else _too_late(one, listing, moment)
    return late or vouching.check_refund(one, facts.vouchers, quantity)


def post(
    book: Book, facts: Facts, one: Redemption, command: Refund, moment: Moment
) -> tuple[Deed, dict[str, int]]:
    """Post a refund that isn't refused; return it, and what goes back into stock: nothing once it was used."""
    quantity, reason = _quantity(one, command), command.request.reason
    share = one.refunds(quantity)
    journal = book.journal("redemption_refunded", moment.today, redeeming.words(one, reason))
    book.refund(share.points, PARTNER + one.partner, facts.pinned, moment.today)
    deed = redeeming.take_step(
        one, "refunded", share, journal, moment, reason, refunded=one.refunded + quantity
    )
    vouchers = vouching.of_refund(one, facts.vouchers, quantity, journal)
    deed = redeeming.with_vouchers(deed, vouchers, moment)
    used = one.begins is not None and one.begins <= moment.at
    return deed, {} if used else one.gives_back(deed.redemption.kept)


def _quantity(one: Redemption, command: Refund) -> int:
    return command.request.quantity or one.captured - one.refunded


def _too_late(one: Redemption, listing: Listing, moment: Moment) -> Problem | None:
    if not listing.offer.refundable:
        return Problem("not_refundable", "The offer can't be refunded; an operator may do it.")
    until = refundable_until(listing.offer, one.begins)
    if until is not None and until <= moment.at:
        return Problem(
            "refund_over", f"It could be refunded until {until.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}."
        )
    return None
