"""How tiers are earned, kept and lost: each rule with numbers worked out by hand."""

from datetime import date, timedelta
from typing import Any

import pytest

from loyalty.commands.rulebook import Rulebook, join
from loyalty.ledger import counters as counting
from loyalty.ledger.model import Counters, Member, Status, Traits
from loyalty.tiers.marks import Change
from loyalty.tiers.standing import Tiers
from tests.builders import PROGRAM, counted, member, small_rules

HEAD = PROGRAM[: PROGRAM.index("[[tier]]")]
COUNTED = '[counting]\nunits = ["nights", "stays", "spend", "no_shows", "brands", "tier_points"]\n\n'
ENROLLED = date(2025, 1, 1)

Threshold = dict[str, str]


def text(qualification: str = "", **tiers: dict[str, Any]) -> str:
    """Return a program with tiers above `basic`, or above `guest` where `basic` is one of them."""
    lowest: dict[str, dict[str, Any]] = {"guest" if "basic" in tiers else "basic": {}}
    parts = [HEAD, COUNTED, "[qualification]\n", qualification, "\n"]
    for code, keys in (lowest | tiers).items():
        parts.append(f'\n[[tier]]\ncode = "{code}"\nname = {{ en = "{code}", zh = "{code}" }}\n')
        parts += [f"{key} = {_toml(value)}\n" for key, value in keys.items()]
    return "".join(parts)


def _toml(value: bool | Threshold) -> str:  # noqa: FBT001 - a value of TOML
    if isinstance(value, bool):
        return str(value).lower()
    return "{ " + ", ".join(f'{unit} = "{amount}"' for unit, amount in value.items()) + " }"


def rules(qualification: str = "", **tiers: dict[str, Any]) -> Rulebook:
    return small_rules(text(qualification, **tiers))


def nights(count: int, **others: int) -> dict[str, int]:
    return {"nights": count * 10, **others}


def guest(counters: Counters | None = None, *statuses: Status, **fields: Any) -> Member:
    """Return a member of whom this was counted: on days, and in years besides."""
    values = {
        "enrolled_on": ENROLLED,
        "counters": counted(counters or {}),
        "traits": Traits(statuses=statuses),
    } | fields
    return member(**values)


def tiers_by_day(tiers: Tiers, someone: Member, *days: date) -> list[str]:
    return [tiers.on(someone, day).code for day in days]


def told(tiers: Tiers, someone: Member, day: date) -> tuple[str, date | None, date | None]:
    """Return the tier on a day, until when it is certain, and when it is next to be looked at."""
    standing = tiers.standing(someone, day)
    return standing.level.code, standing.valid_to, tiers.review_on(someone, day)


GOLD: dict[str, Any] = {"reach": {"nights": "20"}}
PLATINUM: dict[str, Any] = {"reach": {"nights": "40"}}
DIAMOND: dict[str, Any] = {"reach": {"nights": "70"}}
ALL: dict[str, dict[str, Any]] = {"gold": GOLD, "platinum": PLATINUM, "diamond": DIAMOND}


# --- reaching and keeping ---------------------------------------------------------------------------------------------


def test_a_threshold_and_a_requirement_must_both_be_met() -> None:
    tiers = rules(gold=GOLD | {"require": {"spend": "1000"}}).tiers

    def at(counted: dict[str, int]) -> str:
        return tiers.on(guest({"2026": counted}), date(2026, 5, 1)).code

    assert ["basic", "basic", "gold"] == [
        at(nights(20)), at(nights(19, spend=100_000)), at(nights(20, spend=100_000)),
    ]  # fmt: skip


def test_a_tier_may_ask_for_requirements_alone() -> None:
    tiers = rules(gold={"require": {"nights": "20", "spend": "1000"}}).tiers

    assert "gold" == tiers.on(guest({"2026": nights(20, spend=100_000)}), date(2026, 5, 1)).code
    assert "basic" == tiers.on(guest({"2026": nights(20, spend=99_999)}), date(2026, 5, 1)).code


def test_less_is_enough_to_keep_a_tier_but_not_to_reach_it() -> None:
    # 40 nights in 2025: platinum to the end of 2026. 30 in 2026 keep it to the end of 2027; 29 in 2027 don't.
    tiers = rules(platinum=PLATINUM | {"keep": {"nights": "30"}}).tiers
    counters: Counters = {"2025": nights(40), "2026": nights(30), "2027": nights(29)}

    assert ["platinum"] * 3 + ["basic"] == [
        tiers.on(guest(counters), date(year, 7, 1)).code for year in (2025, 2026, 2027, 2028)
    ]
    assert "basic" == tiers.on(guest({"2026": nights(39)}), date(2026, 7, 1)).code


def test_what_is_required_is_required_to_keep_it_too_unless_said() -> None:
    asks = PLATINUM | {"require": {"spend": "1000"}, "keep": {"nights": "30"}}
    counters: Counters = {"2025": nights(40, spend=100_000), "2026": nights(30)}
    same = rules(platinum=asks).tiers
    other = rules(platinum=asks | {"keep_require": {"stays": "1"}}).tiers
    counters["2026"]["stays"] = 1

    assert ("basic", "platinum") == (
        same.on(guest(counters), date(2027, 1, 1)).code, other.on(guest(counters), date(2027, 1, 1)).code,
    )  # fmt: skip


def test_what_reaches_a_tier_keeps_it_even_where_other_units_are_asked_for() -> None:
    tiers = rules(gold=GOLD | {"keep": {"stays": "5"}}).tiers
    counters: Counters = {"2025": nights(20), "2026": nights(20), "2027": {"stays": 5}}

    assert ["gold"] * 4 == [
        tiers.on(guest(counters), date(year, 7, 1)).code for year in (2025, 2026, 2027, 2028)
    ]


def test_without_soft_landing_a_tier_falls_to_what_the_counters_say() -> None:
    tiers = rules(**ALL).tiers
    counters: Counters = {"2025": nights(70), "2026": nights(20)}

    assert ["diamond", "diamond", "gold", "basic"] == [
        tiers.on(guest(counters), date(year, 7, 1)).code for year in (2025, 2026, 2027, 2028)
    ]


def test_with_soft_landing_a_tier_falls_by_one_level_a_year() -> None:
    tiers = rules('downgrade = "one_level"', **ALL).tiers
    someone = guest({"2025": nights(70)})

    assert ["diamond", "diamond", "platinum", "gold", "basic"] == [
        tiers.on(someone, date(year, 7, 1)).code for year in (2025, 2026, 2027, 2028, 2029)
    ]
    assert ("diamond", date(2026, 12, 31), date(2027, 1, 1)) == told(tiers, someone, date(2026, 7, 1))
    assert ("platinum", date(2027, 12, 31), date(2028, 1, 1)) == told(tiers, someone, date(2027, 7, 1))


