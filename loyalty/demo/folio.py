"""What a stay costs: the lines of a folio in integer minor units."""

from collections.abc import Sequence
from datetime import date
from random import Random
from typing import Final

from msgspec import Struct

from loyalty.demo.calendar import PERCENT_OF_USUAL_PRICE, season_of
from loyalty.demo.chance import chance
from loyalty.demo.group import Property
from loyalty.money import digits, from_minor

PERCENT_OF_PRICE_BY_ROOM: Final = {"STD": 85, "DLX": 100, "EXE": 130, "STE": 210}

PERCENT_OF_PRICE_BY_RATE: Final = {
    "BAR": 100,
    "MEMBER": 90,
    "ADV14": 82,
    "CORP": 85,
    "LONG": 62,
    "OTA-NET": 78,
    "WHS-FIT": 70,
    "GROUP-SERIES": 65,
    "PKG-FAMILY": 112,
    "STAFF": 40,
    "COMP": 0,
}

# category, chance in percent that a stay has any, and what a day of it costs in percent of the usual night
EXTRAS: Final = (
    ("spa", 7, (25, 60)),
    ("laundry", 9, (3, 9)),
    ("parking", 14, (4, 8)),
    ("minibar", 10, (2, 7)),
    ("food", 62, (8, 34)),
)

TAX_PERCENT: Final = 6
NIGHTS_SHOWN_SINGLY: Final = 3


class Line(Struct, frozen=True, omit_defaults=True):
    """One line of a folio, `minor` in minor units of the property's currency."""

    category: str
    minor: int
    day: date | None = None


def price_percent(room: str, rate: str) -> int:
    """What a room type at a rate costs, in hundredths of a percent of the usual price."""
    return PERCENT_OF_PRICE_BY_ROOM[room] * PERCENT_OF_PRICE_BY_RATE[rate]


def room_nights(hotel: Property, nights: Sequence[date], rooms: int, percent: int) -> list[Line]:
    """The price of each night, dearer in season; one line a night where the PMS and a short stay give it."""
    prices = [_night(hotel, day, percent) * rooms for day in nights]
    if hotel.pms == "mews" and len(nights) <= NIGHTS_SHOWN_SINGLY:
        return [Line("room", price, day) for day, price in zip(nights, prices, strict=True)]
    return [Line("room", sum(prices))]


def _night(hotel: Property, day: date, percent: int) -> int:
    """A night in whole currency units, as hotels price them, given in minor units."""
    whole = hotel.nightly * percent * PERCENT_OF_USUAL_PRICE[season_of(day)] // 1_000_000
    return whole * 10 ** digits(hotel.currency)


def extras(rng: Random, hotel: Property, nights: int, rooms: int) -> list[Line]:
    """Restaurant, spa, parking…: what this stay happened to have, to the last minor unit."""
    usual = hotel.nightly * 10 ** digits(hotel.currency)
    return [
        Line(category, usual * rng.randint(*cost) * min(nights, 5) * rooms // 100 + rng.randrange(100))
        for category, percent, cost in EXTRAS
        if chance(rng, percent)
    ]


def with_tax(lines: Sequence[Line]) -> list[Line]:
    """The lines and the tax on them, rounded down, as a last line."""
    tax = sum(line.minor for line in lines) * TAX_PERCENT // 100
    return [*lines, Line("tax", tax)] if tax else list(lines)


def as_posted(lines: Sequence[Line], currency: str) -> list[dict[str, str]]:
    """The `lines` of a posting."""
    decimals = digits(currency)
    return [_as_posted(line, decimals) for line in lines]


def _as_posted(line: Line, decimals: int) -> dict[str, str]:
    posted = {"category": line.category, "amount": from_minor(line.minor, decimals)}
    return posted if line.day is None else posted | {"date": line.day.isoformat()}
