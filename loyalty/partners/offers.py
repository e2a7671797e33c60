"""What an offer costs a member, who may have it, and every reason why not. Pure.

Prices are of the day of use and the member's tier; limits are of the day of booking, in the program's time zone.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from fractions import Fraction
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from loyalty import money
from loyalty.partners.details import Use
from loyalty.partners.model import HOTEL, Offer, Partner, Per, Price, Stock
from loyalty.partners.reasons import Expiring, Reason, in_order, no_price

SOON: Final = timedelta(days=90)
"""How long before they expire points are worth a word."""

STOCK: Final = "stock:"
"""What the budgets of offers begin with; the offer's code follows."""

_DAY: Final = timedelta(days=1)


class Listing(Struct, frozen=True, gc=False):
    """An offer ready to use: one version of it, its partner (None: the hotel), its currency and time zone.

    `currency` is of cash and of settlement, `decimals` those of its amounts; `point_value` is money for one point.
    """

    offer: Offer
    version: int
    partner: Partner | None
    zone: ZoneInfo
    currency: str
    decimals: int
    point_value: Fraction = Fraction(0)

    @property
    def partner_code(self) -> str:
        """Whose it is; `hotel` for the hotel's own."""
        return self.offer.partner or HOTEL


class Taken(Struct, frozen=True, gc=False):
    """What a member has of an offer already: so many, booked on a day. What was released or refunded counts no more."""

    quantity: int
    on: date


class Guest(Struct, frozen=True, gc=False):
    """The member as offers look at them: today's tier, points to spend, what of those expires when (soonest first)."""

    tier: str
    available: int
    segments: tuple[str, ...] = ()
    closed: bool = False
    expiring: Sequence[tuple[date, int]] = ()


class Cost(Struct, frozen=True, gc=False):
    """What a redemption comes to: points, cash besides, and the money owed to the partner, both in minor units."""

    points: int
    cash: int
    value: int


class Order(Struct, frozen=True, gc=False):
    """What is to be redeemed, and what it costs a member of a tier; `draws` is what it takes of which budgets."""

    use: Use
    cost: Cost
    tier: str
    draws: dict[str, int]


class Season(Struct, frozen=True, gc=False):
    """The price for a member on the days of use from `first` to `last`; None: on all after it."""

    first: date
    last: date | None
    price: Price


# --- What it costs ----------------------------------------------------------------------------------------------------


def price_on(offer: Offer, tier: str, day: date) -> Price | None:
    """Return the price of one on a day of use for members of a tier: the first that fits; None when none does."""
    return next((price for price in offer.prices if _holds(price, tier, day)), None)


def cost(listing: Listing, tier: str, use: Use) -> Cost | date:
    """Return what a redemption costs a member of a tier; or the first day of use that has no price."""
    offer = listing.offer
    if offer.miles is not None:
        return Cost(use.points, 0, value(listing, use.points, use.quantity))
    points = cash = 0
    for day in use.days:
        price = price_on(offer, tier, day)
        if price is None:
            return day
        points += price.points * use.each_day
        cash += _minor(price.cash, listing.decimals) * use.each_day
    return Cost(points, cash, value(listing, points, use.quantity))


def value(listing: Listing, points: int, quantity: int) -> int:
    """Return the money owed for a redemption in minor units: by the offer's own value, or else by its points, down."""
    if listing.offer.value is not None:
        return _minor(listing.offer.value, listing.decimals) * quantity
    worth = listing.point_value
    return points * worth.numerator * 10**listing.decimals // worth.denominator


def seasons(offer: Offer, tier: str, today: date) -> list[Season]:
    """Return the prices of one for a tier by the days of use from today on; days without a price are left out."""
    edges = {today}
    for price in offer.prices:
        edges |= {day for day in (price.first, _after(price.last)) if day is not None and day > today}
    found: list[Season] = []
    begins = sorted(edges)
    for place, first in enumerate(begins):
        price = price_on(offer, tier, first)
        last = begins[place + 1] - _DAY if place + 1 < len(begins) else None
        if price is None:
            continue
        if found and found[-1].price is price and _after(found[-1].last) == first:
            found[-1] = Season(found[-1].first, last, price)
        else:
            found.append(Season(first, last, price))
    return found


def _holds(price: Price, tier: str, day: date) -> bool:
    return (
        (price.first is None or price.first <= day)
        and (price.last is None or day <= price.last)
        and (not price.tiers or tier in price.tiers)
    )


def _after(day: date | None) -> date | None:
    return None if day is None or day == date.max else day + _DAY


def _minor(text: str | None, decimals: int) -> int:
    """Return an amount in minor units, which was checked to be no finer than its currency."""
    exact = 0 if text is None else money.to_minor(text, decimals)
    assert exact is not None, "an amount on file fits its currency"
    return exact