def test_a_soft_landing_does_not_fall_past_what_was_reached() -> None:
    # Diamond for 2025 and 2026. 25 nights a year reach gold: platinum in 2027, gold from 2028 on. None in 2028: basic.
    tiers = rules('downgrade = "one_level"', **ALL).tiers
    counters: Counters = {"2025": nights(70), "2026": nights(25), "2027": nights(25)}

    assert ["diamond", "platinum", "gold", "basic"] == [
        tiers.on(guest(counters), date(year, 7, 1)).code for year in (2026, 2027, 2028, 2029)
    ]


def test_a_permanent_tier_is_never_lost_and_stops_the_fall_of_higher_ones() -> None:
    tiers = rules(gold=GOLD | {"permanent": True}, platinum=PLATINUM).tiers
    someone = guest({"2025": nights(40)})

    assert ["platinum", "gold", "gold"] == tiers_by_day(
        tiers, someone, date(2026, 12, 31), date(2027, 1, 1), date(2060, 1, 1)
    )
    assert ("gold", None, None) == told(tiers, someone, date(2027, 1, 1))


def test_grace_lets_a_tier_last_longer() -> None:
    # Gold for 2025 and 2026, and two months more: the last day is 28 February 2027.
    tiers = rules("grace_months = 2", gold=GOLD).tiers
    someone = guest({"2025": nights(20)})

    assert ["gold", "basic"] == tiers_by_day(tiers, someone, date(2027, 2, 28), date(2027, 3, 1))
    assert ("gold", date(2027, 2, 28), date(2027, 3, 1)) == told(tiers, someone, date(2026, 6, 1))
    assert ("gold", date(2027, 2, 28), date(2027, 3, 1)) == told(tiers, someone, date(2027, 1, 10))


def test_grace_of_a_higher_tier_goes_before_the_one_that_follows() -> None:
    tiers = rules('downgrade = "one_level"\ngrace_months = 3', **ALL).tiers
    someone = guest({"2025": nights(70)})

    assert ["diamond", "platinum"] == tiers_by_day(tiers, someone, date(2027, 3, 31), date(2027, 4, 1))


def test_grace_that_ends_in_a_short_month_ends_on_the_day_it_is_said_to() -> None:
    # A window of a month that ends on 31 August, and six months more: 28 February.
    tiers = rules('period = "rolling"\nmonths = 1\ngrace_months = 6', gold=GOLD).tiers
    someone = guest({"2025-07-31": nights(20)})

    assert ("gold", date(2026, 2, 27), date(2026, 2, 28)) == told(tiers, someone, date(2025, 8, 30))
    assert ["gold", "basic"] == tiers_by_day(tiers, someone, date(2026, 2, 27), date(2026, 2, 28))


def test_a_bar_is_in_the_way_of_an_upgrade_but_takes_nothing() -> None:
    tiers = rules('[[qualification.bar]]\nunit = "no_shows"\nat_most = 2', **ALL).tiers
    counters: Counters = {"2025": nights(20, no_shows=2), "2026": nights(40, no_shows=3), "2027": nights(40)}

    assert ["gold", "gold", "platinum"] == [
        tiers.on(guest(counters), date(year, 7, 1)).code for year in (2025, 2026, 2027)
    ]


def test_brands_are_counted_as_different_ones() -> None:
    tiers = rules(gold={"reach": {"brands": "2"}}).tiers
    once: Counters = {"2026": {"brand:a": 3}}
    twice: Counters = {"2026": {"brand:a": 3}, "2026-04-01": {"brand:b": 1}}

    assert ["basic", "gold"] == [tiers.on(guest(one), date(2026, 5, 1)).code for one in (once, twice)]


TOP: dict[str, dict[str, Any]] = ALL | {"top": {"by_invitation": True}}
BAR = '\n[[qualification.bar]]\nunit = "no_shows"\nat_most = 2\n'


def test_nothing_that_is_counted_reaches_a_tier_by_invitation() -> None:
    tiers = rules(**TOP).tiers
    invited = guest({}, Status("top", "gifted", date(2026, 3, 1), date(2026, 12, 31)))

    assert "diamond" == tiers.on(guest({"2026": nights(300)}), date(2026, 6, 1)).code
    assert ["basic", "top", "top", "basic"] == tiers_by_day(
        tiers, invited, date(2026, 2, 28), date(2026, 3, 1), date(2026, 12, 31), date(2027, 1, 1)
    )


def test_a_tier_by_invitation_is_no_goal_and_no_way_down() -> None:
    middle = {"gold": GOLD, "club": {"by_invitation": True}, "platinum": PLATINUM}
    ladder = rules('downgrade = "one_level"', **middle).ladder
    basic, gold, club, platinum = ladder.levels

    assert [gold, platinum, platinum, None] == [
        ladder.next_after(one) for one in (basic, gold, club, platinum)
    ]
    assert gold is ladder.after_review(platinum, {})
    assert "gold" == rules(**middle).ladder.after_review(platinum, nights(20)).code
    # Of a version that has other tiers, what is third stands for what can be earned.
    assert "gold" == ladder.like(rules(a=GOLD, b=PLATINUM).ladder.levels[2]).code


def test_a_bar_may_be_for_some_tiers_alone() -> None:
    tiers = rules(BAR + 'tiers = ["platinum"]', **ALL).tiers

    def at(counted: dict[str, int]) -> str:
        return tiers.on(guest({"2026": counted}), date(2026, 5, 1)).code

    assert ["platinum", "gold", "gold", "diamond"] == [
        at(nights(40, no_shows=2)), at(nights(40, no_shows=3)), at(nights(69, no_shows=3)), at(nights(70, no_shows=3)),
    ]  # fmt: skip


def test_a_bar_for_some_tiers_holds_by_day_and_in_cycles_too() -> None:
    by_day = rules('effective = "next_day"' + BAR + 'tiers = ["platinum"]', **ALL).tiers
    cycles = rules('period = "cycle"\nmonths = 12' + BAR + 'tiers = ["platinum"]', **ALL).tiers
    counters: Counters = {"2026-03-01": nights(10, no_shows=3), "2026-04-01": nights(31)}

    assert ["basic", "gold"] == tiers_by_day(by_day, guest(counters), date(2026, 4, 1), date(2026, 4, 2))
    assert "gold" == cycles.on(guest(counters), date(2026, 4, 2)).code


