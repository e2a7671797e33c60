"""Capture points that are held: the partner gets them, all or a part; the rest goes back to the lots they came from.

Refusals, in this order: the key was used with another request; the redemption is unknown, or another partner's; the
key's own person; it isn't held, or its time is up; more would be captured than is held.
"""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from loyalty.commands import redeeming, vouching
from loyalty.commands.model import Facts, Key, Result, Target, replay
from loyalty.commands.redeeming import PARTNER, Caller, Deed
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ids import UUID
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book, Pinned
from loyalty.partners.model import Offer
from loyalty.partners.redemption import Redemption


class CaptureRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Capture so many of what is held; left out, all of it."""

    quantity: Annotated[int, Meta(ge=1, le=1_000_000_000)] | None = None


class Capture(Struct, frozen=True, gc=False):
    """A capture that is well-formed."""

    target: Target
    redemption_id: UUID
    request: CaptureRequest
    caller: Caller
    key: Key


def decide(facts: Facts, rules: Rulebook, command: Capture, moment: Moment) -> Result:
    """Decide what a capture comes to."""
    del rules
    known = replay(facts.prior, command.key)
    if known is not None:
        return known
    found = redeeming.find(facts, command.caller)
    if isinstance(found, Problem):
        return found
    member, one, listing = found
    refusal = redeeming.refuse_step(one, "captured", moment)
    if refusal is not None:
        return refusal
    quantity = command.request.quantity or one.quantity
    if quantity > one.quantity:
        detail = f"{one.quantity} are held."
        return Problem("capture_above_hold", detail, at="/quantity", numbers={"held": one.quantity})
    # From here it is captured.
    book = Book(member, moment, command.caller.name, facts.lots, facts.following)
    deed = post(book, one, listing.offer, quantity, facts.pinned, moment)
    book.close()
    return redeeming.decision(
        book, [deed], listing, command.caller, command.key, one.gives_back(deed.redemption.kept)
    )


def post(
    book: Book, one: Redemption, offer: Offer, quantity: int, pinned: Sequence[Pinned], moment: Moment
) -> Deed:
    """Post a capture; where it is of a part, `pinned` are the lots that the rest goes back to.

    It issues the vouchers that the offer gives.
    """
    share = one.captures(quantity)
    journal = book.journal("hold_captured", moment.today, redeeming.words(one))
    book.capture(share.points, PARTNER + one.partner, moment.today)
    book.release(one.points - share.points, pinned, moment.today)
    deed = redeeming.take_step(one, "captured", share, journal, moment, captured=quantity)
    return redeeming.with_vouchers(
        deed, vouching.of_capture(deed.redemption, offer, quantity, journal, moment), moment
    )
