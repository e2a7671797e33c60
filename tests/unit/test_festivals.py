"""Festivals: days of the Gregorian and of the Chinese calendar, year after year."""

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest

from loyalty.program.festivals import Festivals
from loyalty.program.model import Festival


def festival(code: str = "feast", **rest: Any) -> Festival:
    return msgspec.convert({"code": code, "name": {"en": "A festival", "zh": "节日"}, **rest}, Festival)


def days_of(rule: Festival, first: date, last: date) -> list[date]:
    """Return the days from first to last on which a festival is."""
    asked = Festivals([rule])
    days = [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]
    return [day for day in days if asked.holds(rule.code, day)]


def days_in(rule: Festival, year: int) -> list[date]:
    return days_of(rule, date(year, 1, 1), date(year, 12, 31))


# --- the Gregorian calendar -------------------------------------------------------------------------------------------


def test_a_festival_is_on_the_same_day_every_year() -> None:
    assert [date(2026, 10, 1)] == days_in(festival(day="10-01"), 2026)
    assert [date(2027, 10, 1)] == days_in(festival(day="10-01"), 2027)


def test_a_festival_lasts_for_its_days_and_for_those_before_it() -> None:
    golden_week = festival(day="10-01", days_before=1, days=7)

    assert [date(2026, 9, 30) + timedelta(days=ahead) for ahead in range(8)] == days_in(golden_week, 2026)


def test_a_festival_may_pass_the_end_of_a_year() -> None:
    twelve_days = festival(day="12-25", days=12)

    assert [date(2026, 1, day) for day in range(1, 6)] == days_of(
        twelve_days, date(2026, 1, 1), date(2026, 11, 30)
    )
    assert date(2026, 12, 25) == days_of(twelve_days, date(2026, 12, 1), date(2026, 12, 31))[0]
    assert 12 == len(days_of(twelve_days, date(2026, 12, 1), date(2027, 11, 30)))


def test_a_festival_may_begin_in_the_year_before() -> None:
    new_year = festival(day="01-01", days_before=2)

    assert [date(2025, 12, 30), date(2025, 12, 31), date(2026, 1, 1)] == days_of(
        new_year, date(2025, 12, 1), date(2026, 1, 31)
    )


def test_the_29th_of_february_is_the_28th_in_other_years() -> None:
    leap = festival(day="02-29")

    assert [[date(2027, 2, 28)], [date(2028, 2, 29)]] == [days_in(leap, 2027), days_in(leap, 2028)]


def test_a_festival_as_long_as_can_be_reaches_into_the_years_around() -> None:
    # 366 days before 1 January 2025 is the last day of 2023, as 2024 is a leap year.
    assert date(2023, 12, 31) in days_in(festival(day="01-01", days_before=366), 2023)
    assert [] == days_of(
        festival(listed=[date(2025, 1, 1)], days_before=366), date(2023, 1, 1), date(2023, 12, 30)
    )
    # The 366th day from 31 December 2024 is 31 December 2025.
    assert [date(2025, 12, 31)] == days_of(
        festival(listed=[date(2024, 12, 31)], days=366), date(2025, 12, 31), date(2026, 6, 1)
    )


@pytest.mark.parametrize("day", [date.min, date(1, 12, 31), date(9999, 1, 1), date.max])
def test_any_date_there_is_may_be_asked_for(day: date) -> None:
    asked = Festivals([festival(day="12-31", days_before=366, days=366), festival("moon", lunar="01-01")])

    assert ("feast",) == asked.on(day)


# --- the Chinese calendar ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lunar", "day"),
    [
        # Spring Festival 春节
        ("01-01", date(1985, 2, 20)), ("01-01", date(2000, 2, 5)), ("01-01", date(2020, 1, 25)),
        ("01-01", date(2023, 1, 22)), ("01-01", date(2024, 2, 10)), ("01-01", date(2025, 1, 29)),
        ("01-01", date(2026, 2, 17)), ("01-01", date(2027, 2, 6)), ("01-01", date(2033, 1, 31)),
        # Lantern Festival 元宵
        ("01-15", date(2025, 2, 12)), ("01-15", date(2026, 3, 3)),
        # Dragon Boat 端午
        ("05-05", date(2024, 6, 10)), ("05-05", date(2025, 5, 31)), ("05-05", date(2026, 6, 19)),
        # Qixi 七夕, in 2025 after a leap sixth month
        ("07-07", date(2024, 8, 10)), ("07-07", date(2025, 8, 29)), ("07-07", date(2026, 8, 19)),
        # Mid-Autumn 中秋, in 2033 before a leap eleventh month
        ("08-15", date(2020, 10, 1)), ("08-15", date(2024, 9, 17)), ("08-15", date(2025, 10, 6)),
        ("08-15", date(2026, 9, 25)), ("08-15", date(2033, 9, 8)),
        # Double Ninth 重阳
        ("09-09", date(2025, 10, 29)), ("09-09", date(2026, 10, 18)),
    ],
)  # fmt: skip
def test_a_lunar_festival_is_on_the_day_that_almanacs_give(lunar: str, day: date) -> None:
    assert [day] == days_in(festival(lunar=lunar), day.year)


