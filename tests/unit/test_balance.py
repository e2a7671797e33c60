"""A balance as the booking site shows it."""

from datetime import date
from typing import Any

from loyalty.commands.balance import BalanceView, ExpiringPoints, etag, view
from tests.builders import PROGRAM, house_rules, member, small_rules

HOUSE = house_rules()
TODAY = date(2026, 6, 1)


def seen(expiring: list[tuple[date, int]] | None = None, **fields: Any) -> BalanceView:
    return view(HOUSE, member(**fields), expiring or [], TODAY)


def test_points_that_are_due_no_longer_count_although_nobody_wrote_it_down_yet() -> None:
    days = [(date(2026, 5, 1), 10), (TODAY, 20), (date(2026, 7, 1), 30)]
    found = seen(days, available=60, next_expiry=date(2026, 5, 1))

    assert (30, [ExpiringPoints(date(2026, 7, 1), 30)]) == (found.available, found.expiring)


def test_what_expires_is_told_by_day() -> None:
    days = [(date(2026, 7, 1), 30), (date(2026, 8, 1), 5)]
    found = seen(days, available=40, next_expiry=date(2026, 7, 1))

    assert (40, [30, 5]) == (found.available, [one.points for one in found.expiring])


def test_what_is_owed_is_told_as_debt() -> None:
    found = seen(available=-20, debt=20)

    assert (-20, 20) == (found.available, found.debt)


def test_a_new_member_sees_the_way_to_the_next_tier_and_nothing_to_keep() -> None:
    found = seen()

    assert ("silver", None, None) == (found.tier.code, found.tier.valid_to, found.keep_tier)
    assert found.next_tier is not None
    assert ("gold", {"nights": "10", "spend": "10000.00"}) == (
        found.next_tier.code,
        found.next_tier.remaining,
    )
    assert {"nights": "0", "stays": "0", "spend": "0.00"} == found.year


def test_a_tier_of_last_year_tells_what_keeps_it() -> None:
    found = seen(counters={"2025": {"nights": 300}, "2026": {"nights": 125, "stays": 4, "spend": 150}})

    assert ("platinum", date(2026, 12, 31)) == (found.tier.code, found.tier.valid_to)
    assert found.keep_tier is not None
    assert ("platinum", {"nights": "17.5", "spend": "39998.50"}) == (
        found.keep_tier.code,
        found.keep_tier.remaining,
    )
    assert found.next_tier is not None
    assert ("diamond", "47.5") == (found.next_tier.code, found.next_tier.remaining["nights"])
    assert {"nights": "12.5", "stays": "4", "spend": "1.50"} == found.year


def test_a_tier_that_is_kept_already_has_nothing_remaining() -> None:
    found = seen(counters={"2026": {"nights": 100}})

    assert ("gold", date(2027, 12, 31)) == (found.tier.code, found.tier.valid_to)
    assert found.keep_tier is not None
    assert ("gold", {}) == (found.keep_tier.code, found.keep_tier.remaining)


def test_above_diamond_there_is_nothing_to_reach() -> None:
    assert seen(counters={"2026": {"nights": 600}}).next_tier is None


def test_the_next_milestone_is_counted_over_all_years() -> None:
    [milestone] = seen(counters={"2024": {"stays": 9}, "2026": {"stays": 8}}).milestones

    assert ("tenth_stay", "20", "3") == (milestone.code, milestone.next_at, milestone.remaining)
    assert {"en": "An album of your stays", "zh": "定制相册"} == milestone.reward


def test_a_milestone_by_either_unit_tells_what_is_missing_of_both() -> None:
    rules = small_rules(
        PROGRAM.replace('every = "7"', 'at = ["7", "20"]\nor_at = { spend = ["500", "900"] }\nover = "year"')
    )
    [_, none] = view(rules, member(counters={"2026": {"nights": 30, "spend": 100_00}}), [], TODAY).milestones
    [_, by_spend] = view(rules, member(counters={"2026": {"spend": 500_00}}), [], TODAY).milestones
    [_, over] = view(rules, member(counters={"2026": {"spend": 900_00}}), [], TODAY).milestones

    assert ("7", "4", {"spend": "400.00"}) == (none.next_at, none.remaining, none.or_remaining)
    # 500.00 stand for the first mark; of nights none are there yet.
    assert ("20", "20", {"spend": "400.00"}) == (by_spend.next_at, by_spend.remaining, by_spend.or_remaining)
    assert (None, None, {}) == (over.next_at, over.remaining, over.or_remaining)


def test_right_on_a_milestone_the_next_one_is_ahead() -> None:
    [milestone] = seen(counters={"2026": {"stays": 10}}).milestones

    assert ("20", "10") == (milestone.next_at, milestone.remaining)


def test_the_tag_changes_with_a_journal_with_the_day_and_with_the_program() -> None:
    one = member(version=4)

    assert '"4.20260601.house@1"' == etag(HOUSE, one, TODAY)
