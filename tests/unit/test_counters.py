"""Counters: what was counted by day or year, read in several ways."""

from copy import deepcopy
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.ledger import counters as counting
from loyalty.ledger.model import Counters

DAYS = st.dates(date(2023, 1, 1), date(2027, 12, 31)).map(date.isoformat)
KEYS = DAYS | st.sampled_from(["2023", "2024", "2025", "2026"])
UNITS = st.sampled_from(["nights", "stays", "brand:a", "brand:b"])


def counted(changes: list[tuple[str, str, int]]) -> Counters:
    counters: Counters = {}
    for key, unit, amount in changes:
        counting.add(counters, key, unit, amount)
    return counters


COUNTERS = st.lists(st.tuples(KEYS, UNITS, st.integers(1, 99))).map(counted)


def test_what_comes_to_zero_is_left_out() -> None:
    counters: Counters = {"2026": {"nights": 20, "stays": 1}}
    counting.add(counters, "2026", "nights", -20)
    assert {"2026": {"stays": 1}} == counters

    counting.add(counters, "2026", "stays", -1)
    assert {} == counters


@given(COUNTERS, st.lists(st.tuples(KEYS, UNITS, st.integers(-50, 50)), max_size=20))
def test_what_is_counted_and_counted_back_leaves_no_trace(
    counters: Counters, changes: list[tuple[str, str, int]]
) -> None:
    before = deepcopy(counters)
    for key, unit, amount in changes:
        counting.add(counters, key, unit, amount)
    for key, unit, amount in changes:
        counting.add(counters, key, unit, -amount)

    assert before == counters


def test_a_day_counts_in_its_year_too() -> None:
    counters = counted([("2025-12-31", "nights", 10), ("2026", "nights", 20), ("2026-01-01", "nights", 40)])

    assert {
        "2025": {"nights": 10},
        "2025-12-31": {"nights": 10},
        "2026": {"nights": 60},
        "2026-01-01": {"nights": 40},
    } == counters
    assert [{"nights": 60}, {}] == [counting.of_year(counters, year) for year in (2026, 2027)]


def test_a_note_is_kept_with_its_day_alone() -> None:
    note = "at:SHA01:2026-03-01"
    counters = counted([("2026-03-04", note, 1), ("2026-03-04", "stays", 1), ("2026", note, 1)])

    assert {"2026": {"stays": 1}, "2026-03-04": {"stays": 1, note: 1}} == counters


def test_a_note_whose_day_is_gone_needs_not_be_taken_back() -> None:
    note = "at:SHA01:2026-03-01"
    counters = counted([("2026-03-04", note, 1), ("2026-03-04", note, -1), ("2026-03-04", note, -1)])

    assert {} == counters


@given(COUNTERS)
def test_the_parts_are_all_that_was_counted(counters: Counters) -> None:
    again = counted(
        [(key, unit, amount) for key, counts in counting.parts(counters) for unit, amount in counts.items()]
    )

    assert again == counters


def test_a_whole_membership_is_the_sum_of_all_years() -> None:
    counters = counted([("2025", "stays", 3), ("2026-03-01", "stays", 4), ("2026-03-01", "nights", 90)])

    assert 7 == counting.over_all(counters, "stays")


def test_brands_are_counted_once_each() -> None:
    counters: Counters = {
        "2025": {"brand:a": 3, "stays": 3},
        "2026": {"brand:a": 1, "brand:b": 2, "brand:c": -1},
    }

    assert 2 == counting.over_all(counters, "brands")
    assert {"brand:a": 3, "stays": 3, "brands": 1} == counting.with_brands(counters["2025"])


@given(st.lists(st.tuples(DAYS, UNITS, st.integers(-9, 99))))
def test_by_year_all_is_the_same_as_if_no_day_had_been_kept(changes: list[tuple[str, str, int]]) -> None:
    years = counted([(day[:4], unit, amount) for day, unit, amount in changes])

    assert years == counting.by_year(counted(changes))


@given(COUNTERS, st.dates(date(2023, 1, 1), date(2027, 12, 31)))
def test_leaving_days_out_touches_only_those_before(counters: Counters, before: date) -> None:
    found = counting.without_days(counters, before)
    limit = before.isoformat()

    assert counting.by_year(counters) == counting.by_year(found)
    assert {key for key in counters if counting.is_day(key) and key >= limit} == {
        key for key in found if counting.is_day(key)
    }