def test_a_bar_on_keeping_costs_a_tier_that_the_counts_would_keep() -> None:
    # Platinum by 40 nights of 2025, to the end of 2026. 45 nights in 2026 would keep it; three no-shows cost it.
    tiers = rules(BAR + 'on = "keep"', **ALL).tiers
    careful: Counters = {"2025": nights(40), "2026": nights(45, no_shows=2)}
    careless: Counters = {"2025": nights(40), "2026": nights(45, no_shows=3)}

    assert ["platinum", "basic"] == [
        tiers.on(guest(one), date(2027, 6, 1)).code for one in (careful, careless)
    ]
    # A tier that is reached in the year lasts, whatever the no-shows; the bar isn't on reaching it.
    assert ["platinum"] * 2 == tiers_by_day(
        tiers, guest({"2026": nights(45, no_shows=9)}), date(2026, 6, 1), date(2027, 12, 31)
    )


def test_a_bar_on_keeping_one_tier_leaves_the_one_below() -> None:
    tiers = rules(BAR + 'on = "keep"\ntiers = ["platinum"]', **ALL).tiers
    counters: Counters = {"2025": nights(40), "2026": nights(45, no_shows=3)}

    assert "gold" == tiers.on(guest(counters), date(2027, 6, 1)).code


def test_a_bar_on_keeping_holds_at_the_end_of_a_cycle_and_spares_what_is_permanent() -> None:
    # Gold on 1 February 2025; its cycle ends on 1 February 2026, with 25 nights and three no-shows.
    cycle = 'period = "cycle"\nmonths = 12\n' + BAR + 'on = "keep"'
    counters: Counters = {"2025-02-01": nights(20), "2025-06-01": nights(25, no_shows=3)}
    tiers, permanent = rules(cycle, gold=GOLD).tiers, rules(cycle, gold=GOLD | {"permanent": True}).tiers

    assert ["gold", "basic"] == tiers_by_day(tiers, guest(counters), date(2026, 2, 1), date(2026, 2, 2))
    assert "gold" == permanent.on(guest(counters), date(2026, 2, 2)).code


# --- rollover ---------------------------------------------------------------------------------------------------------


def test_nights_beyond_the_threshold_count_in_the_next_year_once() -> None:
    # 25 nights with gold at 20: 5 roll over. 16 in the next year are 21: gold is kept. That one night over doesn't roll
    # again: 19 in the third year are 19, so gold ends with it.
    tiers = rules('rollover = ["nights"]', gold=GOLD).tiers
    counters: Counters = {"2025": nights(25), "2026": nights(16), "2027": nights(19)}
    someone = guest(counters)

    assert nights(21) == tiers.period(someone, date(2026, 12, 31)).counted
    assert nights(19) == tiers.period(someone, date(2027, 12, 31)).counted
    assert ["gold", "gold", "basic"] == tiers_by_day(
        tiers, someone, date(2026, 12, 31), date(2027, 12, 31), date(2028, 1, 1)
    )


def test_what_rolls_over_is_beyond_the_tier_that_was_reached() -> None:
    # Diamond brought along from 2024, and platinum in 2026 by soft landing. 25 nights of 2025 reach gold: 5 beyond it.
    tiers = rules('rollover = ["nights"]\ndowngrade = "one_level"', **ALL).tiers
    counters: Counters = {"2024": nights(70), "2025": nights(25)}

    assert nights(5) == tiers.period(guest(counters), date(2026, 6, 1)).counted
    assert {} == tiers.period(guest({"2025": nights(19)}), date(2026, 6, 1)).counted


def test_only_the_units_named_roll_over() -> None:
    tiers = rules('rollover = ["nights"]', gold={"reach": {"nights": "20", "spend": "1000"}}).tiers

    assert nights(2) == tiers.period(guest({"2025": nights(22, spend=300_000)}), date(2026, 6, 1)).counted


def test_only_those_who_reached_a_tier_may_have_nights_rolled_over() -> None:
    # 35 nights are gold, 15 beyond it; 45 are platinum, 5 beyond it.
    tiers = rules('rollover = ["nights"]\nrollover_from = "platinum"', **ALL).tiers

    assert [{}, nights(5)] == [
        tiers.period(guest({"2025": nights(count)}), date(2026, 6, 1)).counted for count in (35, 45)
    ]


def test_a_barred_year_reaches_nothing_to_roll_over_from() -> None:
    bar = '\n[[qualification.bar]]\nunit = "no_shows"\nat_most = 2'
    tiers = rules('rollover = ["nights"]' + bar, **ALL).tiers

    assert {} == tiers.period(guest({"2025": nights(65, no_shows=3)}), date(2026, 6, 1)).counted


def test_what_passes_a_threshold_with_what_was_carried_over_is_not_said_to_move_nothing() -> None:
    # 5 nights carried over, and 14: 19 keep nothing. The 15th night of the year itself passes no threshold.
    tiers = rules('rollover = ["nights"]', gold=GOLD).tiers
    few, enough = ({"2025": nights(25), "2026": nights(count)} for count in (14, 15))

    assert [date(2027, 1, 1), date(2028, 1, 1)] == [
        tiers.review_on(guest(one), date(2026, 6, 1)) for one in (few, enough)
    ]
    assert not tiers.unmoved([Change(2026, nights(1))], enough)


# --- for life ---------------------------------------------------------------------------------------------------------

LIFE = '[[qualification.lifetime]]\ntier = "gold"\nrequire = { nights = "50" }\nyears = 3'


def test_a_tier_is_for_life_when_it_is_earned_for_good_permanent_or_given_without_an_end() -> None:
    # Gold by 20 nights in each of three years: 60 nights in all, of which 50 are enough; two years are too few.
    years: Counters = {str(year): nights(20) for year in (2024, 2025, 2026)}
    earned, permanent = rules(LIFE, gold=GOLD).tiers, rules(gold=GOLD | {"permanent": True}).tiers
    plain, day = rules(gold=GOLD).tiers, date(2026, 6, 1)
    given, lent = (Status("gold", "gifted", day, last) for last in (None, date(2099, 1, 1)))

    assert earned.has_for_life(guest(years), day)
    assert not earned.has_for_life(guest({"2025": nights(90), "2026": nights(90)}), day)
    assert permanent.has_for_life(guest({"2024": nights(20)}), day)
    assert not permanent.has_for_life(guest({"2024": nights(19)}), day)
    assert plain.has_for_life(guest({}, given), day)
    assert not plain.has_for_life(guest({}, given), date(2026, 5, 31))
    assert not plain.has_for_life(guest(years, lent), day)