# --- What there is of it ----------------------------------------------------------------------------------------------


def stock_key(code: str, slot: str = "") -> str:
    """Return the name of the budget of an offer, or of one of its days or times.

    >>> stock_key("monet", "2026-12-24"), stock_key("umbrella")
    ('stock:monet/2026-12-24', 'stock:umbrella')
    """
    return f"{STOCK}{code}/{slot}" if slot else STOCK + code


def draws(offer: Offer, use: Use) -> dict[str, int]:
    """Return what a redemption takes of which budgets; nothing where there is no end of it."""
    if offer.stock is None:
        return {}
    if offer.stock.per == "all":
        return {stock_key(offer.code): use.quantity}
    if offer.stock.per == "slot":
        return {stock_key(offer.code, use.slot): use.quantity}
    return {stock_key(offer.code, str(day)): use.each_day for day in use.days}


def stocked(stock: Stock, slot: str) -> int | None:
    """Return how many there are on a day or at a time; None when it isn't offered then."""
    return next((one.amount for one in stock.slots if one.slot == slot), stock.amount)


def budgets(offer: Offer) -> dict[str, int]:
    """Return the budgets that an offer names: of all, or of its slots. Days it doesn't name have theirs once asked."""
    stock = offer.stock
    if stock is None:
        return {}
    if stock.per == "all":
        return {stock_key(offer.code): stock.amount or 0}
    return {stock_key(offer.code, one.slot): one.amount for one in stock.slots}


def openings(offer: Offer, use: Use) -> dict[str, int]:
    """Return how many there are of the budgets that a redemption draws on: nobody may have asked for them before."""
    if offer.stock is None or offer.stock.per == "all":
        return {}
    slots = [use.slot] if offer.stock.per == "slot" else [str(day) for day in use.days]
    amounts = {stock_key(offer.code, slot): stocked(offer.stock, slot) for slot in slots}
    return {name: amount for name, amount in amounts.items() if amount is not None}


# --- Who may have it --------------------------------------------------------------------------------------------------


def why_not(
    listing: Listing, guest: Guest, today: date, quantity: int, taken: Iterable[Taken]
) -> list[Reason]:
    """Return why a member can't have so many of an offer today, whatever the day of use: all reasons, in order."""
    return [*_standing(listing, guest, today), *_limits(listing.offer, quantity, taken, today)]


def _standing(listing: Listing, guest: Guest, today: date) -> Iterator[Reason]:
    offer = listing.offer
    if guest.closed:
        yield Reason("member_closed")
    if listing.partner is not None and listing.partner.status == "suspended":
        yield Reason("partner_suspended")
    if offer.status == "suspended":
        yield Reason("offer_suspended")
    if offer.first is not None and today < offer.first:
        yield Reason("offer_not_open", opens=offer.first)
    if offer.last is not None and today > offer.last:
        yield Reason("offer_expired", until=offer.last)
    if offer.tiers and guest.tier not in offer.tiers:
        yield Reason("wrong_tier", among=offer.tiers)
    if offer.segments and not set(offer.segments) & set(guest.segments):
        yield Reason("wrong_segment", among=offer.segments)


def _limits(offer: Offer, quantity: int, taken: Iterable[Taken], today: date) -> Iterator[Reason]:
    had = list(taken)
    for limit in offer.limits:
        count = sum(one.quantity for one in had if _period(one.on, limit.per) == _period(today, limit.per))
        if count + quantity > limit.most:
            yield Reason("limit_reached", most=limit.most, per=limit.per, left=max(0, limit.most - count))


def _period(day: date, per: Per) -> tuple[int, ...]:
    """Return the period in which a day lies: days of one period are counted together."""
    return {"ever": (), "year": (day.year,), "month": (day.year, day.month)}.get(
        per, (day.year, day.month, day.day)
    )


def unaffordable(guest: Guest, points: int, today: date) -> Reason | None:
    """Return how many points a member is short of, and what of those there are expires soon; None: there are enough."""
    available = max(0, guest.available)
    if points <= available:
        return None
    soon = tuple(Expiring(day, some) for day, some in guest.expiring if some > 0 and day <= today + SOON)
    return Reason("insufficient_points", missing=points - available, available=available, expiring=soon)


def decide(
    listing: Listing, guest: Guest, use: Use, today: date, taken: Iterable[Taken] = ()
) -> Cost | list[Reason]:
    """Return what a redemption costs a member, or all reasons why it can't be; stock is looked at elsewhere."""
    reasons = why_not(listing, guest, today, use.quantity, taken)
    found = cost(listing, guest.tier, use)
    if isinstance(found, date):
        reasons.append(no_price(found))
        return in_order(reasons)
    short = unaffordable(guest, found.points, today)
    return [*reasons, short] if short else reasons or found
