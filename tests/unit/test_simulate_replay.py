"""A history replayed under other rules: what is judged again, what stays, and what the sums are."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from loyalty.ledger.model import NO_TRAITS, Moment, Status, Traits
from loyalty.program.model import Definition
from loyalty.program.reading import decode
from loyalty.simulate.budgets import Budgets, Cut, first_cut
from loyalty.simulate.figures import Span
from loyalty.simulate.model import Counted, Moved, Refused, Totals
from loyalty.simulate.replay import Said
from loyalty.simulate.worlds import Pair, World, Worlds, live_rules, new_rules
from tests.builders import MINT, PROGRAM, changed, lines, member, post

BEGINNING = date(1970, 1, 1)
NEXT_YEAR = date(2027, 1, 1)
NEW = changed(PROGRAM, version="2", currency='"CNY"\npoint_value = "0.015"').replace(
    'room = "1"', 'room = "2"'
)
"""Twice the points for a room, and each costs one and a half fen."""
ALWAYS = Span(date(1970, 1, 1), date(2199, 12, 31))


def worlds(live: str = PROGRAM, new: str = NEW, first: date = BEGINNING, span: Span | None = None) -> Worlds:
    published = [decode(live)]
    versions = [(BEGINNING, published[0])]
    span = span or Span(first, ALWAYS.last)
    new_world = World(new_rules(versions, decode(new), first), published, span)
    return Worlds(World(live_rules(versions), published, span), new_world, date(2026, 12, 31))


def begin(played: Worlds, status: str = "active", traits: Traits = NO_TRAITS) -> Pair:
    return played.begin(member(status=status, traits=traits))


def said(ref: int, revision: int = 0, day: int = 1, **fields: Any) -> Said:
    """Return a posting of stay number `ref`, recorded on a day of June."""
    at = datetime(2026, 6, day, 12, tzinfo=UTC)
    flags = {flag: fields.pop(flag) for flag in ("gone", "joined", "whole", "award") if flag in fields}
    command = post(stay_ref=f"R-{ref}", **fields)
    return Said(IDS[ref], revision, command, Moment(at, at.date(), MINT), **flags)


IDS = [MINT(0) for _ in range(10)]


def totals(base: int, tier_bonus: int = 0, **fields: Any) -> Totals:
    points = base + tier_bonus
    values: dict[str, Any] = {
        "stays": 1, "earning": 1, "nights": "2", "base": base, "tier_bonus": tier_bonus, "promotion": 0,
        "points": points, "cost": "0.00", "milestones": 0,
    }  # fmt: skip
    return Totals(**values | fields)


# --- one member -------------------------------------------------------------------------------------------------------


def test_a_stay_earns_by_each_of_the_rules() -> None:
    played = worlds()
    pair = begin(played)
    pair.take(said(0, lines=lines(room="100.00", food="50.00")))
    played.end(pair)
    found = played.totals()

    assert totals(150) == found.live
    # 2 * 100 + 50 = 250 points, each 0.015: 3.75.
    assert totals(250, cost="3.75") == found.new


def test_rules_without_a_point_value_are_told_at_that_of_the_others() -> None:
    published = [decode(PROGRAM)]
    world = World(live_rules([(BEGINNING, published[0])]), published, ALWAYS, point_value="0.015")
    played = Worlds(world, world, date(2026, 12, 31))
    pair = begin(played)
    pair.live.take(said(0))
    played.end(pair)

    assert totals(100, cost="1.50") == played.totals().live


def test_a_newer_revision_takes_the_place_of_the_one_before_and_an_older_one_changes_nothing() -> None:
    played = worlds()
    pair = begin(played)
    pair.take(said(0, 1, lines=lines(room="100.00")))
    pair.take(said(0, 3, 2, lines=lines(room="70.00")))
    pair.take(said(0, 2, 3, lines=lines(room="900.00")))
    played.end(pair)

    assert totals(70) == played.totals().live
    assert {"2026": {"nights": 20, "stays": 1, "spend": 7000}} == pair.new.member.counters


def test_a_cancelled_stay_leaves_nothing() -> None:
    played = worlds()
    pair = begin(played)
    pair.take(said(0))
    pair.take(said(0, 1, 2, status="cancelled"))
    played.end(pair)

    assert totals(0, stays=0, earning=0, nights="0") == played.totals().live
    assert {} == pair.live.member.counters == pair.new.member.counters


def test_a_stay_that_moves_leaves_one_member_and_joins_another() -> None:
    played = worlds()
    giver, taker = begin(played), begin(played)
    giver.take(said(0))
    giver.take(said(0, 1, 2, gone=True))
    taker.take(said(1, 1, 2, joined=True))
    played.end(giver)
    played.end(taker)

    assert totals(100) == played.totals().live
    assert ({}, {"2026": {"nights": 20, "stays": 1, "spend": 10000}}) == (
        giver.live.member.counters, taker.live.member.counters
    )  # fmt: skip


def test_a_stay_of_a_merged_account_is_as_it_was_there_or_judged_again_by_other_rules() -> None:
    played = worlds()
    giver, taker = begin(played), begin(played)
    giver.take(said(0, lines=lines(room="100.00")))
    # As a gold member's, whatever the account is that it comes to.
    award = structs.replace(giver.live.stays[IDS[0]].award, tier="gold", tier_bonus=25)
    giver.take(said(0, 1, 2, gone=True, whole=True))
    taker.take(said(1, 0, 2, joined=True, award=award, lines=lines(room="100.00")))
    played.end(giver)
    played.end(taker)

    assert totals(100, 25) == played.totals().live
    # 200 points, a quarter on top; 250 at 0.015 each.
    assert totals(200, 50, cost="3.75") == played.totals().new
    assert {} == giver.live.member.counters
    assert taker.live.member.counters == taker.new.member.counters


def test_the_tier_of_the_first_sight_stays_with_a_stay() -> None:
    played = worlds()
    pair = begin(played)
    # Silver when first seen; then four nights make the member gold, and a revision comes.
    pair.take(said(0, lines=lines(room="100.00")))
    pair.take(said(1, 0, 2, arrival=date(2026, 4, 1), departure=date(2026, 4, 5), lines=lines(room="10.00")))
    pair.take(said(0, 1, 3, lines=lines(room="200.00")))
    pair.take(said(2, 0, 4, lines=lines(room="100.00")))
    awards = [kept.award for kept in pair.live.stays.values()]

    assert ["silver", "silver", "gold"] == [award.tier for award in awards]
    assert [0, 0, 25] == [award.tier_bonus for award in awards]


def test_a_tier_is_looked_up_anew_once_what_made_it_is_gone() -> None:
    played = worlds()
    pair = begin(played)
    # Four nights make the member gold, but not once they turn out to be another's.
    pair.take(said(0, arrival=date(2026, 4, 1), departure=date(2026, 4, 5), lines=lines(room="10.00")))
    pair.take(said(1, 0, 2, lines=lines(room="100.00")))
    pair.take(said(0, 1, 3, gone=True))
    pair.take(said(2, 0, 4, lines=lines(room="100.00")))
    awards = [kept.award for kept in pair.live.stays.values()]

    assert ["gold", "silver"] == [award.tier for award in awards]


def test_check_outs_before_the_first_day_are_judged_as_they_were() -> None:
    played = worlds(first=NEXT_YEAR)
    pair = begin(played)
    pair.take(said(0, lines=lines(room="100.00")))
    dates = {"arrival": date(2026, 12, 31), "departure": NEXT_YEAR}
    pair.take(said(1, 0, 2, **dates, lines=lines(room="100.00")))
    played.end(pair)

    assert [100, 200] == [kept.award.base for kept in pair.new.stays.values()]
    # Only the second one is of the days that are looked at.
    assert totals(100, nights="1") == played.totals().live
    assert totals(200, nights="1", cost="3.00") == played.totals().new
    assert ["2027-01"] == [one.key for one in played.months()]


def test_milestones_are_those_that_stays_of_the_span_pass() -> None:
    late = NEW.replace('every = "3"', 'every = "2"')
    played = worlds(new=late, first=date(2026, 5, 3))
    pair = begin(played)
    for number, day in enumerate((1, 2, 3, 4)):
        dates = {"arrival": date(2026, 5, day) - timedelta(days=1), "departure": date(2026, 5, day)}
        pair.take(said(number, 0, day, **dates))
    played.end(pair)

    # Live it is the third stay, on 3 May. Under the new rules, in force since then, it is the fourth; the second stay
    # was still one of the live rules.
    assert {("every_third", "", 1)} == set(pair.live.grants)
    assert {("every_third", "", 2)} == set(pair.new.grants)
    assert [Counted("every_third", 1, 1)] == played.milestones()


def test_a_milestone_is_taken_back_with_the_stay_that_passed_it() -> None:
    played = worlds()
    pair = begin(played)
    for number in range(3):
        pair.take(said(number, 0, number + 1))
    granted = set(pair.live.grants)
    pair.take(said(1, 1, 5, status="no_show"))

    assert {("every_third", "", 1)} == granted
    assert {} == pair.live.grants


def test_a_milestone_with_other_marks_is_not_granted_again_and_stands_by_the_mark_that_granted_it() -> None:
    played = worlds(new=NEW.replace('every = "3"', 'every = "6"'), first=date(2026, 6, 1))
    pair = begin(played)
    for number in range(8):
        day = date(2026, 5, 20) if number < 3 else date(2026, 6, 20)
        pair.take(said(number, 0, number + 1, arrival=day - timedelta(days=1), departure=day))
    passed = thirds(pair)
    for number in (7, 6, 5, 4, 3):
        pair.take(said(number, 1, 20, departure=date(2026, 6, 20), status="cancelled"))
    stands = thirds(pair)
    pair.take(said(0, 1, 20, departure=date(2026, 5, 20), status="cancelled"))

    assert ([1], [1], []) == (passed, stands, thirds(pair))


def test_a_milestone_lost_with_an_older_stay_comes_back_with_it_by_the_mark_that_granted_it() -> None:
    played = worlds(live=PROGRAM.replace('every = "3"', 'every = "4"'), first=date(2026, 6, 1))
    pair = begin(played)
    for number, month in enumerate((5, 5, 6)):
        pair.take(said(number, 0, number + 1, **dated(month)))
    passed = thirds(pair)
    pair.take(said(0, 1, 20, status="cancelled", **dated(5)))
    lost = thirds(pair)
    pair.take(said(0, 2, 21, **dated(5)))

    assert ([1], [], [1]) == (passed, lost, thirds(pair))


@pytest.mark.parametrize(("every", "passed"), [("2", [1]), ("4", [])])
def test_what_comes_with_a_merged_account_passes_the_marks_of_the_day_of_the_merge(
    every: str, passed: list[int]
) -> None:
    played = worlds(new=NEW.replace('every = "3"', f'every = "{every}"'), first=date(2026, 6, 1))
    giver, taker = begin(played), begin(played)
    for number in range(2):
        giver.take(said(number, **dated(5)))
    taker.take(said(2, **dated(5)))
    for number in range(2):
        award = giver.new.stays[IDS[number]].award
        giver.take(said(number, 1, 20, gone=True, whole=True, **dated(5)))
        taker.take(said(3 + number, 0, 20, joined=True, award=award, **dated(5)))

    assert passed == thirds(taker)


def dated(month: int) -> dict[str, date]:
    return {"arrival": date(2026, month, 19), "departure": date(2026, month, 20)}


def thirds(pair: Pair) -> list[int]:
    """Return which third stays stand as milestones under the new rules."""
    return [ordinal for code, _, ordinal in pair.new.grants if code == "every_third"]


# --- what the new rules refuse ----------------------------------------------------------------------------------------


def test_a_currency_without_a_rate_earns_and_counts_nothing_and_is_told() -> None:
    played = worlds(new=NEW.replace('JPY = "0.047"', ""))
    pair = begin(played)
    pair.take(said(0, currency="JPY", lines=lines(room="10000")))
    pair.take(said(1, 0, 2, currency="JPY", lines=lines(room="10000"), status="cancelled"))
    played.end(pair)

    # 10,000 yen are 470.00 yuan.
    assert totals(470) == played.totals().live
    assert totals(0, earning=0, nights="0") == played.totals().new
    assert {} == pair.new.member.counters
    assert (Refused(0, 0), Refused(1, 0)) == (played.live.figures.refused, played.new.figures.refused)


@pytest.mark.parametrize("limit", [("nights = 60", "nights = 1"), ('amount = "100000"', 'amount = "99.99"')])
def test_a_stay_beyond_the_limits_counts_nothing_and_is_told(limit: tuple[str, str]) -> None:
    played = worlds(new=NEW.replace(*limit))
    pair = begin(played)
    pair.take(said(0))
    played.end(pair)

    assert totals(0, earning=0, nights="0") == played.totals().new
    assert Refused(0, 1) == played.new.figures.refused


# --- tiers ------------------------------------------------------------------------------------------------------------


def moved(new: str, nights: int, status: str = "active", traits: Traits = NO_TRAITS) -> Worlds:
    played = worlds(new=new)
    pair = begin(played, status, traits)
    pair.take(said(0, arrival=date(2026, 5, 1), departure=date(2026, 5, 1) + timedelta(days=nights)))
    played.end(pair)
    return played


def test_who_moves_up_and_down_is_counted() -> None:
    sooner = NEW.replace('nights = "4", spend = "900"', 'nights = "3"')
    later = NEW.replace('nights = "4", spend = "900"', 'nights = "8"')

    assert [Moved("silver", "gold", "up", 1)] == moved(sooner, 3).moves()
    assert [Moved("gold", "silver", "down", 1)] == moved(later, 5).moves()
    assert [] == moved(NEW, 5).moves()
    assert [Counted("silver", 1, 0), Counted("gold", 0, 1), Counted("platinum", 0, 0)] == moved(
        sooner, 3
    ).tiers()


def test_a_tier_of_another_name_stands_for_the_one_in_its_place() -> None:
    renamed = NEW.replace('code = "gold"', 'code = "amber"').replace('code = "silver"', 'code = "basic"')

    assert [Moved("gold", "amber", "same", 1)] == moved(renamed, 5).moves()
    assert ["silver", "gold", "platinum", "basic", "amber"] == [one.code for one in moved(renamed, 5).tiers()]


def test_a_member_without_stays_has_a_tier_and_a_closed_one_has_none() -> None:
    played = worlds()
    played.end(begin(played))
    played.end(begin(played, "closed"))

    assert 2 == played.members
    assert [Counted("silver", 1, 1), Counted("gold", 0, 0), Counted("platinum", 0, 0)] == played.tiers()


def test_given_tiers_hold_and_what_was_folded_away_is_replayed() -> None:
    given = Status("platinum", "gifted", date(2026, 1, 1))
    folded = Status("gold", "earned", date(2026, 1, 1))
    played = moved(NEW, 1, traits=Traits(statuses=(folded, given)))

    assert [0, 0, 1] == [one.new for one in played.tiers()]
    assert [1, 0, 0] == [one.new for one in moved(NEW, 1, traits=Traits(statuses=(folded,))).tiers()]


# --- budgets ----------------------------------------------------------------------------------------------------------

BUDGET = """
[[promotion]]
code = "shared"
name = { en = "Shared", zh = "共享" }
points = 40
budget = 100
"""


def replay_all(cuts: dict[str, Cut] | None = None) -> tuple[World, list[int]]:
    """Replay three members with a stay each, recorded on the third, the first and the second of June."""
    definition: Definition = decode(PROGRAM + BUDGET)
    world, other = (
        World(live_rules([(BEGINNING, definition)]), [definition], ALWAYS, known) for known in (cuts, None)
    )
    played = Worlds(world, other, date(2026, 12, 31))
    given: list[int] = []
    for number, day in enumerate((3, 1, 2)):
        pair = begin(played)
        pair.take(said(number, 0, day))
        given.append(pair.live.stays[IDS[number]].award.promotions.get("shared", 0))
    return world, given


def test_a_budget_is_taken_in_the_order_of_recording() -> None:
    first, as_if_without_end = replay_all()
    cuts = first.budgets.spent()
    second, given = replay_all(cuts)

    assert [40, 40, 40] == as_if_without_end
    # Two stays take 80 by the second of June; the one of the third gets the 20 that are left.
    assert {"shared": Cut(datetime(2026, 6, 3, 12, tzinfo=UTC), 20)} == cuts
    assert [20, 40, 40] == given
    assert cuts == second.budgets.spent()


def test_what_is_given_back_after_a_budget_was_spent_is_given_again() -> None:
    at = [datetime(2026, 6, day, tzinfo=UTC) for day in range(1, 6)]
    budgets = Budgets({"shared": 100}, {"shared": Cut(at[1], 20)})
    before, then = budgets.left(at[0])["shared"], budgets.left(at[1])["shared"]
    budgets.take("shared", at[1], 20)
    spent = budgets.left(at[1])["shared"], budgets.left(at[2])["shared"]
    budgets.take("shared", at[2], -30)
    back = budgets.left(at[3])["shared"]
    budgets.take("shared", at[3], 30)

    assert before > 1_000_000_000
    assert (20, (0, 0), 30, 0) == (then, spent, back, budgets.left(at[4])["shared"])


def test_a_budget_is_cut_only_when_it_is_not_enough() -> None:
    at = [datetime(2026, 6, day, tzinfo=UTC) for day in range(1, 5)]

    assert first_cut([(at[0], 60), (at[1], 40)], 100) is None
    assert first_cut([(at[0], 60), (at[2], 50), (at[1], -60), (at[3], 50)], 100) is None
    assert Cut(at[1], 40) == first_cut([(at[0], 60), (at[1], 30), (at[1], 30)], 100)


def test_one_budget_at_a_time_is_cut_the_first_to_be_spent_first() -> None:
    at = [datetime(2026, 6, day, tzinfo=UTC) for day in range(1, 4)]
    budgets = Budgets({"a": 10, "b": 10, "c": 10})
    for code, when, points in (("a", at[2], 11), ("b", at[1], 11), ("c", at[0], 10)):
        budgets.take(code, when, points)

    assert {"b": Cut(at[1], 10)} == budgets.spent()