def test_a_tier_for_life_takes_what_was_counted_and_years_at_it() -> None:
    # Gold from 2024 (20 nights) on, kept by 20 in 2025: that year is valid to the end of 2026, three years.
    tiers = rules(LIFE, **ALL).tiers
    enough: Counters = {"2024": nights(20), "2025": nights(30)}
    few: Counters = {"2024": nights(20), "2025": nights(29)}
    quick: Counters = {"2024": nights(50)}

    assert ["gold", "basic", "basic"] == [
        tiers.on(guest(one), date(2030, 1, 1)).code for one in (enough, few, quick)
    ]
    assert ("gold", None, None) == told(tiers, guest(enough), date(2026, 6, 1))
    assert "earned" == tiers.standing(guest(enough), date(2026, 6, 1)).source
    assert "lifetime" == tiers.standing(guest(enough), date(2027, 6, 1)).source


def test_years_at_a_higher_tier_count_too() -> None:
    tiers = rules(LIFE, **ALL).tiers

    assert "gold" == tiers.on(guest({"2024": nights(40), "2025": nights(40)}), date(2030, 1, 1)).code


def test_brands_of_a_whole_membership_may_be_asked_for() -> None:
    tiers = rules('[[qualification.lifetime]]\ntier = "gold"\nrequire = { brands = "2" }', **ALL).tiers

    assert "gold" == tiers.on(guest({"2019": {"brand:a": 1}, "2023": {"brand:b": 1}}), date(2026, 1, 1)).code
    assert "basic" == tiers.on(guest({"2019": {"brand:a": 1}, "2023": {"brand:a": 1}}), date(2026, 1, 1)).code


# --- given tiers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gifted", "matched", "challenge"])
def test_a_given_tier_holds_from_its_first_day_to_its_last(kind: str) -> None:
    tiers = rules(**ALL).tiers
    someone = guest({}, Status("platinum", kind, date(2026, 3, 1), date(2026, 8, 31)))

    assert ["basic", "platinum", "platinum", "basic"] == tiers_by_day(
        tiers, someone, date(2026, 2, 28), date(2026, 3, 1), date(2026, 8, 31), date(2026, 9, 1)
    )
    assert ("basic", None, date(2026, 3, 1)) == told(tiers, someone, date(2026, 1, 1))
    assert ("platinum", date(2026, 8, 31), date(2026, 9, 1)) == told(tiers, someone, date(2026, 3, 1))
    assert kind == tiers.standing(someone, date(2026, 3, 1)).source


def test_the_highest_of_what_is_given_and_earned_holds() -> None:
    tiers = rules(**ALL).tiers
    someone = guest(
        {"2026": nights(40)},
        Status("gold", "gifted", date(2026, 1, 1)),
        Status("diamond", "challenge", date(2026, 6, 1), date(2026, 6, 30)),
        Status("unknown", "gifted", date(2026, 1, 1)),
    )

    assert ["platinum", "diamond", "platinum", "gold"] == tiers_by_day(
        tiers, someone, date(2026, 5, 31), date(2026, 6, 1), date(2026, 7, 1), date(2028, 1, 1)
    )
    assert ("gold", None, None) == told(tiers, someone, date(2028, 1, 1))


# --- membership years -------------------------------------------------------------------------------------------------

MEMBERSHIP = 'period = "membership_year"'


def test_a_membership_year_begins_on_the_anniversary_of_enrolment() -> None:
    # Enrolled on 15 May 2025. 20 nights by 14 May 2026: gold to 14 May 2027. A night on 15 May counts in the next year.
    tiers = rules(MEMBERSHIP, gold=GOLD).tiers
    enrolled = {"enrolled_on": date(2025, 5, 15)}
    within = guest({"2025-12-01": nights(19), "2026-05-14": nights(1)}, **enrolled)
    apart = guest({"2025-12-01": nights(19), "2026-05-15": nights(1)}, **enrolled)

    assert ("gold", date(2027, 5, 14), date(2027, 5, 15)) == told(tiers, within, date(2026, 5, 14))
    assert ["gold", "basic"] == tiers_by_day(tiers, within, date(2027, 5, 14), date(2027, 5, 15))
    assert "basic" == tiers.on(apart, date(2026, 5, 15)).code
    period = tiers.period(apart, date(2026, 5, 15))
    assert (date(2026, 5, 15), date(2027, 5, 14), nights(1)) == (period.first, period.last, period.counted)


def test_who_enrolled_on_29_february_has_the_28th_in_other_years() -> None:
    tiers = rules(MEMBERSHIP, gold=GOLD).tiers
    someone = guest({"2025-02-27": nights(10), "2025-02-28": nights(10)}, enrolled_on=date(2024, 2, 29))
    days = (date(2025, 2, 27), date(2026, 2, 27), date(2028, 2, 28), date(2028, 2, 29))
    periods = [tiers.period(someone, day) for day in days]

    assert [
        (date(2024, 2, 29), date(2025, 2, 27)), (date(2025, 2, 28), date(2026, 2, 27)),
        (date(2027, 2, 28), date(2028, 2, 28)), (date(2028, 2, 29), date(2029, 2, 27)),
    ] == [(one.first, one.last) for one in periods]  # fmt: skip
    assert [nights(10), nights(10)] == [one.counted for one in periods[:2]]


def test_a_stay_before_enrolment_lies_in_a_membership_year_too() -> None:
    tiers = rules(MEMBERSHIP, gold=GOLD).tiers
    someone = guest({"2025-05-10": nights(20)}, enrolled_on=date(2025, 5, 15))

    assert ("gold", date(2026, 5, 14)) == told(tiers, someone, date(2025, 5, 16))[:2]


# --- the day after ----------------------------------------------------------------------------------------------------


def test_a_tier_may_begin_the_day_after_it_is_reached() -> None:
    tiers = rules('effective = "next_day"', **ALL).tiers
    someone = guest(
        {"2026": nights(5), "2026-03-01": nights(14), "2026-03-09": nights(1), "2026-07-01": nights(20)}
    )

    assert ["basic", "gold", "gold", "platinum"] == tiers_by_day(
        tiers, someone, date(2026, 3, 9), date(2026, 3, 10), date(2026, 7, 1), date(2026, 7, 2)
    )
    assert ("basic", None, date(2026, 3, 10)) == told(tiers, someone, date(2026, 3, 9))


