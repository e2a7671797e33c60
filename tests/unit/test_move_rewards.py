"""Where rewards go when what is counted moves from one member to another; the stories are played in another place."""

from datetime import date
from typing import Any

from loyalty.commands.merge import move_counts
from loyalty.commands.model import Facts
from loyalty.commands.move_rewards import move_rewards
from loyalty.commands.sides import Side
from loyalty.ledger.model import Lot, Traits
from loyalty.ledger.rules import Book
from loyalty.rewards.model import GrantedReward
from tests.builders import MINT, member, moment, small_rules
from tests.unit.test_rewards import REWARDS

RULES = small_rules(REWARDS)
TODAY = date(2026, 6, 1)
NOW = moment(TODAY)


def given(owner: Any, milestone: str, ordinal: int = 1, **fields: Any) -> GrantedReward:
    row = {
        "reward_id": MINT(0), "member_id": owner.member_id, "milestone": milestone, "period": "", "ordinal": ordinal,
        "part": 1, "program": RULES.label, "status": "issued", "kind": "benefit", "code": "album", "points": 0,
        "granted_on": date(2026, 5, 1), "choose_by": None, "valid_to": None, "journal_id": MINT(0),
        "changed_by": MINT(0),
    }  # fmt: skip
    return GrantedReward(**row | fields)


def sides(*, old: int, new: int, traits: Traits | None = None) -> tuple[Side, Side]:
    """Return the two sides of a merge: members with so many stays in 2026, and nothing that was given yet."""
    made: list[Side] = []
    for number, stays in (("T1", old), ("T2", new)):
        one = member(number=number, member_id=MINT(0), counters={"2026": {"stays": stays}} if stays else {})
        if traits is not None and number == "T1":
            one.traits = traits
        facts = Facts(one, rewards=[])
        made.append(Side(Book(one, NOW, "test", facts.lots), facts, RULES, NOW))
    return made[0], made[1]


def moved(giver: Side, taker: Side, *, undoing: bool = False) -> dict[str, list[tuple[Any, ...]]]:
    """Move all that is counted, and return what became of each side's rewards."""
    counters = {day: dict(units) for day, units in giver.book.member.counters.items()}
    pair = move_counts(giver.book, taker.book, counters, "test", TODAY)
    move_rewards(giver, taker, pair, RULES, NOW, undoing=undoing)
    return {
        name: [
            (one.reward.milestone, one.reward.ordinal, one.reward.status, one.what) for one in side.happened
        ]
        for name, side in (("old", giver), ("new", taker))
    }


def test_rewards_go_to_the_crossings_gained_in_the_order_of_their_ordinals() -> None:
    giver, taker = sides(old=6, new=5)
    owner = giver.book.member
    first, second = given(owner, "every_third"), given(owner, "every_third", 2, status="used")
    bonus = given(taker.book.member, "second_stay")
    assert giver.facts.rewards is not None
    giver.facts.rewards += [second, first]
    taker.facts.rewards = [given(taker.book.member, "every_third"), bonus]

    # Six stays and five are eleven, three times three: only two are gained, and none is given anew.
    assert {
        "old": [("every_third", 1, "revoked", "moved"), ("every_third", 2, "revoked", "moved")],
        "new": [("every_third", 2, "issued", "moved"), ("every_third", 3, "used", "moved")],
    } == moved(giver, taker)
    assert {taker.book.member.member_id} == {one.reward.member_id for one in taker.happened}
    assert not {one.reward.reward_id for one in taker.happened} & {first.reward_id, second.reward_id}


def test_what_finds_no_crossing_is_revoked_or_flagged_if_it_was_used() -> None:
    giver, taker = sides(old=3, new=2)
    owner, other = giver.book.member, taker.book.member
    giver.facts.rewards = [
        given(owner, "second_stay", status="used"), given(owner, "every_third"),
    ]  # fmt: skip
    taker.facts.rewards = [given(other, "second_stay")]
    found = moved(giver, taker)

    assert [("second_stay", 1, "flagged", "flagged"), ("every_third", 1, "revoked", "moved")] == found["old"]
    assert [("every_third", 1, "issued", "moved")] == found["new"]
    assert ("second_stay 1",) == owner.traits.flagged


def test_a_reward_of_a_milestone_that_is_no_more_takes_the_next_ordinal_that_is_free() -> None:
    giver, taker = sides(old=0, new=0)
    giver.facts.rewards = [given(giver.book.member, "old_one", 4)]
    taker.facts.rewards = [given(taker.book.member, "old_one", 2)]

    assert {
        "old": [("old_one", 4, "revoked", "moved")],
        "new": [("old_one", 3, "issued", "moved")],
    } == moved(giver, taker)
    assert [("old_one", 4, "revoked")] == [(one.code, one.ordinal, one.status) for one in giver.crossings]
    assert [("old_one", 3, "granted")] == [(one.code, one.ordinal, one.status) for one in taker.crossings]


def test_a_reward_of_a_milestone_that_is_no_more_stays_when_a_merge_is_undone() -> None:
    giver, taker = sides(old=0, new=0)
    giver.facts.rewards = [given(giver.book.member, "old_one", 4)]

    assert {"old": [], "new": []} == moved(giver, taker, undoing=True)


def test_what_is_flagged_moves_with_a_merge_and_stays_when_it_is_undone() -> None:
    flagged = Traits(flagged=("every_third 1",))
    for undoing, status in ((False, "used"), (True, "issued")):
        giver, taker = sides(old=1, new=2, traits=flagged)
        giver.facts.rewards = [given(giver.book.member, "every_third", status="flagged")]
        taker.facts.rewards = [given(taker.book.member, "second_stay")]
        found = moved(giver, taker, undoing=undoing)

        assert [("every_third", 1, status)] == [one[:3] for one in found["new"]]
        assert (() if status == "used" else ("every_third 1",)) == giver.book.member.traits.flagged


def test_points_that_lapsed_are_gone_and_do_not_come_to_life_with_the_survivor() -> None:
    giver, taker = sides(old=2, new=0)
    bonus = given(giver.book.member, "second_stay", kind="points", code="bonus", points=500)
    giver.facts.rewards = [bonus]
    earned, lapsed = date(2026, 1, 1), date(2026, 4, 1)
    lot = Lot(
        bonus.journal_id,
        giver.book.member.member_id,
        500,
        0,
        500,
        earned,
        date(2026, 12, 1),
        lapsed_on=lapsed,
    )
    giver.facts.lots.append(lot)

    assert {
        "old": [("second_stay", 1, "revoked", "moved")],
        "new": [("second_stay", 1, "used", "moved")],
    } == moved(giver, taker)
    assert (0, 0) == (giver.book.member.available, taker.book.member.available)
    assert [] == taker.book.new_lots
