"""What each kind of offer asks for in a redemption, read and checked: flight, cabin, slot, seats, nights … Pure.

The details of a redemption are one struct for each kind. What is wrong with them is a Problem that names the field.
"""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Annotated, Any, Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from loyalty.errors import Problem
from loyalty.partners.model import MOST, Kind, Miles, Offer, Place
from loyalty.wording import field_error

AHEAD: Final = timedelta(days=731)
"""How far ahead the day of use may lie: two years."""

Flight = Annotated[
    str,
    Meta(
        pattern=r"^([A-Z][A-Z0-9]|[0-9][A-Z])[0-9]{1,4}[A-Z]?$(?!\n)",
        description="A flight number such as CA981.",
    ),
]
BookingRef = Annotated[
    str,
    Meta(
        pattern=r"^[A-Z0-9]{5,13}$(?!\n)", description="A booking reference or ticket number, such as K7QX2M."
    ),
]
Booking = Annotated[
    str,
    Meta(
        pattern=r"^[!-~]([ -~]{0,62}[!-~])?$(?!\n)",
        description="A hotel's booking: 1 to 64 printable ASCII characters, no space at either end.",
    ),
]
MilesAccount = Annotated[
    str,
    Meta(pattern=r"^[A-Z0-9][A-Z0-9-]{3,31}$(?!\n)", description="A number of the airline's program."),
]
SlotTime = Annotated[
    str,
    Meta(
        pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)",
        description='A day and time like "2026-12-24T10:00", where the offer is used.',
    ),
]
Clock = Annotated[
    str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$(?!\n)", description='A time like "10:00".')
]
Cabin = Annotated[str, Meta(max_length=32)]
Nights = Annotated[int, Meta(ge=1, le=30)]
Count = Annotated[int, Meta(ge=1, le=100)]


class AirlineUpgrade(Struct, frozen=True, forbid_unknown_fields=True):
    """A flight on its day of departure, the booking, and the cabins from and to; one for each passenger."""

    flight: Flight
    date: dt.date
    booking_ref: BookingRef
    cabin_from: Cabin
    cabin_to: Cabin


class MilesConversion(Struct, frozen=True, forbid_unknown_fields=True):
    """The account that the miles go to, and the points that they are made of."""

    account: MilesAccount
    points: Annotated[int, Meta(ge=1, le=1_000_000_000)]


class Spa(Struct, frozen=True, forbid_unknown_fields=True):
    """Where, and when it begins; one for each guest."""

    venue: Place
    slot: SlotTime


class Exhibition(Struct, frozen=True, forbid_unknown_fields=True):
    """The event, its day, the seats, and the time of entry where there is one."""

    event: Place
    date: dt.date
    seats: Count
    time: Clock | None = None


class HealthCheck(Struct, frozen=True, forbid_unknown_fields=True):
    """The day, with a time and a venue where there are several. Nothing about the person: that is the clinic's."""

    date: dt.date
    time: Clock | None = None
    venue: Place | None = None


class Night(Struct, frozen=True, forbid_unknown_fields=True):
    """The hotel, the day of arrival, how many nights and rooms; the booking where there is one already."""

    property: Place
    arrival: dt.date
    nights: Nights
    rooms: Count = 1
    booking_ref: Booking | None = None


class Merchandise(Struct, frozen=True, forbid_unknown_fields=True):
    """The hotel that hands it over; left out, it is sent to the address that the hotel group has on file."""

    property: Place | None = None


Details = AirlineUpgrade | MilesConversion | Spa | Exhibition | HealthCheck | Night | Merchandise

FORMS: Final[Mapping[Kind, type[Details]]] = {
    "airline_upgrade": AirlineUpgrade,
    "miles": MilesConversion,
    "spa": Spa,
    "exhibition": Exhibition,
    "health_check": HealthCheck,
    "free_night": Night,
    "room_upgrade": Night,
    "merchandise": Merchandise,
}
"""What each kind asks for."""


class Use(Struct, frozen=True, gc=False):
    """What a redemption is for. `details` are as they are kept.

    `quantity` is how many are paid for: tickets, treatments, nights times rooms. `days` are the days of use, in order,
    an equal share of the quantity on each; for what has no day of use, the day of booking. `slot` is the day or time
    under which it is kept (empty: without a day). `begins` is when the use begins, None: without a day. `points` are
    those to be turned into `miles`. `venue` is the venue, the event or the hotel.
    """

    quantity: int
    days: tuple[date, ...]
    details: Details
    slot: str = ""
    begins: datetime | None = None
    points: int = 0
    miles: int = 0
    venue: str = ""

    @property
    def each_day(self) -> int:
        """How many are used on each of the days."""
        return self.quantity // len(self.days)