def test_reached_on_the_last_day_of_a_year_it_begins_with_the_next_and_lasts_as_long() -> None:
    tiers = rules('effective = "next_day"', gold=GOLD).tiers
    someone = guest({"2026-12-31": nights(20)})

    assert ["basic", "gold", "gold", "basic"] == tiers_by_day(
        tiers, someone, date(2026, 12, 31), date(2027, 1, 1), date(2027, 12, 31), date(2028, 1, 1)
    )


def test_nights_on_earlier_days_are_not_said_to_move_nothing_where_days_matter() -> None:
    tiers = rules('effective = "next_day"', gold=GOLD).tiers
    before: Counters = {"2026-06-01": nights(20)}
    after = before | {"2026-03-01": nights(20)}

    assert ["basic", "gold"] == [tiers.on(guest(one), date(2026, 6, 1)).code for one in (before, after)]
    assert not tiers.unmoved([Change(2026, nights(20))], counted(after))


def test_in_a_rolling_window_too() -> None:
    tiers = rules('period = "rolling"\neffective = "next_day"', gold=GOLD).tiers
    someone = guest({"2026-03-09": nights(20)})

    assert ["basic", "gold", "gold", "basic"] == tiers_by_day(
        tiers, someone, date(2026, 3, 9), date(2026, 3, 10), date(2027, 3, 8), date(2027, 3, 9)
    )


# --- rolling windows --------------------------------------------------------------------------------------------------


def test_a_window_holds_a_day_until_the_same_day_so_many_months_later() -> None:
    # 12 nights on 10 March, 8 on 5 June: 20 from 5 June to 9 March.
    tiers = rules('period = "rolling"', gold=GOLD).tiers
    someone = guest({"2025-03-10": nights(12), "2025-06-05": nights(8)})

    assert ["basic", "gold", "gold", "basic"] == tiers_by_day(
        tiers, someone, date(2025, 6, 4), date(2025, 6, 5), date(2026, 3, 9), date(2026, 3, 10)
    )
    assert ("gold", date(2026, 3, 9), date(2026, 3, 10)) == told(tiers, someone, date(2025, 7, 1))
    assert ("basic", None, None) == told(tiers, someone, date(2026, 3, 10))
    period = tiers.period(someone, date(2026, 3, 10))
    assert (date(2025, 3, 11), date(2026, 3, 10), nights(8)) == (period.first, period.last, period.counted)


@pytest.mark.parametrize(
    ("day", "first"),
    [
        (date(2026, 2, 28), date(2026, 2, 1)), (date(2026, 3, 30), date(2026, 3, 1)),
        (date(2026, 4, 30), date(2026, 4, 1)),
    ],
)  # fmt: skip
def test_a_window_of_a_month_begins_after_what_has_left_it(day: date, first: date) -> None:
    tiers = rules('period = "rolling"\nmonths = 1', gold=GOLD).tiers
    window = tiers.period(guest(), day)
    held = [
        one
        for one in (day - timedelta(days=ago) for ago in range(40))
        if tiers.period(guest({one.isoformat(): nights(1)}), day).counted
    ]

    assert (first, first, day) == (window.first, held[-1], held[0])


def test_a_rolling_tier_is_kept_by_less_while_the_window_never_falls_below() -> None:
    # 20 nights by 5 June; on 10 March 12 of them leave, 8 stay: kept by 5, lost on 5 June when these leave.
    tiers = rules('period = "rolling"', gold=GOLD | {"keep": {"nights": "5"}}).tiers
    someone = guest({"2025-03-10": nights(12), "2025-06-05": nights(8)})

    assert ("gold", date(2026, 6, 4), date(2026, 6, 5)) == told(tiers, someone, date(2025, 7, 1))
    assert "basic" == tiers.on(guest({"2025-06-05": nights(8)}), date(2025, 7, 1)).code


def test_a_rolling_tier_that_other_units_keep_is_not_lost_while_what_reached_it_holds() -> None:
    tiers = rules('period = "rolling"', gold=GOLD | {"keep": {"stays": "5"}}).tiers
    someone = guest({"2024-07-01": nights(1), "2025-03-10": nights(20)})

    assert ("gold", date(2026, 3, 9)) == told(tiers, someone, date(2025, 6, 1))[:2]


def test_an_upgrade_comes_by_itself_when_what_barred_it_leaves_the_window() -> None:
    bar = '\n[[qualification.bar]]\nunit = "no_shows"\nat_most = 0'
    tiers = rules('period = "rolling"' + bar, gold=GOLD).tiers
    someone = guest({"2025-01-10": {"no_shows": 1}, "2025-06-05": nights(20)})

    assert ("basic", None, date(2026, 1, 10)) == told(tiers, someone, date(2025, 7, 1))
    assert ("gold", date(2026, 6, 4), date(2026, 6, 5)) == told(tiers, someone, date(2026, 1, 10))


# --- personal cycles --------------------------------------------------------------------------------------------------

CYCLE = 'period = "cycle"\neffective = "next_day"'
GROWTH: dict[str, dict[str, Any]] = {
    "silver": {"require": {"nights": "3", "spend": "1000"}}, "gold": {"require": {"nights": "5", "spend": "1500"}},
}  # fmt: skip


def test_a_cycle_that_reaches_a_tier_ends_and_counting_begins_at_zero() -> None:
    # 2 nights and 800, then 1 night and 260: silver tomorrow, counters 0 and 0.
    tiers = rules(CYCLE, **GROWTH).tiers
    someone = guest({"2026-03-01": nights(2, spend=80_000), "2026-04-10": nights(1, spend=26_000)})

    assert ("basic", None, date(2026, 4, 11)) == told(tiers, someone, date(2026, 4, 10))
    period = tiers.period(someone, date(2026, 4, 10))
    assert (date(2026, 4, 11), date(2027, 4, 10), {}) == (period.first, period.last, dict(period.counted))
    assert ("silver", date(2027, 4, 10), date(2027, 4, 11)) == told(tiers, someone, date(2026, 4, 11))
    before = tiers.period(someone, date(2026, 4, 9))
    assert nights(2, spend=80_000) == before.counted


def test_what_counts_after_a_change_counts_for_the_next_one() -> None:
    # Silver by 10 April. 4 nights and 1,500 in May, a night in June: 5 since the change, so gold on 2 June.
    tiers = rules(CYCLE, **GROWTH).tiers
    someone = guest(
        {
            "2026-04-10": nights(3, spend=200_000),
            "2026-05-02": nights(4, spend=150_000),
            "2026-06-01": nights(1, spend=10_000),
        }
    )

    assert ["basic", "silver", "silver", "gold"] == tiers_by_day(
        tiers, someone, date(2026, 4, 10), date(2026, 5, 31), date(2026, 6, 1), date(2026, 6, 2)
    )


