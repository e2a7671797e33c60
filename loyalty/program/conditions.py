"""Conditions of promotions on the guest and on the days of a stay, as sets of the promotions that hold. Pure.

A set is a whole number: the bit of a promotion is 1 shifted by its place. All sets are worked out once, so what a stay
meets is a few look-ups, however many promotions there are.
"""

from calendar import monthrange
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import lru_cache
from typing import Final, Generic, TypeVar

from loyalty.clock import add_months
from loyalty.program.festivals import Festivals
from loyalty.program.model import Promotion
from loyalty.program.visit import Dated, Known, Visit

_KEPT: Final = 8192
"""How many days are kept."""
_YEAR: Final = 12
"""Months."""
_WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_Value = TypeVar("_Value")
_DayTest = Callable[[date], bool]


def bits(held: Iterable[object]) -> int:
    """Return a number whose bits say which of the promotions, in their order, hold."""
    return sum([1 << place for place, one in enumerate(held) if one])


# --- conditions of the guest ------------------------------------------------------------------------------------------


class Guests:
    """Who is entitled to which promotions: for each condition, those that hold for a value, and those without it."""

    def __init__(self, items: Sequence[Promotion]) -> None:
        """Compile the conditions of promotions, each at its place."""
        self._codes = {item.code: 1 << place for place, item in enumerate(items)}
        self.asking = frozenset(item.code for item in items if _asks_of_the_guest(item))
        self._asking = bits(_asks_of_the_guest(item) for item in items)
        self._free = bits(not _asks_of_the_guest(item) for item in items)
        self._segments = _Table(item.segments for item in items)
        self._counting, self._of_nth = _by_count(items, "lifetime")
        self._counting_year, self._of_nth_in_year = _by_count(items, "year")
        self._registered = _Table((item.code,) if item.registration else () for item in items)
        self._of_strangers = self._asking & self._segments.holding(()) & self._registered.holding(())
        self._dormant = _Table(
            () if item.dormant_months is None else (item.dormant_months,) for item in items
        )
        self._of_dormant = lru_cache(_KEPT)(self._work_out_dormant)
        self._birthday = bits(item.birthday_month for item in items)
        self._referred = bits(item.referred for item in items)
        self._away = bits(item.dormant_months is not None for item in items)

    def open_to(self, entitled: tuple[str, ...]) -> int:
        """Return the promotions that ask nothing of the guest, and those the guest is entitled to."""
        found = self._free
        for code in entitled:
            found |= self._codes.get(code, 0)
        return found

    def entitled(self, stay: Dated, guest: Known) -> int:
        """Return the promotions that ask something of the guest, all of which holds."""
        found, segments, registered = self._of_strangers, guest.segments, guest.registered
        if segments or registered:
            found = self._asking & self._segments.holding(segments)
            found &= self._registered.holding(
                [code for code, day in registered.items() if day <= stay.arrival]
            )
        if found & self._birthday and not _has_birthday(guest.birth_month, stay):
            found &= ~self._birthday
        if found & self._referred and not guest.referred:
            found &= ~self._referred
        # Few get this far, and it takes a look at all that was counted.
        if found & self._counting:
            found &= self._of_nth(guest.stays + 1)
        if found & self._counting_year:
            found &= self._of_nth_in_year(guest.stays_year + 1)
        if found & self._away:
            found &= self._of_dormant(guest.last_stay, stay.arrival)
        return found

    def _work_out_dormant(self, last_stay: date | None, arrival: date) -> int:
        """Return the promotions for a guest who was away for so many months, and those that don't ask."""
        return self._dormant.holding(
            [months for months in self._dormant.values if _is_dormant(last_stay, months, arrival)]
        )


class _Table(Generic[_Value]):
    """A condition that names values: which promotions hold for each of them, and which don't ask."""

    def __init__(self, named: Iterable[tuple[_Value, ...]]) -> None:
        self.values: dict[_Value, int] = {}
        self._not_asking = 0
        for place, values in enumerate(named):
            if not values:
                self._not_asking |= 1 << place
            for value in values:
                self.values[value] = self.values.get(value, 0) | 1 << place

    def holding(self, values: Iterable[_Value]) -> int:
        """Return the promotions that hold for any of these values, and those that don't ask."""
        found = self._not_asking
        for value in values:
            found |= self.values.get(value, 0)
        return found


def _asks_of_the_guest(item: Promotion) -> bool:
    return bool(
        _asks_who(item) or item.nth_stay or item.from_stay is not None or item.dormant_months is not None
    )


