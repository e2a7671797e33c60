"""What tier the survivor of a merge has, where days of the two members were folded into years."""

from datetime import date
from typing import Any

from loyalty.commands import merge
from loyalty.commands.merge import Merge, Merged
from loyalty.commands.model import Facts
from loyalty.ledger.counters import by_year
from loyalty.ledger.model import Counters, Member, Status, Traits
from tests.builders import MINT, PROGRAM, counted, key, member, moment, small_rules

TODAY = date(2026, 6, 1)
YEARS = small_rules(PROGRAM + '\n[qualification]\neffective = "next_day"\n')
ROLLING = small_rules(PROGRAM + '\n[qualification]\nperiod = "rolling"\n')
GIFT = Status("gold", "gifted", TODAY, TODAY)


def earned(tier: str, year: int) -> Status:
    return Status(tier, "earned", date(year, 1, 1))


def one(number: str, counters: Counters, *statuses: Status) -> Member:
    return member(
        number=number,
        member_id=MINT(0),
        counters=counters,
        traits=Traits(statuses=statuses, by_day=("nights",)),
    )


def merged(rules: Any, old: Member, new: Member) -> Member:
    """Merge one member into another; return the survivor."""
    sides = [Facts(each, rewards=[]) for each in (old, new)]
    result = merge.decide(*sides, [], rules, Merge(old.number, new.number, "test", key()), moment(TODAY))
    assert isinstance(result, Merged)
    return new


def test_what_both_counted_is_counted_again_together() -> None:
    # 5 nights of 2025 each are gold; 10 together are platinum.
    old, new = (one(number, {"2025": {"nights": 50}}, earned("gold", 2026)) for number in ("T1", "T2"))
    survivor = merged(YEARS, old, new)

    assert ("platinum", {"2025": {"nights": 100}}) == (survivor.tier, by_year(survivor.counters))
    assert () == survivor.traits.statuses


def test_what_was_given_to_either_is_kept() -> None:
    old = one("T1", {}, GIFT)
    survivor = merged(YEARS, old, one("T2", {}, earned("silver", 2024), GIFT))

    assert (GIFT, GIFT) == survivor.traits.statuses


def test_a_tier_that_is_known_only_as_earned_is_not_lost() -> None:
    # Of the window no more is known than that it has kept gold since 2026.
    for old, new in (((earned("gold", 2026),), ()), ((earned("silver", 2026),), (earned("gold", 2026),))):
        survivor = merged(ROLLING, one("T1", {"2023": {"nights": 90}}, *old), one("T2", {}, *new))

        assert "gold" == survivor.tier
        assert (earned("gold", 2026),) == survivor.traits.statuses


def test_a_window_that_reaches_as_much_by_its_days_is_all_there_is() -> None:
    days = counted({"2026-05-01": {"nights": 40}})
    survivor = merged(ROLLING, one("T1", {}, earned("gold", 2026)), one("T2", days, earned("gold", 2026)))

    assert ("gold", ()) == (survivor.tier, survivor.traits.statuses)