def test_a_cycle_that_ends_keeps_a_tier_or_loses_it_and_begins_anew() -> None:
    # Silver from 11 April 2026. Kept by 3 nights and 1,000 to 10 April 2028; nothing more: basic on the 11th.
    tiers = rules(CYCLE, **GROWTH).tiers
    stays: Counters = {"2026-04-10": nights(3, spend=100_000), "2027-04-10": nights(3, spend=100_000)}
    someone, kept = guest(stays), guest(stays | {"2027-04-11": nights(1)})

    # On the last day of the cycle the counts reach silver, which is no upgrade.
    assert ["silver", "silver", "silver", "basic"] == tiers_by_day(
        tiers, someone, date(2027, 4, 10), date(2027, 4, 11), date(2028, 4, 10), date(2028, 4, 11)
    )
    assert nights(1) == tiers.period(kept, date(2027, 5, 1)).counted


def test_a_cycle_falls_to_what_the_counters_say_or_by_one_level() -> None:
    someone = guest({"2026-04-10": nights(5, spend=150_000), "2026-09-01": nights(1)})
    hard = rules(CYCLE, **GROWTH).tiers
    soft = rules(CYCLE + '\ndowngrade = "one_level"', **GROWTH).tiers
    days = (date(2027, 4, 10), date(2027, 4, 11), date(2028, 4, 11))

    assert ["gold", "basic", "basic"] == tiers_by_day(hard, someone, *days)
    assert ["gold", "silver", "basic"] == tiers_by_day(soft, someone, *days)


def test_a_cycle_may_keep_by_less_and_some_tiers_for_good() -> None:
    tiers = rules(
        CYCLE + '\ndowngrade = "one_level"',
        silver={"reach": {"nights": "3"}, "permanent": True},
        platinum={"reach": {"nights": "40"}, "keep": {"nights": "30"}},
    ).tiers
    someone = guest({"2026-04-10": nights(40), "2026-09-01": nights(30)})

    assert ["platinum", "platinum", "silver"] == tiers_by_day(
        tiers, someone, date(2027, 4, 10), date(2028, 4, 10), date(2028, 4, 11)
    )
    assert ("silver", None, None) == told(tiers, someone, date(2028, 4, 11))


def test_a_cycle_may_take_effect_on_the_same_day_and_counts_from_the_next() -> None:
    tiers = rules('period = "cycle"\nmonths = 6', gold=GOLD, platinum=PLATINUM).tiers
    someone = guest({"2026-01-31": nights(25), "2026-02-01": nights(15)})

    assert ("gold", date(2026, 7, 31), date(2026, 8, 1)) == told(tiers, someone, date(2026, 1, 31))
    assert nights(15) == tiers.period(someone, date(2026, 2, 1)).counted


def test_a_bar_counts_in_its_cycle_alone() -> None:
    bar = '\n[[qualification.bar]]\nunit = "no_shows"\nat_most = 2'
    tiers = rules(CYCLE + bar, gold=GOLD).tiers
    someone = guest({"2025-03-01": {"no_shows": 3}, "2025-12-31": nights(20), "2026-01-01": nights(20)})

    assert ["basic", "gold"] == tiers_by_day(tiers, someone, date(2026, 1, 1), date(2026, 1, 2))


# --- versions ---------------------------------------------------------------------------------------------------------


def versions(*dated: tuple[date, str]) -> Tiers:
    return join([(day, small_rules(one)) for day, one in dated]).tiers


def test_a_tier_earned_under_older_thresholds_lasts_as_long_as_promised() -> None:
    # Gold at 20 in 2025, at 30 from 2026 on. 25 nights a year: gold to the end of 2026, and no longer.
    tiers = versions(
        (date(2020, 1, 1), text(**ALL)), (date(2026, 1, 1), text(gold={"reach": {"nights": "30"}}))
    )
    someone = guest({"2025": nights(25), "2026": nights(25)})

    assert ["gold", "gold", "basic"] == tiers_by_day(
        tiers, someone, date(2025, 12, 31), date(2026, 12, 31), date(2027, 1, 1)
    )
    assert ("gold", date(2026, 12, 31), date(2027, 1, 1)) == told(tiers, someone, date(2025, 6, 1))


def test_a_review_by_a_new_version_leaves_what_was_reached_under_the_old_one() -> None:
    # Diamond for 2024 and 2025. 25 nights of 2025 reach gold, which from 2026 on takes 30: gold in 2026 all the same.
    dear = text(gold={"reach": {"nights": "30"}}, platinum=PLATINUM, diamond=DIAMOND)
    tiers = versions((date(2020, 1, 1), text(**ALL)), (date(2026, 1, 1), dear))
    someone = guest({"2024": nights(70), "2025": nights(25)})

    assert ["diamond", "gold", "basic"] == tiers_by_day(
        tiers, someone, date(2025, 12, 31), date(2026, 1, 1), date(2027, 1, 1)
    )


def test_a_review_is_judged_by_the_version_in_force_on_its_day() -> None:
    # 25 nights in 2025, 15 in 2026. From 2027 on, gold takes 15: the review of 1 January 2027 keeps it.
    tiers = versions(
        (date(2020, 1, 1), text(**ALL)), (date(2027, 1, 1), text(gold={"reach": {"nights": "15"}}))
    )
    someone = guest({"2025": nights(25), "2026": nights(15)})
    newcomer = guest({"2026": nights(15)})

    assert ["gold", "basic"] == [tiers.on(one, date(2027, 1, 1)).code for one in (someone, newcomer)]


def test_a_version_within_a_year_takes_away_nothing_and_may_raise_a_tier_at_once() -> None:
    higher = versions(
        (date(2020, 1, 1), text(**ALL)), (date(2026, 7, 1), text(gold={"reach": {"nights": "30"}}))
    )
    lower = versions(
        (date(2020, 1, 1), text(**ALL)), (date(2026, 7, 1), text(gold={"reach": {"nights": "10"}}))
    )

    assert ["gold", "gold", "gold", "basic"] == tiers_by_day(
        higher,
        guest({"2026": nights(20)}),
        date(2026, 6, 30),
        date(2026, 7, 1),
        date(2027, 12, 31),
        date(2028, 1, 1),
    )
    someone = guest({"2026": nights(10)})
    assert ("basic", None, date(2026, 7, 1)) == told(lower, someone, date(2026, 6, 30))
    assert ("gold", date(2027, 12, 31), date(2028, 1, 1)) == told(lower, someone, date(2026, 7, 1))