def read(
    offer: Offer, given: Mapping[str, Any], quantity: int | None, today: date, now: datetime, zone: ZoneInfo
) -> Use | Problem:
    """Return what a redemption is for, or what is wrong with its details.

    `quantity` may be left out: it is then one, or what the details say. `today` is the program's day, `zone` the
    offer's own.
    """
    try:
        details = msgspec.convert(given, FORMS[offer.kind])
    except msgspec.ValidationError as error:
        found = field_error(str(error), FORMS[offer.kind])
        return Problem("invalid_details", found.detail, at="/details" + found.pointer)
    if quantity is not None and not _fits(quantity):
        return Problem("invalid_value", f"The quantity is from 1 to {MOST}.", at="/quantity")
    use = _READ[type(details)](offer, details, quantity, _Now(today, now.astimezone(zone), zone))
    if isinstance(use, Use) and not _fits(use.quantity):
        return _wrong("nights", f"Nights times rooms are at most {MOST}.")
    return use


def convert(miles: Miles, points: int) -> int:
    """Return the miles that points turn into, the bonus included; a rest that makes no whole mile is lost.

    >>> convert(Miles(points=3, miles=1, least=3000, step=3000, bonus=5000, block=60000), 63000)
    26000
    """
    blocks = points // miles.block if miles.block else 0
    return points * miles.miles // miles.points + blocks * miles.bonus


def hold_expires(offer: Offer, use: Use, now: datetime, zone: ZoneInfo) -> datetime:
    """Return when a hold made now is over: after its minutes, or with the day after the last day of use."""
    if not offer.hold_until_use or use.begins is None:
        return now + timedelta(minutes=offer.hold_minutes)
    return datetime.combine(use.days[-1] + timedelta(days=2), dt.time(), zone).astimezone(dt.UTC)


def refundable_until(offer: Offer, begins: datetime | None) -> datetime | None:
    """Return until when what is captured can be refunded; None: at any time. `offer.refundable` comes before."""
    if offer.refundable_until_hours is None or begins is None:
        return None
    return begins - timedelta(hours=offer.refundable_until_hours)


class _Now(Struct, frozen=True):
    """The program's day, and the present moment where the offer is used."""

    today: date
    there: datetime
    zone: ZoneInfo

    def problem(self, field: str, day: date, time: str | None) -> Problem | None:
        """Return why something can't be used on a day (at a time): it is past, or too far ahead."""
        past = day < self.there.date() if time is None else self.at(day, time) <= self.there
        if past:
            return Problem("slot_in_past", f"{_slot(day, time)} is past.", at=f"/details/{field}")
        if day > self.there.date() + AHEAD:
            return _wrong(field, f"{day} is more than two years ahead.")
        return None

    def at(self, day: date, time: str | None) -> datetime:
        """Return the instant of a time on a day; without a time, of its first moment."""
        return datetime.combine(day, dt.time.fromisoformat(time or "00:00"), self.zone)


def _upgrade(offer: Offer, one: AirlineUpgrade, quantity: int | None, now: _Now) -> Use | Problem:
    for field, cabin in (("cabin_from", one.cabin_from), ("cabin_to", one.cabin_to)):
        if cabin not in offer.cabins:
            detail = f"There is no cabin {cabin!r}; there are: {', '.join(offer.cabins)}."
            return Problem("unknown_cabin", detail, at=f"/details/{field}")
    if offer.cabins.index(one.cabin_to) <= offer.cabins.index(one.cabin_from):
        return _wrong("cabin_to", f"{one.cabin_to} is not above {one.cabin_from}.")
    return _on(offer, one, quantity or 1, now, "date", one.date, None)


def _miles(offer: Offer, one: MilesConversion, quantity: int | None, now: _Now) -> Use | Problem:
    miles = offer.miles
    assert miles is not None, "an offer of miles says what points turn into"
    if quantity not in {None, 1}:
        return Problem("invalid_value", "A conversion is one; its points say how much.", at="/quantity")
    if one.points < miles.least:
        return _wrong("points", f"At least {miles.least} points can be converted.")
    if (over := (one.points - miles.least) % miles.step) != 0:
        detail = f"Points go in steps of {miles.step} from {miles.least} on: {one.points - over} would do."
        return _wrong("points", detail)
    return Use(1, (now.today,), one, points=one.points, miles=convert(miles, one.points))


