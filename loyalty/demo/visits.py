"""The visits a guest makes in the two years: where, when, how long, how booked, and at what cost."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from itertools import accumulate
from random import Random
from typing import Final

from msgspec import Struct

from loyalty.demo.calendar import days, season_of
from loyalty.demo.chance import chance
from loyalty.demo.folio import Line, as_posted, extras, price_percent, room_nights, with_tax
from loyalty.demo.group import BY_CODE, PROPERTIES, Property
from loyalty.demo.guests import HABITS, Guest, Habit

RATES: Final = {
    "direct": ("BAR", "MEMBER", "ADV14"),
    "web": ("MEMBER", "ADV14", "BAR"),
    "app": ("MEMBER", "MEMBER", "ADV14"),
    "phone": ("BAR", "MEMBER"),
    "walk_in": ("BAR",),
    "corporate": ("CORP",),
    "gds": ("CORP", "BAR"),
    "ota": ("OTA-NET",),
    "wholesale": ("WHS-FIT",),
    "group": ("GROUP-SERIES",),
    "complimentary": ("COMP",),
}
"""The rate codes of each channel that a property sells by."""

LONG_STAY_NIGHTS: Final = 10
ROOM_TYPES: Final = ("STD", "DLX", "EXE", "STE")


class Visit(Struct, frozen=True):
    """One stay as it truly was; what the PMS makes of it is another matter."""

    guest: Guest
    hotel: Property
    stay_ref: str
    arrival: date
    departure: date
    rooms: int
    channel: str
    rate: str
    room: str
    extras: tuple[Line, ...]

    def lines(self) -> list[dict[str, str]]:
        """The folio as posted: room, extras, tax. A free stay pays for its extras only."""
        nights = list(days(self.arrival, self.departure - timedelta(days=1)))
        room = room_nights(self.hotel, nights, self.rooms, price_percent(self.room, self.rate))
        paid = [line for line in (*room, *self.extras) if line.minor > 0]
        return as_posted(with_tax(paid), self.hotel.currency)

    def posting(self) -> dict[str, object]:
        """The snapshot that the PMS posts at check-out, without a revision."""
        return {
            "source": self.hotel.pms,
            "property": self.hotel.code,
            "stay_ref": self.stay_ref,
            "member": self.guest.number,
            "status": "checked_out",
            "arrival": self.arrival.isoformat(),
            "departure": self.departure.isoformat(),
            "rooms": self.rooms,
            "channel": self.channel,
            "rate_code": self.rate,
            "room_type": self.room,
            "currency": self.hotel.currency,
            "lines": self.lines(),
        }


def visits_of(guest: Guest, rng: Random, since: date, until: date) -> Iterator[Visit]:
    """The guest's visits in order: none before joining, none while another lasts, all over by `until`."""
    free_from = max(since, guest.joined)
    for ordinal, arrival in enumerate(_arrivals(guest.habit, rng, since, until)):
        nights = 1 + rng.choices(range(len(guest.habit.nights)), guest.habit.nights)[0]
        departure = arrival + timedelta(days=nights)
        if arrival >= free_from and departure <= until:
            free_from = departure
            yield _visit(guest, rng, ordinal, arrival, departure)


def _arrivals(habit: Habit, rng: Random, since: date, until: date) -> list[date]:
    planned = sum(rng.randint(*habit.visits) for _ in range(2))
    weights = _arrival_weights(habit.code, since, until)
    return [
        since + timedelta(days=day)
        for day in sorted(rng.choices(range(len(weights)), cum_weights=weights, k=planned))
    ]


@cache
def _arrival_weights(habit_code: str, since: date, until: date) -> list[int]:
    habit = next(habit for habit in HABITS if habit.code == habit_code)
    return list(accumulate(_arrival_weight(habit, day) for day in days(since, until)))


def _arrival_weight(habit: Habit, day: date) -> int:
    percent = habit.in_holidays if season_of(day).is_holiday else 100
    return habit.weekdays[day.weekday()] * percent


def _visit(guest: Guest, rng: Random, ordinal: int, arrival: date, departure: date) -> Visit:
    hotel = _hotel(guest, rng)
    channel = _channel(guest.habit, rng)
    nights = (departure - arrival).days
    rooms = 2 if guest.habit.code == "family" and chance(rng, 12) else 1
    return Visit(
        guest=guest,
        hotel=hotel,
        stay_ref=_stay_ref(hotel, guest, ordinal, rng),
        arrival=arrival,
        departure=departure,
        rooms=rooms,
        channel=channel,
        rate=_rate(rng, channel, nights),
        room=rng.choices(ROOM_TYPES, (40, 42, 14, 4))[0],
        extras=tuple(extras(rng, hotel, nights, rooms)),
    )


def _hotel(guest: Guest, rng: Random) -> Property:
    if chance(rng, guest.habit.home):
        return BY_CODE[guest.home]
    return rng.choices(PROPERTIES, [hotel.weight(guest.habit.settings) for hotel in PROPERTIES])[0]


def _channel(habit: Habit, rng: Random) -> str:
    """The habit's channels; one stay in 200 is on the house."""
    if chance(rng, 1, 200):
        return "complimentary"
    return rng.choices(tuple(habit.channels), tuple(habit.channels.values()))[0]


def _rate(rng: Random, channel: str, nights: int) -> str:
    if nights >= LONG_STAY_NIGHTS and channel in {"corporate", "direct", "phone"}:
        return "LONG"
    if channel == "direct" and chance(rng, 1, 40):
        return "STAFF"
    return rng.choice(RATES[channel])


def _stay_ref(hotel: Property, guest: Guest, ordinal: int, rng: Random) -> str:
    """A confirmation number where the PMS counts, an opaque id where it doesn't."""
    if hotel.pms == "opera":
        return f"C{guest.index * 1000 + ordinal:08d}"
    return f"{rng.getrandbits(64):016x}"