def test_a_tier_that_gets_another_code_goes_on_under_it() -> None:
    tiers = versions(
        (date(2020, 1, 1), text(**ALL)),
        (date(2026, 7, 1), text(oro=GOLD, platinum=PLATINUM, diamond=DIAMOND)),
    )
    someone = guest({"2025": nights(20)})

    assert ["gold", "oro", "basic"] == tiers_by_day(
        tiers, someone, date(2026, 6, 30), date(2026, 7, 1), date(2027, 1, 1)
    )
    assert ("gold", date(2026, 12, 31), date(2026, 7, 1)) == told(tiers, someone, date(2026, 6, 30))


def test_a_tier_put_in_between_leaves_the_others_to_who_has_them() -> None:
    more = text(bronze={"reach": {"nights": "10"}}, **ALL)
    tiers = versions((date(2020, 1, 1), text(**ALL)), (date(2026, 7, 1), more))

    assert ["gold", "gold", "bronze"] == tiers_by_day(
        tiers,
        guest({"2025": nights(20), "2026": nights(12)}),
        date(2026, 6, 30),
        date(2026, 7, 1),
        date(2027, 1, 1),
    )


def test_what_was_everybodys_is_what_is_everybodys() -> None:
    tiers = versions(
        (date(2020, 1, 1), text(**ALL)), (date(2026, 7, 1), text(basic={"reach": {"nights": "1"}}, **ALL))
    )

    assert ["basic", "guest"] == tiers_by_day(tiers, guest(), date(2026, 6, 30), date(2026, 7, 1))
    assert ["basic", "guest"] == tiers_by_day(
        tiers, guest({"2025": {"stays": 1}}), date(2026, 6, 30), date(2026, 7, 1)
    )


def test_a_window_is_as_long_as_the_version_in_force_on_each_day_promised() -> None:
    tiers = versions(
        (date(2020, 1, 1), text('period = "rolling"', gold=GOLD)),
        (date(2026, 1, 1), text('period = "rolling"\nmonths = 6', gold=GOLD)),
    )

    assert ("gold", date(2026, 11, 30)) == told(tiers, guest({"2025-12-01": nights(20)}), date(2025, 12, 5))[
        :2
    ]
    assert ("gold", date(2026, 7, 4)) == told(tiers, guest({"2026-01-05": nights(20)}), date(2026, 1, 5))[:2]


def test_a_new_version_does_not_end_a_rolling_tier_before_the_window_moves() -> None:
    rolling = 'period = "rolling"'
    tiers = versions(
        (date(2020, 1, 1), text(rolling, gold=GOLD)),
        (date(2026, 1, 1), text(rolling, gold={"reach": {"nights": "30"}})),
    )
    someone = guest({"2025-06-01": nights(5), "2025-09-01": nights(20), "2026-02-01": nights(1)})

    assert ("gold", date(2026, 5, 31), date(2026, 6, 1)) == told(tiers, someone, date(2026, 2, 1))


def test_a_cycle_lasts_as_long_as_the_version_it_began_under_said() -> None:
    tiers = versions(
        (date(2020, 1, 1), text(CYCLE, gold=GOLD)),
        (date(2026, 6, 1), text(CYCLE + "\nmonths = 6", gold={"reach": {"nights": "10"}})),
    )
    early, late = guest({"2026-03-01": nights(20)}), guest({"2026-03-01": nights(12)})

    assert ("gold", date(2027, 3, 1), date(2027, 3, 2)) == told(tiers, early, date(2026, 3, 2))
    # 12 nights are enough under the second version, from the day after its first.
    assert ("basic", None, date(2026, 6, 2)) == told(tiers, late, date(2026, 3, 2))
    assert ("gold", date(2026, 12, 1), date(2026, 12, 2)) == told(tiers, late, date(2026, 6, 2))


def test_another_kind_of_period_keeps_what_the_one_before_it_promised() -> None:
    # Gold by 25 nights in 2025, promised to the end of 2026. Cycles from 1 April 2026 begin with it: one of 12 months,
    # to 31 March 2027.
    tiers = versions((date(2020, 1, 1), text(**ALL)), (date(2026, 4, 1), text(CYCLE, **ALL)))
    someone = guest({"2025": nights(25)})

    assert ("gold", date(2027, 3, 31), date(2027, 4, 1)) == told(tiers, someone, date(2025, 6, 1))
    assert ("gold", date(2027, 3, 31), date(2027, 4, 1)) == told(tiers, someone, date(2026, 6, 1))
    period = tiers.period(someone, date(2026, 6, 1))
    assert (date(2026, 4, 1), date(2027, 3, 31)) == (period.first, period.last)


def test_a_window_that_follows_years_holds_only_the_days_it_knows() -> None:
    tiers = versions((date(2020, 1, 1), text(**ALL)), (date(2026, 4, 1), text('period = "rolling"', **ALL)))
    someone = guest({"2025": nights(45), "2026-03-01": nights(20)})

    assert ["platinum", "platinum", "gold", "basic"] == tiers_by_day(
        tiers, someone, date(2026, 4, 1), date(2026, 12, 31), date(2027, 1, 1), date(2027, 3, 1)
    )
    assert "earned" == tiers.standing(someone, date(2026, 4, 1)).source


def test_years_that_follow_cycles_begin_with_the_tier_at_hand() -> None:
    # Gold from 2 March 2026, promised to 1 March 2027. The year 2026 is judged as a whole: 5 nights don't keep it.
    tiers = versions((date(2020, 1, 1), text(CYCLE, **ALL)), (date(2026, 7, 1), text(**ALL)))
    someone = guest({"2026-03-01": nights(20)})
    few = guest({"2025-12-20": nights(20), "2026-09-01": nights(5)})

    assert ("gold", date(2027, 12, 31)) == told(tiers, someone, date(2026, 7, 1))[:2]
    assert ("gold", date(2026, 12, 31)) == told(tiers, few, date(2026, 9, 1))[:2]


def test_a_permanent_tier_stays_so_under_another_kind_of_period() -> None:
    tiers = versions(
        (date(2020, 1, 1), text(gold=GOLD | {"permanent": True})), (date(2026, 4, 1), text(CYCLE, gold=GOLD))
    )

    assert ("gold", None, None) == told(tiers, guest({"2025": nights(20)}), date(2026, 6, 1))