def _asks_who(item: Promotion) -> bool:
    return bool(item.segments or item.birthday_month or item.referred or item.registration)


def _by_count(items: Sequence[Promotion], over: str) -> tuple[int, Callable[[int], int]]:
    """Return the promotions that ask how many stays there were, over so long; and a look-up of those for an nth stay.

    It returns those that don't ask, too.
    """
    asking = [item.nth_over == over and bool(item.nth_stay or item.from_stay is not None) for item in items]

    def holding(nth: int) -> int:
        return bits(
            not asks
            or (
                (not item.nth_stay or nth in item.nth_stay)
                and (item.from_stay is None or item.from_stay <= nth)
            )
            for asks, item in zip(asking, items, strict=True)
        )

    return bits(asking), lru_cache(_KEPT)(holding)


def _has_birthday(birth_month: int | None, stay: Dated) -> bool:
    if birth_month is None:
        return False
    arrival, departure = stay.arrival, stay.departure
    months = (departure.year - arrival.year) * _YEAR + departure.month - arrival.month
    return (birth_month - arrival.month) % _YEAR <= months


def _is_dormant(last_stay: date | None, months: int, arrival: date) -> bool:
    return last_stay is not None and add_months(last_stay, months) <= arrival


# --- conditions of the days -------------------------------------------------------------------------------------------


class Days:
    """Which promotions the days of a stay are right for."""

    def __init__(self, items: Sequence[Promotion], festivals: Festivals) -> None:
        """Compile the conditions of promotions, each at its place."""
        tests = [(item.by, _day_test(item, festivals)) for item in items]
        self._any_day = bits(test is None for _, test in tests)
        self._by_check_out, self._by_arrival = _by_day(tests, "check_out"), _by_day(tests, "arrival")
        self._by_booking, self._by_posting = _by_day(tests, "booking"), _by_day(tests, "posting")
        self._by_night = _by_day(tests, "nights")
        self._between = lru_cache(_KEPT)(self._work_out)

    def among(self, found: int, visit: Visit) -> tuple[int, tuple[int, ...]]:
        """Return those of some promotions that the days of a stay are right for, or at least one of its nights.

        With them, for each night those by nights that it is right for; nothing when there is none by nights.
        """
        held, nights = self._between(visit.arrival, visit.departure)
        if self._by_booking is not None and visit.booked_on is not None:
            held |= self._by_booking(visit.booked_on)
        if self._by_posting is not None:
            held |= self._by_posting(visit.posted_on)
        return found & held, nights

    def _work_out(self, arrival: date, departure: date) -> tuple[int, tuple[int, ...]]:
        """Return the promotions that two days are right for, or a night between them; and those of each night."""
        held, nights = self._any_day, ()
        if self._by_check_out is not None:
            held |= self._by_check_out(departure)
        if self._by_arrival is not None:
            held |= self._by_arrival(arrival)
        if self._by_night is not None:
            between = range(arrival.toordinal(), departure.toordinal())
            nights = tuple([self._by_night(date.fromordinal(day)) for day in between])
        for night in nights:
            held |= night
        return held, nights


def _by_day(tests: Sequence[tuple[str, _DayTest | None]], by: str) -> Callable[[date], int] | None:
    """Return a look-up of the promotions of a kind that a day is right for; None when no promotion of it asks."""
    if not any(kind == by and test is not None for kind, test in tests):
        return None

    def holding(day: date) -> int:
        return bits(kind == by and test is not None and test(day) for kind, test in tests)

    return lru_cache(_KEPT)(holding)


def _day_test(item: Promotion, festivals: Festivals) -> _DayTest | None:
    """Return what tells whether a day is right for a promotion: all that it names must hold. None: it names nothing.

    By nights there is always a test, as the nights have to be counted.
    """
    first, last = item.first or date.min, item.last or date.max
    weekdays = {_WEEKDAYS.index(name) for name in item.weekdays} or set(range(len(_WEEKDAYS)))
    wanted, member_days = item.festivals, item.member_days
    if not (item.first or item.last or item.weekdays or wanted or member_days) and item.by != "nights":
        return None

    def on(day: date) -> bool:
        return (
            first <= day <= last
            and day.weekday() in weekdays
            and (not wanted or any(festivals.holds(code, day) for code in wanted))
            and (not member_days or _is_member_day(day, member_days))
        )

    return on


def _is_member_day(day: date, member_days: tuple[int, ...]) -> bool:
    """Tell whether a day is one of these days of the month; one that a month doesn't have is its last."""
    if day.day in member_days:
        return True
    return max(member_days) > day.day == monthrange(day.year, day.month)[1]
