"""Hold points for an offer: they are set aside, first to expire first, until they are captured or given back.

Refusals, in this order: the key was used with another request; the member is unknown; the key's own person; an operator
gives no reason; the token is unknown, for another partner, used or too old, or its account was merged; the offer is
unknown, or another partner's;
what the details say; no price for the day; the token or `max_points` is for fewer points; who may have it, and when;
the limits of a member; the partner's reference is taken; it is sold out; the member hasn't enough points.

With `capture`, it is captured at once: two journals of one decision. Points of a household aren't drawn on.
"""

from datetime import UTC
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct, structs

from loyalty.commands import capture, redeeming
from loyalty.commands.adjust import Note
from loyalty.commands.model import Decision, Facts, Key, Result, Short, Target, replay, survivor_of
from loyalty.commands.redeeming import Caller
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ledger.model import Member, Moment
from loyalty.ledger.rules import ALL, Book
from loyalty.partners import details, offers, reasons
from loyalty.partners.model import Quantity
from loyalty.partners.offers import Cost, Guest, Listing, Order
from loyalty.partners.redemption import Redemption, Share
from loyalty.program.model import Identifier
from loyalty.stays.model import MemberKey

_encode = msgspec.json.Encoder().encode

TokenText = Annotated[
    str, Meta(max_length=100, description="A redemption token that the member has made for the partner.")
]

OwnReference = Annotated[
    str,
    Meta(
        pattern=r"^[!-*,.-<>?A-~]([ -~]{0,62}[!-~])?$(?!\n)",
        description="A text of 1 to 64 printable ASCII characters, no space at either end, and none of `=+-@` first.",
    ),
]
"""Statements tell it, and spreadsheets reckon with what begins so."""


class RedemptionRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Redeem an offer: hold its points, or take them at once with `capture`.

    `details` are what the offer's kind asks for. A partner's key names a `token`, any other the `member`; an operator
    gives a `reason`. `reference` is the partner's own name for it. Nothing is held if it costs more than `max_points`.
    """

    offer: Identifier
    details: dict[str, Any]
    quantity: Quantity | None = None
    member: MemberKey | None = None
    token: TokenText | None = None
    reference: OwnReference | None = None
    reason: Note | None = None
    capture: bool = False
    max_points: Annotated[int, Meta(ge=1, le=2**53)] | None = None


class Hold(Struct, frozen=True, gc=False):
    """A hold that is well-formed; `token` is the hash of the one that it is given."""

    target: Target
    request: RedemptionRequest
    caller: Caller
    key: Key
    token: bytes | None = None


def price(listing: Listing, tier: str, request: RedemptionRequest, moment: Moment) -> Order | Problem:
    """Return what a redemption is for and costs; or what is wrong with it."""
    use = details.read(
        listing.offer, request.details, request.quantity, moment.today, moment.at, listing.zone
    )
    if isinstance(use, Problem):
        return use
    cost = offers.cost(listing, tier, use)
    if not isinstance(cost, Cost):
        return reasons.problem([reasons.no_price(cost)])
    return Order(use, cost, tier, offers.draws(listing.offer, use))


def look_ahead(facts: Facts, rules: Rulebook, command: Hold, moment: Moment) -> Order | None:
    """Return what will be asked for, so that lots and stock can be read for it; None when it will be refused."""
    if facts.member is None or facts.prior is not None or facts.listing is None:
        return None
    order = price(facts.listing, _tier(facts.member, rules, moment), command.request, moment)
    return order if isinstance(order, Order) else None


def decide(facts: Facts, rules: Rulebook, command: Hold, moment: Moment) -> Result:
    """Decide what a hold comes to."""
    known = replay(facts.prior, command.key)
    if known is not None:
        return known
    member, listing = facts.member, facts.listing
    if member is None:
        return Problem("unknown_member", at="/member")
    refusal = _refuse_caller(facts, member, command, moment)
    if refusal is not None:
        return refusal
    if listing is None:
        return Problem("unknown_offer", f"There is no offer {command.request.offer}.", at="/offer")
    if command.caller.partner and command.caller.partner != listing.partner_code:
        return Problem("forbidden_partner", f"The offer is one of {listing.partner_code}.", at="/offer")
    order = facts.order or price(listing, _tier(member, rules, moment), command.request, moment)
    if isinstance(order, Problem):
        return order
    refusal = _refuse(facts, member, listing, command, order, moment) or _stock(facts, listing, order)
    if refusal is not None:
        return refusal
    book = Book(member, moment, command.caller.name, facts.lots, facts.following)
    short = _unaffordable(book, order.cost.points, command, moment)
    if short is not None:
        return short
    # From here the points are set aside.
    return _post(book, facts, listing, order, command, moment)


def _tier(member: Member, rules: Rulebook, moment: Moment) -> str:
    return rules.tiers.on(member, moment.today).code


def _refuse_caller(facts: Facts, member: Member, command: Hold, moment: Moment) -> Problem | None:
    """Return why a caller may not redeem for a member."""
    caller, token = command.caller, facts.token
    refusal = redeeming.refuse_caller(member, caller)
    if refusal is not None:
        return refusal
    if caller.operator and not (command.request.reason or "").strip():
        return Problem("reason_missing", "An operator says why a member's points are redeemed.", at="/reason")
    if not caller.partner:
        return None
    if command.token is None or token is None or token.member_id != member.member_id:
        return Problem("invalid_token", at="/token")
    if token.partner != caller.partner:
        return Problem("token_of_another_partner", at="/token")
    if token.redemption_id is not None:
        return Problem("token_used", at="/token")
    if token.expires_at <= moment.at:
        return Problem(
            "token_expired", f"It was valid until {token.expires_at:%Y-%m-%dT%H:%M:%SZ}.", at="/token"
        )
    if survivor_of(member) is not None:
        return Problem("token_of_merged_account", "Ask the member for a new token.", at="/token")
    return None


def _refuse(
    facts: Facts, member: Member, listing: Listing, command: Hold, order: Order, moment: Moment
) -> Problem | None:
    """Return why an offer can't be had as it is asked for, however many there are and whatever the member has."""
    request, points, token = command.request, order.cost.points, facts.token
    if command.caller.partner and token is not None and points > token.points:
        detail = f"It costs {points} points; the token is for {token.points}."
        return Problem("token_too_small", detail, at="/token", numbers={"points": points})
    if request.max_points is not None and points > request.max_points:
        return Problem(
            "price_changed", f"It costs {points} points.", at="/max_points", numbers={"points": points}
        )
    guest = Guest(order.tier, 0, member.traits.segments, member.status != "active")
    found = offers.why_not(listing, guest, moment.today, order.use.quantity, facts.taken)
    if found:
        return reasons.problem(found)
    if facts.referenced is not None:
        return Problem(
            "reference_taken", f"{listing.partner_code} has used {request.reference}.", at="/reference"
        )
    return None


