"""Festivals: which of them a day lies in. Pure; a year is worked out once, so asking for a day is a look-up.

Lunar dates come from a table of the lunar years 1900 to 2100; outside of them a lunar festival has no days.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import MAXYEAR, MINYEAR, date
from functools import lru_cache
from typing import Final

from borax.calendars.lunardate import MAX_LUNAR_YEAR, MIN_LUNAR_YEAR, LCalendars, LunarDate
from msgspec import Struct

from loyalty.program.model import Festival

_YEARS_KEPT: Final = 64
_YEAR: Final = 365
"""Days in a year, at least."""


class _Rule(Struct, frozen=True, gc=False):
    """A festival: its dates as month and day, the days listed, and how long it is before and from its day on."""

    code: str
    day: tuple[int, int] | None
    lunar: tuple[int, int] | None
    listed: tuple[date, ...]
    before: int
    days: int


class Festivals:
    """The festivals of one version of a program, ready to ask.

    A festival lasts from `days_before` days before its day for `days` days from it, so both together; it may pass the
    end of a year. A day that a month doesn't have (29 February, the 30th of a short lunar month) is its last. Lunar
    dates are in ordinary months, never in leap months.
    """

    def __init__(self, festivals: Iterable[Festival]) -> None:
        """Compile the festivals; those of a day are told in this order."""
        self._rules = [_compiled(festival) for festival in festivals]
        self._of_year = lru_cache(_YEARS_KEPT)(self._work_out)

    def on(self, day: date) -> tuple[str, ...]:
        """Return the codes of the festivals that a day lies in."""
        return self._of_year(day.year).get(day, ())

    def holds(self, code: str, day: date) -> bool:
        """Tell whether a day lies in a festival; one that isn't defined has no days."""
        return code in self.on(day)

    def _work_out(self, year: int) -> dict[date, tuple[str, ...]]:
        """Return the days of a calendar year that lie in festivals, with their codes."""
        first, last = date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal()
        found: dict[int, list[str]] = {}
        for rule in self._rules:
            days: set[int] = set()
            for begins in _dates(rule, year):
                start = begins.toordinal()
                days.update(range(max(first, start - rule.before), min(last, start + rule.days - 1) + 1))
            for day in days:
                found.setdefault(day, []).append(rule.code)
        return {date.fromordinal(day): tuple(codes) for day, codes in found.items()}


def _compiled(festival: Festival) -> _Rule:
    return _Rule(
        festival.code, _month_day(festival.day), _month_day(festival.lunar), festival.listed, festival.days_before,
        festival.days,
    )  # fmt: skip


def _month_day(text: str | None) -> tuple[int, int] | None:
    return None if text is None else (int(text[:2]), int(text[3:]))


def _dates(rule: _Rule, year: int) -> Iterator[date]:
    """Return the dates of a festival from which it may reach into a calendar year."""
    first, last = year - rule.days // _YEAR - 1, year + rule.before // _YEAR + 1
    years = range(max(MINYEAR, first), min(MAXYEAR, last) + 1)
    if rule.day is not None:
        month, day = rule.day
        yield from (date(each, month, min(day, monthrange(each, month)[1])) for each in years)
    if rule.lunar is not None:
        # A lunar year ends in January or February of the next calendar year.
        lunar_years = range(max(MIN_LUNAR_YEAR, years.start - 1), min(MAX_LUNAR_YEAR, years.stop - 1) + 1)
        yield from (_from_lunar(each, *rule.lunar) for each in lunar_years)
    yield from rule.listed


def _from_lunar(year: int, month: int, day: int) -> date:
    return LunarDate(year, month, min(day, LCalendars.ndays(year, month))).to_solar_date()