def test_up_to_a_day_its_year_is_without_the_days_after() -> None:
    counters = counted(
        [(key, "stays", 1) for key in ("2025", "2026", "2026-03-01", "2026-03-02", "2027-01-01")]
    )

    assert {
        "2025": {"stays": 1},
        "2026": {"stays": 2},
        "2026-03-01": {"stays": 1},
    } == counting.up_to(counters, date(2026, 3, 1))


@given(st.lists(st.tuples(DAYS, UNITS, st.integers(1, 9))), st.dates(date(2023, 1, 1), date(2027, 12, 31)))
def test_up_to_a_day_it_is_as_if_nothing_had_come_after(
    changes: list[tuple[str, str, int]], day: date
) -> None:
    known = counted([one for one in changes if one[0] <= day.isoformat()])

    assert known == counting.up_to(counted(changes), day)


@given(
    st.dates(date(2023, 1, 1), date(2027, 12, 31)),
    st.dictionaries(UNITS | st.just("at:A:2026-01-01"), st.integers(-9, 9)),
)
def test_counting_several_units_of_a_day_is_counting_each(day: date, changes: dict[str, int]) -> None:
    together: Counters = {}
    one_by_one: Counters = {}
    by_day = ("at:", "brand:", "stays")
    counting.count_all(together, changes.items(), day, by_day)
    for unit, amount in changes.items():
        counting.count(one_by_one, unit, day, amount, by_day)

    assert one_by_one == together


@pytest.mark.parametrize(
    ("stays", "last"),
    [
        ([], None),
        (["2026-03-01", "2026-05-04", "2026-06-02"], date(2026, 5, 4)),
        (["2026-06-01"], date(2026, 6, 1)),
        # Of a year by itself: its last day, or the day asked for.
        (["2025"], date(2025, 12, 31)),
        (["2026"], date(2026, 6, 1)),
        (["2027"], None),
        # What is left out is older than the days that are kept.
        (["2025", "2025-10-05"], date(2025, 10, 5)),
        (["2025-10-05", "2026"], date(2026, 6, 1)),
        (["2025-10-05", "2026", "2026-07-01"], date(2026, 6, 1)),
        (["2025-10-05", "2026-07-01"], date(2025, 10, 5)),
    ],
)
def test_the_last_day_of_a_unit_is_told_up_to_a_day(stays: list[str], last: date | None) -> None:
    counters = counted([("2026-05-31", "nights", 10), *((key, "stays", 1) for key in stays)])

    assert last == counting.last_day(counters, "stays", date(2026, 6, 1))


@given(
    st.lists(st.tuples(KEYS, st.just("stays"), st.integers(-2, 3))),
    st.dates(date(2023, 1, 1), date(2027, 12, 31)),
)
def test_the_last_day_is_one_that_is_kept_or_the_end_of_a_year_with_more_than_its_days_tell(
    changes: list[tuple[str, str, int]], until: date
) -> None:
    counters = counted(changes)
    stays = {key: counts["stays"] for key, counts in counters.items()}
    ends = {date.fromisoformat(key) for key, amount in stays.items() if counting.is_day(key) and amount > 0}
    found = {day for day in ends if day <= until}
    for year in {int(key) for key in stays if not counting.is_day(key) and int(key) <= until.year}:
        told = sum([amount for key, amount in stays.items() if key.startswith(f"{year}-")])
        if stays[str(year)] > max(0, told) and year not in {day.year for day in found}:
            found.add(min(date(year, 12, 31), until))

    assert counting.last_day(counters, "stays", until) == max(found, default=None)


@given(
    st.lists(st.tuples(st.dates(date(2024, 1, 1), date(2027, 12, 31)), st.booleans()), max_size=8),
    st.dates(date(2023, 6, 1), date(2027, 12, 31)),
)
def test_the_last_day_is_of_the_latest_year_with_any_as_its_days_tell_it(
    stays: list[tuple[date, bool]], until: date
) -> None:
    counters: Counters = {}
    for day, kept in stays:
        counting.count(counters, "stays", day, 1, ("stays",) if kept else ())
    expected: date | None = None
    for year in range(2024, until.year + 1):
        days = [day for day, kept in stays if kept and day.year == year and day <= until]
        if any(day.year == year and not kept for day, kept in stays):
            expected = min(date(year, 12, 31), until)
        expected = max(days, default=expected)

    assert expected == counting.last_day(counters, "stays", until)