def _stock(facts: Facts, listing: Listing, order: Order) -> Problem | Short | None:
    """Return that there are too few at hand, or no more anywhere."""
    for name, number in order.draws.items():
        at_hand = facts.budgets.get(name, 0)
        if at_hand >= number:
            continue
        if name not in facts.spent:
            return Short(name, number - at_hand, offers.openings(listing.offer, order.use).get(name))
        return reasons.problem([reasons.sold_out(max(0, facts.left.get(name, at_hand)))])
    return None


def _unaffordable(book: Book, points: int, command: Hold, moment: Moment) -> Problem | None:
    """Return how many points are missing; a partner isn't told what there is."""
    if book.member.available >= points:
        return None
    if command.caller.partner:
        missing = points - max(0, book.member.available)
        detail = f"{missing} points are missing."
        return Problem("insufficient_points", detail, at="/token", numbers={"missing": missing})
    expiring = [(day, some) for day, some in book.first_to_expire(ALL) if day is not None]
    short = offers.unaffordable(Guest("", book.member.available, expiring=expiring), points, moment.today)
    assert short is not None, "who hasn't enough is short of some"
    return reasons.problem([short])


def _post(
    book: Book, facts: Facts, listing: Listing, order: Order, command: Hold, moment: Moment
) -> Decision:
    member, request, reason = book.member, command.request, command.request.reason or ""
    one = _redemption(member, listing, order, request, moment)
    journal = book.journal("points_held", moment.today, redeeming.words(one, reason))
    book.hold(one.points, moment.today)
    book.act(moment.today, "spend")
    share = Share(one.quantity, one.points, one.cash, one.value)
    deeds = [
        redeeming.take_step(structs.replace(one, status="", step=0), "held", share, journal, moment, reason)
    ]
    if request.capture:
        deeds.append(capture.post(book, deeds[0].redemption, listing.offer, one.quantity, (), moment))
    book.close()
    done = redeeming.decision(book, deeds, listing, command.caller, command.key, order.draws, 201)
    if facts.token is not None and command.caller.partner:
        done.tokens = [structs.replace(facts.token, redemption_id=one.redemption_id)]
    return done


def _redemption(
    member: Member, listing: Listing, order: Order, request: RedemptionRequest, moment: Moment
) -> Redemption:
    """Return the redemption as it begins."""
    use, cost, offer = order.use, order.cost, listing.offer
    return Redemption(
        moment.mint(member.shard), member.member_id, offer.code, listing.version, listing.partner_code,
        request.reference, "held", use.quantity, cost.points, cost.cash, cost.value, listing.currency, order.tier,
        _encode(use.details).decode(), _encode(order.draws).decode(), use.slot, use.venue,
        None if use.begins is None else use.begins.astimezone(UTC),
        moment.today, details.hold_expires(offer, use, moment.at, listing.zone), 0, 0, 1,
    )  # fmt: skip
