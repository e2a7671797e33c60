"""What of the catalogue is shown to a member: price, what is left of it, and why not. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Literal

from msgspec import UNSET, Struct, UnsetType, structs

from loyalty import money
from loyalty.partners.details import FORMS
from loyalty.partners.model import HOTEL, Kind, Limit, Miles, Price
from loyalty.partners.offers import (
    Guest,
    Listing,
    Taken,
    price_on,
    seasons,
    stock_key,
    stocked,
    unaffordable,
    why_not,
)
from loyalty.partners.reasons import Reason, in_order, no_price, sentence, sold_out

Language = Literal["en", "zh"]
Names = Mapping[str, str]

_HOTEL: Names = {"en": "The hotel", "zh": "酒店"}


class CashView(Struct, frozen=True, gc=False):
    """Money, as a decimal string."""

    amount: str
    currency: str


class PriceView(Struct, frozen=True, gc=False, omit_defaults=True):
    """What one costs, for days of use from `first` to `last` and members of `tiers`, where that is limited."""

    points: int
    cash: CashView | None = None
    first: date | None = None
    last: date | None = None
    tiers: tuple[str, ...] = ()


class SlotView(Struct, frozen=True, gc=False):
    """How many are left of a day or a time."""

    slot: str
    left: int


class StockView(Struct, frozen=True, gc=False, omit_defaults=True):
    """How many are `left`; by date or slot, of each that has a number of its own, and `amount` of any other."""

    per: Literal["all", "date", "slot"]
    left: int | None = None
    slots: tuple[SlotView, ...] = ()
    amount: int | None = None


class PartnerName(Struct, frozen=True, gc=False):
    """Whose offer it is; `hotel` is the hotel itself."""

    code: str
    name: Names


class ReasonView(Reason, frozen=True, gc=False, omit_defaults=True, kw_only=True):
    """A reason why not, with its numbers and a sentence in the language of `Accept-Language`."""

    text: str


class OfferView(Struct, frozen=True, gc=False, omit_defaults=True):
    """An offer as a member is shown it; `title` and `description` in the language of `Accept-Language`.

    `prices` are those of the member's tier from today on. Miles cost the points converted. `stock`: left out, there is
    no end of it. `details` are the fields that a redemption must state. `why_not`: all reasons, left out for what the
    member may have.
    """

    code: str
    version: int
    kind: Kind
    partner: PartnerName
    title: str
    name: Names
    description: str | UnsetType = UNSET
    text: Names | UnsetType = UNSET
    images: tuple[str, ...] = ()
    prices: tuple[PriceView, ...] = ()
    miles: Miles | None = None
    stock: StockView | None = None
    limits: tuple[Limit, ...] = ()
    first: date | None = None
    last: date | None = None
    details: tuple[str, ...] = ()
    cabins: tuple[str, ...] = ()
    venues: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    refundable: bool = True
    refundable_until_hours: int | None = None
    voucher: bool = False
    why_not: tuple[ReasonView, ...] = ()


class Look(Struct, frozen=True, gc=False):
    """Who looks when: today, the language, the member (None: anybody), and the day of use that is asked for, if any."""

    today: date
    language: Language
    guest: Guest | None = None
    on: date | None = None


def show(listing: Listing, look: Look, left: Mapping[str, int], taken: Sequence[Taken] = ()) -> OfferView:
    """Return an offer as somebody is shown it; `left` is what there is left by the names of budgets."""
    offer, language = listing.offer, look.language
    stock = _stock(listing, look, left)
    reasons = in_order(
        [
            *_member(listing, look, taken),
            *_price(listing, look),
            *([sold_out()] if _gone(stock, look) else []),
        ]
    )
    return OfferView(
        offer.code, listing.version, offer.kind,
        PartnerName(HOTEL, _HOTEL) if listing.partner is None
        else PartnerName(listing.partner.code, structs.asdict(listing.partner.name)),
        getattr(offer.name, language), structs.asdict(offer.name),
        getattr(offer.text, language) if offer.text else UNSET, structs.asdict(offer.text) if offer.text else UNSET,
        offer.images, tuple(_prices(listing, look)), offer.miles, stock, offer.limits, offer.first, offer.last,
        tuple(field.name for field in structs.fields(FORMS[offer.kind]) if field.required), offer.cabins,
        offer.venues, offer.events, offer.properties, offer.refundable, offer.refundable_until_hours, offer.voucher,
        tuple(_reason(one, language) for one in reasons),
    )  # fmt: skip


def _reason(one: Reason, language: Language) -> ReasonView:
    return ReasonView(**structs.asdict(one), text=sentence(one, language))


def _member(listing: Listing, look: Look, taken: Iterable[Taken]) -> list[Reason]:
    """Return the reasons that don't depend on price and stock; of nobody in particular, those that hold for all."""
    if look.guest is not None:
        return why_not(listing, look.guest, look.today, 1, taken)
    offer = structs.replace(listing.offer, tiers=(), segments=(), limits=())
    return why_not(structs.replace(listing, offer=offer), Guest("", 0), look.today, 1, ())