def test_a_leap_month_is_not_its_ordinary_one() -> None:
    # 2025 has a leap sixth month: the ordinary one begins on 25 June, the leap one on 25 July.
    assert [date(2025, 6, 25)] == days_in(festival(lunar="06-01"), 2025)
    # In 2023 the second month was doubled: 20 February and 22 March.
    assert [date(2023, 2, 20)] == days_in(festival(lunar="02-01"), 2023)


def test_the_30th_of_a_short_lunar_month_is_its_last_day() -> None:
    eve = festival(lunar="12-30")

    # The twelfth month had 30 days before the Spring Festival of 2024, and 29 before those of 2025 and 2026.
    assert [date(2024, 2, 9), date(2025, 1, 28), date(2026, 2, 16)] == days_of(
        eve, date(2024, 1, 1), date(2026, 12, 31)
    )


def test_a_lunar_day_that_the_gregorian_calendar_has_not_may_be_named() -> None:
    # The second lunar month of 2026 begins on 19 March and has 29 days; that of 2024 on 10 March and has 30.
    assert [date(2024, 4, 8)] == days_in(festival(lunar="02-30"), 2024)
    assert [date(2026, 4, 16)] == days_in(festival(lunar="02-30"), 2026)


@pytest.mark.parametrize(
    ("first", "last"),
    [(date(2025, 1, 28), date(2025, 2, 3)), (date(2026, 2, 16), date(2026, 2, 22))],
)
def test_the_spring_festival_may_last_a_week_and_its_eve(first: date, last: date) -> None:
    found = days_in(festival(lunar="01-01", days_before=1, days=6), first.year)

    assert (first, last, 7) == (found[0], found[-1], len(found))


def test_a_lunar_year_may_end_in_the_next_calendar_year() -> None:
    # Laba 腊八, the 8th of the twelfth month.
    found = days_of(festival(lunar="12-08"), date(2024, 1, 1), date(2027, 1, 31))

    assert [date(2024, 1, 18), date(2025, 1, 7), date(2026, 1, 26), date(2027, 1, 15)] == found


def test_a_lunar_festival_may_last_almost_to_its_next() -> None:
    # From New Year's Eve, 28 January 2025, for 364 days: to 26 January 2026. The next is on 16 February.
    found = days_of(festival(lunar="12-30", days=364), date(2026, 1, 1), date(2026, 2, 16))

    assert [*(date(2026, 1, day) for day in range(1, 27)), date(2026, 2, 16)] == found


def test_beyond_the_table_a_lunar_festival_has_no_days() -> None:
    spring = festival(lunar="01-01")

    assert [date(1900, 1, 31)] == days_of(spring, date(1899, 1, 1), date(1900, 12, 31))
    assert [date(2100, 2, 9)] == days_of(spring, date(2100, 1, 1), date(2102, 12, 31))


# --- listed days, several festivals -----------------------------------------------------------------------------------


def test_days_may_be_listed() -> None:
    easter = festival(listed=[date(2026, 4, 5), date(2027, 3, 28)], days_before=2, days=2)

    assert [date(2026, 4, day) for day in (3, 4, 5, 6)] == days_in(easter, 2026)
    assert [date(2027, 3, day) for day in (26, 27, 28, 29)] == days_in(easter, 2027)
    assert [] == days_in(easter, 2028)


def test_a_day_may_lie_in_several_festivals() -> None:
    # In 2020 Mid-Autumn was on National Day.
    both = Festivals([festival("national", day="10-01"), festival("moon", lunar="08-15")])

    assert ("national", "moon") == both.on(date(2020, 10, 1))
    assert ("national",) == both.on(date(2021, 10, 1))
    assert () == both.on(date(2021, 10, 2))
    assert not both.holds("unknown", date(2020, 10, 1))


def test_without_festivals_no_day_is_one() -> None:
    assert () == Festivals([]).on(date(2026, 10, 1))


@pytest.mark.parametrize("lunar", ["00-01", "13-01", "08-31", "8-15", "08-15\n"])
def test_a_lunar_date_that_no_month_has_is_refused(lunar: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        festival(lunar=lunar)
