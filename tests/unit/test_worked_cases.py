"""Worked cases whose figures were done by hand, through the pure rules."""

from datetime import date
from typing import Any

import pytest

from loyalty.commands import adjust as adjusting
from loyalty.commands.model import Facts
from loyalty.commands.post_stay import decide
from loyalty.commands.rulebook import Rulebook
from tests.builders import adjust, decided, facts_after, lines, lot, member, moment, post, reply
from tests.worked_cases import (
    ALL_REVENUE,
    EARNS_BY_TIER,
    FOLIO,
    PLAIN,
    ROOM_AT_FIVE,
    ROOM_ONLY,
    WHOLE_UNITS,
    WITH_PARKING,
    WITHOUT_PARKING,
)

GOLD = {"2025": {"nights": 10}}


def posted(rules: Rulebook, amounts: dict[str, str], **fields: Any) -> tuple[dict[str, Any], dict[str, int]]:
    """Return the reply to a gold member's stay, and what it counts for."""
    owner = member(counters={year: dict(units) for year, units in GOLD.items()})
    command = post(lines=lines(**amounts), **fields)
    decision = decided(decide(Facts(owner), rules, command, moment()))
    return dict(reply(decision)), owner.counters["2026"]


@pytest.mark.parametrize(
    ("rules", "base", "bonus"),
    [
        # 1,197.00 + 198.00 + 6.00 + 10.36 = 1,411.36, times 10 is 14,113.6; half of 14,113 is 7,056.5: 21,169.
        (WITHOUT_PARKING, 14_113, 7_056),
        # 1,411.36 + 84.00 = 1,495.36, times 10 is 14,953.6; half of 14,953 is 7,476.5: 22,429.
        (WITH_PARKING, 14_953, 7_476),
    ],
)
def test_case_1_a_folio_of_six_categories_three_nights_and_half_as_much_again(
    rules: Rulebook, base: int, bonus: int
) -> None:
    said, counted = posted(rules, FOLIO, arrival=date(2026, 4, 30))

    assert {"base": base, "tier_bonus": bonus, "promotion": 0, "total": base + bonus} == said["points"]
    assert base + bonus in (21_169, 22_429)
    assert (30, 1) == (counted["nights"], counted["stays"])
    assert "3" == said["nights"]


def test_case_2_a_point_per_whole_unit_and_a_bonus_that_counts_for_no_tier() -> None:
    # 845.90 are 845 whole units; half of 845 is 422.5: 845 + 422 = 1,267.
    said, counted = posted(WHOLE_UNITS, {"room": "845.90"})

    assert {"base": 845, "tier_bonus": 422, "promotion": 0, "total": 1_267} == said["points"]
    assert 845 == counted["tier_points"]


@pytest.mark.parametrize(
    ("rules", "total"),
    [
        (ALL_REVENUE, 8_100),  # (400 + 50) x 10 = 4,500; 80 % of it is 3,600
        (ROOM_ONLY, 7_200),  # 400 x 10 = 4,000; 80 % of it is 3,200
        (ROOM_AT_FIVE, 3_600),  # 400 x 5 = 2,000; 80 % of it is 1,600
    ],
)
def test_case_3_brands_that_earn_on_all_revenue_or_on_the_room_only(rules: Rulebook, total: int) -> None:
    said, _ = posted(rules, {"room": "400", "food": "50", "tax": "48"})

    assert total == said["points"]["total"]


@pytest.mark.parametrize(
    ("nights", "points", "expires_on"),
    [
        (0, 24, date(2026, 11, 3)),  # 600 at 4 %, for 6 months
        (100, 30, date(2027, 11, 3)),  # 600 at 5 %, for 18 months
        (300, 42, date(2028, 5, 3)),  # 600 at 7 %, for 24 months
    ],
)
def test_case_6_a_tier_earns_more_and_its_points_last_longer(
    nights: int, points: int, expires_on: date
) -> None:
    owner = member(counters={"2025": {"nights": nights}} if nights else {})
    stay = post(currency="USD", lines=lines(room="600"))
    decision = decided(decide(Facts(owner), EARNS_BY_TIER, stay, moment()))

    assert points == reply(decision)["points"]["total"]
    assert decision.book is not None
    assert [(points, expires_on)] == [(one.amount, one.expires_on) for one in decision.book.new_lots]


def test_case_7_points_that_expire_on_15_january_can_be_spent_on_the_14th_and_no_more_on_the_15th() -> None:
    def outcome(today: date) -> str:
        owner = member(available=100, next_expiry=date(2026, 1, 15))
        facts = Facts(owner, lots=[lot(owner, 100, PLAIN.expires_on(date(2025, 1, 15)))])
        result = adjusting.decide(facts, PLAIN, adjust(-100), moment(today))
        return getattr(result, "code", "spent")

    assert ["spent", "insufficient_points"] == [outcome(date(2026, 1, 14)), outcome(date(2026, 1, 15))]


def test_case_7_points_that_come_back_after_their_day_expire_at_once_and_both_are_seen() -> None:
    stay = {"arrival": date(2025, 1, 14), "departure": date(2025, 1, 15)}
    decision = decided(decide(Facts(member()), PLAIN, post(**stay), moment(date(2026, 1, 20))))

    assert decision.book is not None
    assert 0 == decision.book.member.available
    assert [("stay_posted", 100), ("expired", 0)] == [
        (one.kind, one.balance) for one in decision.book.journals
    ]
    assert [("base", 100, date(2025, 1, 15)), ("expiry", 100, date(2026, 1, 15))] == [
        (one.kind, one.amount, one.effective_on) for one in decision.book.transfers if one.unit == "points"
    ]


def test_case_8_a_reversal_of_70_on_a_balance_of_50_leaves_a_debt_of_20_that_the_next_30_repay() -> None:
    facts = facts_after(decided(decide(Facts(member()), PLAIN, post(lines=lines(room="70")), moment())))
    decided(adjusting.decide(facts, PLAIN, adjust(-20), moment()))
    owner = facts.member

    assert owner is not None
    assert 50 == owner.available
    reversal = decided(decide(facts, PLAIN, post(lines=lines(room="70"), status="cancelled"), moment()))
    assert reversal.book is not None
    assert [("reversal", 50)] == [(one.kind, one.amount) for one in reversal.book.allocations]
    assert (-20, 20) == (owner.available, owner.debt)
    decided(decide(Facts(owner), PLAIN, post(stay_ref="R-2", lines=lines(room="30")), moment()))
    assert (10, 0) == (owner.available, owner.debt)
