"""When people travel: the holidays and seasons that fill hotels in China."""

from collections.abc import Iterator
from datetime import date, timedelta
from enum import StrEnum
from typing import Final


class Season(StrEnum):
    """What kind of day it is for a hotel, the strongest first."""

    SPRING_FESTIVAL = "spring_festival"
    GOLDEN_WEEK = "golden_week"
    LABOUR_DAY = "labour_day"
    SUMMER = "summer"
    ORDINARY = "ordinary"

    @property
    def is_holiday(self) -> bool:
        """Whether families travel and offices are shut."""
        return self is not Season.ORDINARY


NEW_YEARS_DAY_OF_THE_LUNAR_YEAR: Final = {
    moment.year: moment
    for moment in (
        date(2020, 1, 25), date(2021, 2, 12), date(2022, 2, 1), date(2023, 1, 22), date(2024, 2, 10),
        date(2025, 1, 29), date(2026, 2, 17), date(2027, 2, 6), date(2028, 1, 26), date(2029, 2, 13),
        date(2030, 2, 3), date(2031, 1, 23), date(2032, 2, 11), date(2033, 1, 31), date(2034, 2, 19),
        date(2035, 2, 8), date(2036, 1, 28),
    )
}  # fmt: skip
"""The first day of Spring Festival, by year."""

SEASONS: Final = (
    ((10, 1), (10, 7), Season.GOLDEN_WEEK),
    ((5, 1), (5, 5), Season.LABOUR_DAY),
    ((7, 10), (8, 25), Season.SUMMER),
)
"""The seasons of the solar year, each from and to a month and day."""

PERCENT_OF_USUAL_PRICE: Final = {
    Season.SPRING_FESTIVAL: 165,
    Season.GOLDEN_WEEK: 150,
    Season.LABOUR_DAY: 130,
    Season.SUMMER: 115,
    Season.ORDINARY: 100,
}


def season_of(day: date) -> Season:
    """The season that a day falls in; beyond the table of lunar years Spring Festival is 5 February."""
    festival = NEW_YEARS_DAY_OF_THE_LUNAR_YEAR.get(day.year, date(day.year, 2, 5))
    if festival - timedelta(days=1) <= day < festival + timedelta(days=7):
        return Season.SPRING_FESTIVAL
    in_year = (day.month, day.day)
    return next((season for first, last, season in SEASONS if first <= in_year <= last), Season.ORDINARY)


def days(first: date, last: date) -> Iterator[date]:
    """Every day from `first` to `last`, both included."""
    for offset in range((last - first).days + 1):
        yield first + timedelta(days=offset)


def end_of_last_month(today: date) -> date:
    """The last day of the month before the one that `today` is in."""
    return today.replace(day=1) - timedelta(days=1)


def two_years_up_to(until: date) -> date:
    """The first day of the two years that end with `until`."""
    following = until + timedelta(days=1)
    if (following.month, following.day) == (2, 29):
        return date(following.year - 2, 3, 1)
    return following.replace(year=following.year - 2)
