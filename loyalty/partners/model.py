"""Partners and their offers: what an operator puts on file, as frozen structs. Redemptions name the version they used.

Money and rates are decimal strings, points whole numbers. Days are plain dates: of booking in the program's time zone,
of use where the offer is used. What a definition must be beyond its form is in `checks.py`; what an offer costs and who
may have it, in `offers.py`; what each kind asks for, in `details.py`.
"""

import datetime as dt
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from loyalty.program.model import CurrencyCode, Decimal, Identifier, Months, Name, Points, Positive

HOTEL: Final = "hotel"
"""Stands for the hotel group itself, in accounts (`partner:hotel`) and lists; no partner may be called so."""

Kind = Literal[
    "airline_upgrade",
    "miles",
    "spa",
    "exhibition",
    "health_check",
    "free_night",
    "room_upgrade",
    "merchandise",
]
Status = Literal["active", "suspended"]
Per = Literal["ever", "year", "month", "day"]

Money = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{1,12}(\.[0-9]{1,3})?$(?!\n)",
        description='An amount of money in quotes, like "120.00", no finer than its currency.',
    ),
]
SignedMoney = Annotated[
    str,
    Meta(
        pattern=r"^-?[0-9]{1,12}(\.[0-9]{1,3})?$(?!\n)",
        description='An amount of money in quotes, like "-120.00", no finer than its currency.',
    ),
]
Slot = Annotated[
    str,
    Meta(
        pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])(T([01][0-9]|2[0-3]):[0-5][0-9])?$(?!\n)",
        description='A day like "2026-12-24" or a time on a day like "2026-12-24T10:00", where the offer is used.',
    ),
]
Place = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_.*+/-]{1,32}$(?!\n)",
        description="A code of 1 to 32 letters, digits and `_.*+/-`.",
    ),
]
Image = Annotated[
    str,
    Meta(
        pattern=r"^https://[!-~]+$(?!\n)",
        max_length=500,
        description="An address of an image, from https:// on.",
    ),
]
POINTS: Final = 1_000_000_000
"""The most points for one, or given at once."""
Amount = Annotated[int, Meta(ge=0, le=POINTS)]
Some = Annotated[int, Meta(ge=1, le=POINTS)]
MOST: Final = 1_000
"""The most of an offer in one redemption."""
Quantity = Annotated[int, Meta(ge=1, le=MOST)]


class Title(Name, frozen=True, forbid_unknown_fields=True):
    """What people read as a name, in English and Chinese: at most 200 characters."""

    en: Annotated[str, Meta(max_length=200)]
    zh: Annotated[str, Meta(max_length=200)]


class Text(Name, frozen=True, forbid_unknown_fields=True):
    """What people read about something, in English and Chinese: at most 10,000 characters."""

    en: Annotated[str, Meta(max_length=10_000)]
    zh: Annotated[str, Meta(max_length=10_000)]


class Contract(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the hotel owes a partner for points captured, and the partner for points that it gives.

    `currency` is that of settlement, of `cash` and of `value`. `point_value` is money for one captured point.
    `account`: points that the partner gives are billed afterwards, or taken from what was paid before. `accrual_price`
    is what it pays for one of them (None: it gives none); the caps are points in all on a day, and for a member in a
    calendar year.
    """

    currency: CurrencyCode
    point_value: Decimal
    account: Literal["postpaid", "prepaid"] = "postpaid"
    accrual_price: Decimal | None = None
    accrual_a_day: Points | None = None
    accrual_per_member: Points | None = None


class Partner(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Who takes points for something of its own. Nothing is redeemed with one that is suspended.

    `time_zone` (IANA) is that of its days and times; None: the program's.
    """

    code: Identifier
    name: Title
    contract: Contract
    status: Status = "active"
    time_zone: Annotated[str, Meta(max_length=64)] | None = None


class Price(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Points for one (one ticket, one night), and money besides.

    It holds for days of use within `first`..`last` and members of `tiers`; what is left out holds for all.
    """

    points: Some
    cash: Money | None = None
    first: dt.date | None = None
    last: dt.date | None = None
    tiers: tuple[Identifier, ...] = ()


class SlotStock(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How many there are on one day or at one time."""

    slot: Slot
    amount: Amount


class Stock(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """How many there are: `all` together, or of each date of use, or of each time slot.

    By date or slot, `slots` names those that have a number of their own and `amount` is that of every other; without an
    `amount`, only those named are offered.
    """

    per: Literal["all", "date", "slot"] = "all"
    amount: Amount | None = None
    slots: tuple[SlotStock, ...] = ()


class Limit(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The most that one member may have of an offer: ever, or in a calendar year or month or on a day of booking."""

    most: Positive
    per: Per = "ever"


class Miles(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What points turn into: `miles` for each `points`, and `bonus` miles more for each full `block` of points.

    So 63,000 points at 3:1, with 5,000 for each 60,000, are 21,000 + 5,000 miles. Conversions begin at `least` points
    and go on in steps of `step`.
    """

    points: Some
    miles: Some
    least: Some
    step: Some
    bonus: Amount = 0
    block: Some | None = None


class Offer(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What can be had for points, of a partner or (None) of the hotel itself.

    Of `prices` the first counts that fits the day of use and the member's tier; without one that fits it isn't offered.
    Miles have no prices: they cost the points converted. `first`..`last` are the days on which it can be booked. It is
    for members of `tiers` and `segments`; left out, for all.
    A hold lasts `hold_minutes`, or (`hold_until_use`) to the end of the day after the day of use. Captured, it can be
    refunded if `refundable`, until so many hours before its use (None: at any time).
    `voucher`: capturing it issues one, valid for so many months (None: until its use, else without end);
    `transferable` to another guest.
    `value` is the money owed for one in settlement; left out, it is the points times the contract's `point_value`.
    Upgrades go from and to one of `cabins`, the lowest first. `venues`, `events` and `properties` are those to choose
    from; left out, any.
    """

    code: Identifier
    kind: Kind
    name: Title
    partner: Identifier | None = None
    status: Status = "active"
    text: Text | None = None
    images: Annotated[tuple[Image, ...], Meta(max_length=20)] = ()
    prices: Annotated[tuple[Price, ...], Meta(max_length=200)] = ()
    stock: Stock | None = None
    limits: Annotated[tuple[Limit, ...], Meta(max_length=10)] = ()
    first: dt.date | None = None
    last: dt.date | None = None
    tiers: tuple[Identifier, ...] = ()
    segments: tuple[Identifier, ...] = ()
    hold_minutes: Annotated[int, Meta(ge=1, le=1_054_080)] = 60
    hold_until_use: bool = False
    refundable: bool = True
    refundable_until_hours: Annotated[int, Meta(ge=0, le=8784)] | None = None
    voucher: bool = False
    voucher_months: Months | None = None
    transferable: bool = False
    value: Money | None = None
    miles: Miles | None = None
    cabins: tuple[Identifier, ...] = ()
    venues: tuple[Place, ...] = ()
    events: tuple[Place, ...] = ()
    properties: tuple[Place, ...] = ()