def _spa(offer: Offer, one: Spa, quantity: int | None, now: _Now) -> Use | Problem:
    day, _, time = one.slot.partition("T")
    try:
        parsed = date.fromisoformat(day)
    except ValueError:
        return _wrong("slot", f"There is no day {day}.")
    problem = _among("venue", one.venue, offer.venues)
    return problem or _on(offer, one, quantity or 1, now, "slot", parsed, time, one.venue)


def _exhibition(offer: Offer, one: Exhibition, quantity: int | None, now: _Now) -> Use | Problem:
    problem = _among("event", one.event, offer.events) or _same(quantity, one.seats, "seats")
    return problem or _on(offer, one, one.seats, now, "date", one.date, one.time, one.event)


def _health_check(offer: Offer, one: HealthCheck, quantity: int | None, now: _Now) -> Use | Problem:
    if offer.venues and one.venue is None:
        return _wrong("venue", f"Say where: {', '.join(offer.venues)}.")
    problem = None if one.venue is None else _among("venue", one.venue, offer.venues)
    return problem or _on(offer, one, quantity or 1, now, "date", one.date, one.time, one.venue or "")


def _nights(offer: Offer, one: Night, quantity: int | None, now: _Now) -> Use | Problem:
    wanted = one.nights * one.rooms
    problem = (
        _among("property", one.property, offer.properties)
        or _same(quantity, wanted, "nights times rooms")
        or now.problem("arrival", one.arrival, None)
    )
    if problem is not None:
        return problem
    days = tuple(one.arrival + timedelta(days=night) for night in range(one.nights))
    missing = next((day for day in days if not _stocked(offer, str(day))), None)
    if missing is not None:
        return Problem("unknown_slot", f"It isn't offered for {missing}.", at="/details/arrival")
    return Use(wanted, days, one, str(one.arrival), now.at(one.arrival, None), venue=one.property)


def _merchandise(offer: Offer, one: Merchandise, quantity: int | None, now: _Now) -> Use | Problem:
    problem = None if one.property is None else _among("property", one.property, offer.properties)
    return problem or Use(quantity or 1, (now.today,), one, venue=one.property or "")


_READ: Final[dict[type, Callable[[Offer, Any, int | None, _Now], Use | Problem]]] = {
    AirlineUpgrade: _upgrade,
    MilesConversion: _miles,
    Spa: _spa,
    Exhibition: _exhibition,
    HealthCheck: _health_check,
    Night: _nights,
    Merchandise: _merchandise,
}


def _on(
    offer: Offer, one: Details, quantity: int, now: _Now, field: str, day: date, time: str | None, venue: str = ""
) -> Use | Problem:  # fmt: skip
    """Return the use on a day, at a time if there is one; or why there is none."""
    problem = now.problem(field, day, time)
    if problem is not None:
        return problem
    slot = _slot(day, time)
    if offer.stock is not None and offer.stock.per == "slot" and time is None:
        return _wrong("time", "Say at which time: there are so many for each.")
    if not _stocked(offer, slot):
        return Problem("unknown_slot", f"It isn't offered for {slot}.", at=f"/details/{field}")
    return Use(quantity, (day,), one, slot, now.at(day, time), venue=venue)


def _stocked(offer: Offer, slot: str) -> bool:
    """Tell whether a slot is one of those that there is a number for, or that need none."""
    stock = offer.stock
    if stock is None or stock.per == "all" or stock.amount is not None:
        return True
    named = slot if stock.per == "slot" else slot[:10]
    return any(one.slot == named for one in stock.slots)


def _slot(day: date, time: str | None) -> str:
    return f"{day}T{time}" if time else str(day)


def _among(field: str, code: str, codes: Sequence[str]) -> Problem | None:
    if not codes or code in codes:
        return None
    return _wrong(field, f"{code} isn't on offer; there is: {', '.join(codes)}.")


def _same(quantity: int | None, wanted: int, what: str) -> Problem | None:
    if quantity is None or quantity == wanted:
        return None
    return Problem("invalid_value", f"The quantity differs from {what}: {wanted}.", at="/quantity")


def _fits(quantity: int) -> bool:
    return 1 <= quantity <= MOST


def _wrong(field: str, detail: str) -> Problem:
    return Problem("invalid_details", detail, at=f"/details/{field}")
