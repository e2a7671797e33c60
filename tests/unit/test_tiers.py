"""Tiers of the house program: reached by any threshold within a calendar year, valid to the end of the next."""

from datetime import date

import pytest

from loyalty.ledger.model import Counters
from tests.builders import PROGRAM, counted, house_rules, member, small_rules

HOUSE = house_rules()
LADDER = HOUSE.ladder


def nights(count: int) -> dict[str, int]:
    return {"nights": count * 10}


def tier(counters: Counters, day: date) -> str:
    return HOUSE.tiers.on(member(counters=counters), day).code


@pytest.mark.parametrize(
    ("units", "code"),
    [
        ({}, "silver"), (nights(9), "silver"), ({"nights": 99}, "silver"), (nights(10), "gold"),
        ({"spend": 999_999}, "silver"), ({"spend": 1_000_000}, "gold"), (nights(30), "platinum"),
        ({"nights": 10, "spend": 4_000_000}, "platinum"), (nights(60), "diamond"), ({"stays": 500}, "silver"),
    ],
)  # fmt: skip
def test_any_threshold_reaches_a_tier(units: dict[str, int], code: str) -> None:
    assert code == LADDER.reached(units).code


@pytest.mark.parametrize(
    ("day", "code"),
    [
        (date(2025, 12, 31), "silver"), (date(2026, 1, 1), "gold"), (date(2026, 12, 31), "gold"),
        (date(2027, 12, 31), "gold"), (date(2028, 1, 1), "silver"),
    ],
)  # fmt: skip
def test_a_tier_reached_in_a_year_holds_to_the_end_of_the_next(day: date, code: str) -> None:
    assert code == tier({"2026": nights(10)}, day)


def test_the_higher_of_two_years_counts() -> None:
    counters: Counters = {"2025": nights(60), "2026": nights(10)}

    assert ["diamond", "gold"] == [tier(counters, date(year, 6, 1)) for year in (2026, 2027)]


def test_years_are_not_added_up() -> None:
    assert "silver" == tier({"2025": nights(9), "2026": nights(9)}, date(2026, 6, 1))


def test_days_are_added_up_in_their_year() -> None:
    counters = counted({"2026": nights(4), "2026-03-01": nights(3), "2026-05-01": nights(3)})

    assert ["silver", "gold"] == [tier(counters, date(year, 6, 1)) for year in (2025, 2026)]


@pytest.mark.parametrize(
    ("counters", "valid_to"),
    [
        ({}, None), ({"2025": nights(9)}, None),
        ({"2025": nights(10)}, date(2026, 12, 31)), ({"2026": nights(10)}, date(2027, 12, 31)),
        ({"2025": nights(10), "2026": nights(10)}, date(2027, 12, 31)),
        ({"2025": nights(30), "2026": nights(10)}, date(2026, 12, 31)),
    ],
)  # fmt: skip
def test_a_standing_tells_the_last_day_it_is_certain_for(counters: Counters, valid_to: date | None) -> None:
    someone = member(counters=counters)
    review_on = HOUSE.tiers.review_on(someone, date(2026, 6, 1))

    assert valid_to == HOUSE.tiers.standing(someone, date(2026, 6, 1)).valid_to
    assert (valid_to and date(valid_to.year + 1, 1, 1)) == review_on


def test_what_is_already_counted_for_the_next_year_makes_it_last_longer() -> None:
    standing = HOUSE.tiers.standing(
        member(counters=counted({"2025": nights(10), "2027-01-01": nights(10)})), date(2026, 12, 31)
    )

    assert ("gold", date(2028, 12, 31)) == (standing.level.code, standing.valid_to)


def test_the_period_is_the_calendar_year() -> None:
    counters = counted({"2025": nights(7), "2026": nights(2), "2026-05-01": nights(1)})
    period = HOUSE.tiers.period(member(counters=counters), date(2026, 6, 1))

    assert (date(2026, 1, 1), date(2026, 12, 31), nights(3)) == (period.first, period.last, period.counted)


def test_what_is_missing_is_told_by_threshold_and_never_below_zero() -> None:
    gold = LADDER.level("gold")

    assert ({"nights": 70, "spend": 1_000_000}, {}) == LADDER.missing(gold, nights(3))
    assert ({"nights": 0, "spend": 1_000_000}, {}) == LADDER.missing_to_keep(gold, nights(12))


def test_above_the_highest_tier_there_is_none() -> None:
    assert "gold" == getattr(LADDER.next_after(LADDER.level("silver")), "code", None)
    assert LADDER.next_after(LADDER.level("diamond")) is None


def test_a_tier_that_is_not_in_the_program_is_judged_as_the_lowest() -> None:
    assert "silver" == LADDER.level("bronze").code


@pytest.mark.parametrize(
    ("units", "code"),
    [({"spend": 250_000}, "platinum"), ({"nights": 40}, "gold"), ({"nights": 39}, "silver")],
)
def test_tiers_may_be_reached_by_different_units(units: dict[str, int], code: str) -> None:
    text = PROGRAM.replace('{ nights = "4", spend = "900" }', '{ nights = "4" }')
    rules = small_rules(text.replace('{ nights = "9", spend = "2500" }', '{ spend = "2500" }'))

    assert code == rules.ladder.reached(units).code
    assert code == rules.tiers.on(member(counters={"2025": units}), date(2026, 6, 1)).code


def test_a_program_may_have_one_tier_only() -> None:
    text = PROGRAM[: PROGRAM.index('[[tier]]\ncode = "gold"')] + "[expiry]\nmonths = 3"
    rules = small_rules(text)
    someone = member(counters={"2026": {"nights": 9000}})

    assert "silver" == rules.tiers.on(someone, date(2026, 6, 1)).code
    assert rules.tiers.review_on(someone, date(2026, 6, 1)) is None
    assert rules.ladder.next_after(rules.ladder.levels[0]) is None
