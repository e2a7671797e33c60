"""Counters: what was counted by day or year, read in several ways."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loyalty.ledger import counters as counting
from loyalty.ledger.model import Counters

DAYS = st.dates(date(2023, 1, 1), date(2027, 12, 31)).map(date.isoformat)
UNITS = st.sampled_from(["nights", "stays", "brand:a", "brand:b"])
COUNTERS = st.dictionaries(
    DAYS | st.sampled_from(["2023", "2024", "2025", "2026"]),
    st.dictionaries(UNITS, st.integers(1, 99), min_size=1),
)


def test_what_comes_to_zero_is_left_out() -> None:
    counters: Counters = {"2026": {"nights": 20, "stays": 1}}
    counting.add(counters, "2026", "nights", -20)
    assert {"2026": {"stays": 1}} == counters

    counting.add(counters, "2026", "stays", -1)
    assert {} == counters


@given(COUNTERS, st.lists(st.tuples(DAYS, UNITS, st.integers(-50, 50)), max_size=20))
def test_what_is_counted_and_counted_back_leaves_no_trace(
    counters: Counters, changes: list[tuple[str, str, int]]
) -> None:
    before = {key: dict(counts) for key, counts in counters.items()}
    for key, unit, amount in changes:
        counting.add(counters, key, unit, amount)
    for key, unit, amount in changes:
        counting.add(counters, key, unit, -amount)

    assert before == counters


def test_a_year_holds_its_days_and_its_rest() -> None:
    counters: Counters = {
        "2025-12-31": {"nights": 10},
        "2026": {"nights": 20},
        "2026-01-01": {"nights": 40, "stays": 1},
    }

    assert {"nights": 60, "stays": 1} == counting.of_year(counters, 2026)
    assert {} == counting.of_year(counters, 2027)
    assert ({"nights": 60, "stays": 1}, {"nights": 10}) == counting.of_two_years(counters, 2026)


def test_a_whole_membership_is_the_sum_of_all_years() -> None:
    counters: Counters = {"2025": {"stays": 3}, "2026-03-01": {"stays": 4, "nights": 90}}

    assert 7 == counting.over_all(counters, "stays")


def test_brands_are_counted_once_each() -> None:
    counters: Counters = {
        "2025": {"brand:a": 3, "stays": 3},
        "2026": {"brand:a": 1, "brand:b": 2, "brand:c": -1},
    }

    assert 2 == counting.over_all(counters, "brands")
    assert {"brand:a": 3, "stays": 3, "brands": 1} == counting.with_brands(counters["2025"])


@given(COUNTERS)
def test_folding_into_years_keeps_their_totals_and_leaves_no_day(counters: Counters) -> None:
    folded = counting.by_year(counters)

    assert not any(map(counting.is_day, folded))
    assert all(
        counting.of_year(counters, year) == counting.of_year(folded, year) for year in range(2023, 2028)
    )
    assert folded == counting.by_year(folded)


@given(COUNTERS, st.dates(date(2023, 1, 1), date(2027, 12, 31)))
def test_folding_up_to_a_day_touches_only_days_before_it(counters: Counters, before: date) -> None:
    folded = counting.folded(counters, before)
    limit = before.isoformat()

    assert counting.by_year(counters) == counting.by_year(folded)
    assert {key for key in counters if counting.is_day(key) and key >= limit} == {
        key for key in folded if counting.is_day(key)
    }


def test_days_up_to_a_day_are_known_with_the_rest_of_their_year() -> None:
    counters: Counters = {key: {"stays": 1} for key in ("2025", "2026", "2026-03-01", "2026-03-02", "2027")}

    assert ["2025", "2026", "2026-03-01"] == list(counting.up_to(counters, date(2026, 3, 1)))


@pytest.mark.parametrize(
    ("counters", "last"),
    [
        ({}, None),
        ({"2026-03-01": {"nights": 10}}, None),
        ({"2026-03-01": {"stays": 1}, "2026-05-04": {"stays": 2}, "2026-06-02": {"stays": 1}}, date(2026, 5, 4)),
        ({"2026-06-01": {"stays": 1}}, date(2026, 6, 1)),
        # Of a year by itself: its last day, or the day asked for.
        ({"2025": {"stays": 1}}, date(2025, 12, 31)),
        ({"2026": {"stays": 1}}, date(2026, 6, 1)),
        ({"2027": {"stays": 1}}, None),
        # What is folded is older than the days that are not.
        ({"2025": {"stays": 9}, "2025-10-05": {"stays": 1}}, date(2025, 10, 5)),
        ({"2025-10-05": {"stays": 1}, "2026": {"stays": 1}}, date(2026, 6, 1)),
    ],
)  # fmt: skip
def test_the_last_day_of_a_unit_is_told_up_to_a_day(counters: Counters, last: date | None) -> None:
    assert last == counting.last_day(counters, "stays", date(2026, 6, 1))
