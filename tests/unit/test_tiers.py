"""Tiers: reached by any threshold within a calendar year, valid to the end of the next."""

from datetime import date

import pytest

from loyalty.ledger.model import Counters
from tests.builders import PROGRAM, house_rules, small_rules

LADDER = house_rules().ladder


def nights(count: int) -> dict[str, int]:
    return {"nights": count * 10}


@pytest.mark.parametrize(
    ("counted", "code"),
    [
        ({}, "silver"), (nights(9), "silver"), ({"nights": 99}, "silver"), (nights(10), "gold"),
        ({"spend": 999_999}, "silver"), ({"spend": 1_000_000}, "gold"), (nights(30), "platinum"),
        ({"nights": 10, "spend": 4_000_000}, "platinum"), (nights(60), "diamond"), ({"stays": 500}, "silver"),
    ],
)  # fmt: skip
def test_any_threshold_reaches_a_tier(counted: dict[str, int], code: str) -> None:
    assert code == LADDER.reached(counted).code


@pytest.mark.parametrize(
    ("day", "code"),
    [
        (date(2025, 12, 31), "silver"), (date(2026, 1, 1), "gold"), (date(2026, 12, 31), "gold"),
        (date(2027, 12, 31), "gold"), (date(2028, 1, 1), "silver"),
    ],
)  # fmt: skip
def test_a_tier_reached_in_a_year_holds_to_the_end_of_the_next(day: date, code: str) -> None:
    assert code == LADDER.on({"2026": nights(10)}, day).code


def test_the_higher_of_two_years_counts() -> None:
    counters: Counters = {"2025": nights(60), "2026": nights(10)}

    assert ["diamond", "gold"] == [LADDER.on(counters, date(year, 6, 1)).code for year in (2026, 2027)]


def test_years_are_not_added_up() -> None:
    assert "silver" == LADDER.on({"2025": nights(9), "2026": nights(9)}, date(2026, 6, 1)).code


@pytest.mark.parametrize(
    ("counters", "valid_to"),
    [
        ({}, None), ({"2025": nights(10)}, date(2026, 12, 31)), ({"2026": nights(10)}, date(2027, 12, 31)),
        ({"2025": nights(10), "2026": nights(10)}, date(2027, 12, 31)),
        ({"2025": nights(30), "2026": nights(10)}, date(2026, 12, 31)),
    ],
)  # fmt: skip
def test_a_standing_tells_the_last_day_it_is_certain_for(counters: Counters, valid_to: date | None) -> None:
    assert valid_to == LADDER.standing(counters, date(2026, 6, 1)).valid_to


def test_what_is_missing_is_told_by_threshold_and_never_below_zero() -> None:
    gold = LADDER.level("gold")

    assert {"nights": 70, "spend": 1_000_000} == LADDER.missing(gold, nights(3))
    assert {"nights": 0, "spend": 1_000_000} == LADDER.missing(gold, nights(12))


def test_above_the_highest_tier_there_is_none() -> None:
    assert "gold" == getattr(LADDER.next_after(LADDER.level("silver")), "code", None)
    assert LADDER.next_after(LADDER.level("diamond")) is None


def test_a_tier_that_is_no_longer_in_the_program_is_judged_as_the_lowest() -> None:
    assert "silver" == LADDER.level("bronze").code


@pytest.mark.parametrize(
    ("counted", "code"),
    [({"spend": 250_000}, "platinum"), ({"nights": 40}, "gold"), ({"nights": 39}, "silver")],
)
def test_tiers_may_be_reached_by_different_units(counted: dict[str, int], code: str) -> None:
    text = PROGRAM.replace('{ nights = "4", spend = "900" }', '{ nights = "4" }')
    ladder = small_rules(text.replace('{ nights = "9", spend = "2500" }', '{ spend = "2500" }')).ladder

    assert code == ladder.reached(counted).code
    assert code == ladder.on({"2025": counted}, date(2026, 6, 1)).code


def test_a_program_may_have_one_tier_only() -> None:
    text = PROGRAM[: PROGRAM.index('[[tier]]\ncode = "gold"')] + "[expiry]\nmonths = 3"
    ladder = small_rules(text).ladder

    assert "silver" == ladder.on({"2026": {"nights": 9000}}, date(2026, 6, 1)).code
    assert ladder.next_after(ladder.levels[0]) is None