def _price(listing: Listing, look: Look) -> list[Reason]:
    """Return that it has no price, or that the member hasn't the points for the lowest one."""
    if look.guest is None:
        return []
    if listing.offer.miles is not None:
        lowest = listing.offer.miles.least
    else:
        points = [price.points for price in _prices(listing, look)]
        if not points:
            return [no_price(look.on or look.today)]
        lowest = min(points)
    short = unaffordable(look.guest, lowest, look.today)
    return [short] if short else []


def _prices(listing: Listing, look: Look) -> list[PriceView]:
    offer = listing.offer
    if look.guest is None:
        fit = [one for one in offer.prices if look.on is None or _covers(one, look.on)]
        return [
            _view(listing, one, one.first, one.last, one.tiers) for one in fit if not _over(one, look.today)
        ]
    if look.on is not None:
        price = price_on(offer, look.guest.tier, look.on)
        return [] if price is None else [_view(listing, price)]
    return [
        _view(listing, one.price, one.first if one.first > look.today else None, one.last)
        for one in seasons(offer, look.guest.tier, look.today)
    ]


def _view(
    listing: Listing, price: Price, first: date | None = None, last: date | None = None, tiers: tuple[str, ...] = ()
) -> PriceView:  # fmt: skip
    cash = None if price.cash is None else money.to_minor(price.cash, listing.decimals)
    shown = None if not cash else CashView(money.from_minor(cash, listing.decimals), listing.currency)
    return PriceView(price.points, shown, first, last, tiers)


def _covers(price: Price, day: date) -> bool:
    return (price.first is None or price.first <= day) and (price.last is None or day <= price.last)


def _over(price: Price, today: date) -> bool:
    return price.last is not None and price.last < today


# --- What is left -----------------------------------------------------------------------------------------------------


def _stock(listing: Listing, look: Look, left: Mapping[str, int]) -> StockView | None:
    offer = listing.offer
    if offer.stock is None:
        return None
    if offer.stock.per == "all":
        return StockView("all", left.get(stock_key(offer.code), offer.stock.amount or 0))
    prefix = stock_key(offer.code) + "/"
    asked = {name.removeprefix(prefix) for name in left if name.startswith(prefix)}
    slots = sorted({one.slot for one in offer.stock.slots} | asked)
    shown = tuple(
        SlotView(slot, left.get(prefix + slot, amount))
        for slot in slots
        if _is_on(slot, look) and (amount := stocked(offer.stock, slot)) is not None
    )
    return StockView(offer.stock.per, None, shown, offer.stock.amount)


def _is_on(slot: str, look: Look) -> bool:
    """Tell whether a day or time lies ahead; on the day that is asked for, if one is."""
    return slot[:10] >= str(look.today) if look.on is None else slot[:10] == str(look.on)


def _gone(stock: StockView | None, look: Look) -> bool:
    """Tell whether there is none left to be had, on the day that is asked for if one is."""
    if stock is None:
        return False
    if stock.per == "all":
        return stock.left == 0
    named = [one.left for one in stock.slots]
    if stock.amount is None or (look.on is not None and stock.per == "date" and named):
        return not any(named)
    return stock.amount == 0 and not any(named)