# --- days that are no longer needed -----------------------------------------------------------------------------------


def stayed(first: date, count: int, every: int = 1) -> Counters:
    """Return a night on each of some days."""
    return {(first + timedelta(days=every * place)).isoformat(): nights(1) for place in range(count)}


def test_few_days_are_left_alone() -> None:
    tiers = rules(**ALL).tiers
    someone = guest(stayed(date(2020, 1, 1), 40))
    before = dict(someone.counters)

    assert before == tiers.compact(someone, date(2026, 5, 1), 14).counters


def test_days_of_calendar_years_are_left_out_without_a_trace() -> None:
    tiers = rules('effective = "next_day"', **ALL).tiers
    someone = tiers.compact(guest(stayed(date(2025, 2, 1), 41)), date(2026, 5, 10), 14)

    # Kept from 1 March 2025 on: 28 days of February are left out.
    assert nights(41) == someone.counters["2025"]
    assert (14, ()) == (len(someone.counters), someone.traits.statuses)


def test_what_was_earned_before_the_days_that_are_kept_goes_along() -> None:
    # Gold on 21 January 2020, 40 nights later platinum on 1 March. The cycle that holds 1 March 2021 began on it.
    tiers = rules(CYCLE, **ALL).tiers
    someone = guest(stayed(date(2020, 1, 1), 61), enrolled_on=date(2020, 1, 1))
    days = [date(2020, 1, 21), date(2020, 2, 29), date(2020, 3, 1), date(2021, 3, 1), date(2026, 1, 1)]
    before = tiers_by_day(tiers, someone, *days)
    tiers.compact(someone, date(2023, 5, 10), 26)

    assert ["gold", "gold", "platinum", "basic", "basic"] == before
    assert before == tiers_by_day(tiers, someone, *days)
    assert {"2020": nights(61)} == someone.counters
    assert [
        Status("gold", "earned", date(2020, 1, 21)), Status("platinum", "earned", date(2020, 3, 1)),
        Status("basic", "earned", date(2021, 3, 1)),
    ] == list(someone.traits.statuses)  # fmt: skip


def test_given_tiers_stay_when_days_are_left_out() -> None:
    tiers = rules('period = "rolling"', **ALL).tiers
    given = Status("gold", "gifted", date(2026, 1, 1), date(2026, 12, 31))
    someone = tiers.compact(guest(stayed(date(2020, 1, 1), 61), given), date(2026, 5, 10), 26)

    assert given in someone.traits.statuses
    assert ("gold", date(2026, 12, 31)) == told(tiers, someone, date(2026, 5, 10))[:2]


def test_a_fold_within_a_membership_year_does_not_count_for_the_next_one() -> None:
    # Membership years from 15 June on. Days of spring 2023 belong to the year that began in 2022.
    tiers = rules(MEMBERSHIP, **ALL).tiers
    someone = guest(stayed(date(2023, 3, 1), 45), enrolled_on=date(2020, 6, 15))
    tiers.compact(someone, date(2025, 9, 1), 26)

    assert {"2023": nights(45)} == someone.counters
    assert "basic" == tiers.on(someone, date(2025, 9, 1)).code
    assert {} == tiers.period(someone, date(2023, 7, 1)).counted


def test_a_year_that_something_was_carried_over_to_is_not_cut_off_from_it() -> None:
    tiers = rules(MEMBERSHIP + '\nrollover = ["nights"]', **ALL).tiers
    someone = guest(stayed(date(2022, 7, 1), 45), enrolled_on=date(2020, 6, 15))
    tiers.compact(someone, date(2025, 9, 1), 26)

    # 45 nights of the year from June 2022 on leave 5 for the next; so all its days are kept.
    assert 45 == sum(map(counting.is_day, someone.counters))
    assert nights(5) == tiers.period(someone, date(2023, 7, 1)).counted


def test_years_at_a_tier_are_not_forgotten_with_their_days() -> None:
    life = '\n[[qualification.lifetime]]\ntier = "gold"\nrequire = { nights = "60" }\nyears = 2'
    tiers = rules('period = "rolling"' + life, **ALL).tiers
    someone = guest(stayed(date(2020, 1, 1), 60, every=10))
    tiers.compact(someone, date(2026, 5, 10), 26)

    assert {"2020", "2021"} == set(someone.counters)
    assert "gold" == tiers.on(someone, date(2026, 5, 10)).code


def test_a_promise_of_an_earlier_kind_of_period_goes_along() -> None:
    tiers = versions(
        (date(2019, 1, 1), text(gold=GOLD | {"permanent": True})), (date(2022, 4, 1), text(CYCLE, gold=GOLD))
    )
    someone = guest({"2020": nights(20)} | stayed(date(2022, 4, 1), 45, every=9))
    tiers.compact(someone, date(2026, 5, 10), 26)

    # The cycle that holds 1 March 2024 began on 1 April 2023; four stays are later.
    assert 4 == sum(map(counting.is_day, someone.counters))
    assert ("gold", None, None) == told(tiers, someone, date(2026, 5, 10))


def test_the_year_a_tier_is_reached_in_is_a_year_at_it_though_it_begins_with_the_next() -> None:
    life = '[[qualification.lifetime]]\ntier = "gold"\nyears = 2\n'
    tiers = rules(f'effective = "next_day"\n{life}', **ALL).tiers
    by_day, by_year = guest({"2024-12-31": nights(20)}), guest({"2024": nights(20)})

    assert ["gold", "gold"] == [tiers.on(one, date(2030, 1, 1)).code for one in (by_day, by_year)]


def test_what_is_known_of_tiers_is_never_known_from_an_earlier_day_on() -> None:
    # Days are kept from 1 March 2023 on, so tiers are known up to 1 March 2024. Had they to be kept for 60 months, a
    # stay of 2019 that is posted late would not be left out.
    tiers = rules('period = "rolling"', **ALL).tiers
    someone = tiers.compact(guest(stayed(date(2022, 1, 1), 60, every=30)), date(2025, 5, 10), 26)
    assert Status("basic", "earned", date(2024, 3, 1)) == someone.traits.statuses[-1]

    for day, counts in (stayed(date(2024, 6, 1), 41) | {"2019-05-01": nights(1)}).items():
        counting.add(someone.counters, day, "nights", counts["nights"])
    known = someone.traits
    tiers.compact(someone, date(2025, 5, 10), 60)

    assert known == someone.traits
    assert "2019-05-01" in someone.counters
