"""Rewards in the pure core: granted, taken back, chosen, used, expired; with numbers worked out by hand."""

from copy import deepcopy
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from loyalty.commands import balance, benefit, choose, lapse, post_stay, use
from loyalty.commands.benefit import ReturnBenefit, ReturnRequest, UseBenefit, UseRequest
from loyalty.commands.choose import Choose, ChooseRequest
from loyalty.commands.lapse import Lapse
from loyalty.commands.model import Decision, Facts, Prior, Unread
from loyalty.commands.rewarding import view
from loyalty.commands.rulebook import Rulebook, join
from loyalty.commands.use import Occasion, UseReward
from loyalty.ids import UUID, show
from loyalty.ledger.model import Lot, Member
from loyalty.program.reading import decode
from loyalty.rewards.model import GrantedReward
from loyalty.stays.model import StayOnFile
from tests.builders import (
    MINT,
    PROGRAM,
    changed,
    decided,
    key,
    lines,
    member,
    moment,
    moves,
    on_file,
    post,
    posting,
    refused,
    reply,
    small_rules,
)

REWARDS = (
    PROGRAM.replace(
        'reach = { nights = "4", spend = "900" }',
        'reach = { nights = "4", spend = "900" }\nyearly = { meeting_room = 2 }',
    )
    + """
[[benefit]]
code = "meeting_room"
name = { en = "An hour of meeting room", zh = "会议室一小时" }

[[milestone]]
code = "second_stay"
name = { en = "Second stay", zh = "第二次入住" }
unit = "stays"
at = ["2"]
reward = { code = "bonus", name = { en = "Bonus", zh = "奖励积分" }, kind = "points", points = 500, valid_months = 6 }

[[milestone]]
code = "year_nights"
name = { en = "Nights of the year", zh = "年度房晚" }
unit = "nights"
every = "5"
over = "year"
[milestone.choice]
pick = 2
within_days = 10
default = ["points", "spa"]
[[milestone.choice.among]]
code = "spa"
name = { en = "Spa", zh = "水疗" }
kind = "voucher"
valid_months = 1
[[milestone.choice.among]]
code = "points"
name = { en = "Points", zh = "积分" }
kind = "points"
points = 200
[[milestone.choice.among]]
code = "suite"
name = { en = "Suite", zh = "套房" }
"""
)
RULES = small_rules(REWARDS)
BY_CALENDAR = small_rules(
    REWARDS.replace("within_days = 10", 'within_days = 10\nuntil = "01-07"')
    .replace("valid_months = 1\n", 'valid_to = "02-29"\nvalid_years = 2\n')
    .replace("valid_months = 6 }", 'valid_to = "12-31" }')
)
TODAY = date(2026, 6, 1)
NOW = moment(TODAY)


class Story:
    """One member's books in memory: facts as the shell would read them, and what each decision leaves."""

    rules = RULES

    def __init__(self, today: date = TODAY, **fields: Any) -> None:
        self.today = today
        self.member: Member = member(**fields)
        self.lots: dict[UUID, Lot] = {}
        self.rewards: dict[UUID, GrantedReward] = {}
        self.stays: dict[str, StayOnFile] = {}
        self.own: dict[str, set[UUID]] = {}
        self.spent: set[UUID] = set()
        self.asked = 0

    def facts(self, ref: str = "", rewards: list[GrantedReward] | None = None) -> Facts:
        lots = list(deepcopy(self.lots).values())
        return Facts(
            deepcopy(self.member), self.stays.get(ref), lots=lots, own=frozenset(self.own.get(ref, ())),
            rewards=rewards,
            spent_rewards=frozenset(one.reward_id for one in self.rewards.values() if one.journal_id in self.spent),
        )  # fmt: skip

    def stay(self, ref: str = "R-1", **fields: Any) -> Decision:
        command = post(posting(stay_ref=ref, **fields))
        result = post_stay.decide(self.facts(ref), self.rules, command, moment(self.today))
        if isinstance(result, Unread):
            self.asked += 1
            found = [
                one
                for one in self.rewards.values()
                if (one.place in result.places and one.status != "revoked") or one.place in result.regained
            ]
            result = post_stay.decide(self.facts(ref, found), self.rules, command, moment(self.today))
        decision = decided(result)
        if decision.answer.replayed:
            return decision
        self.keep(decision)
        self.stays[ref] = on_file(decision, self.member)
        assert decision.book
        self.own.setdefault(ref, set()).update(
            lot.lot_id
            for lot in decision.book.new_lots
            if decision.revision and lot.lot_id == decision.revision.journal_id
        )
        return decision

    def stay_points(self) -> int:
        """Return the points that the stays on file stand for."""
        return sum(one.award.points for one in self.stays.values())

    def keep(self, decision: Decision) -> Decision:
        assert decision.book is not None
        self.member = decision.book.member
        for lot in [*decision.book.new_lots, *decision.book.changed_lots()]:
            self.lots[lot.lot_id] = lot
        for reward in decision.rewards:
            self.rewards[reward.reward_id] = reward
        self.spent |= {one.lot_id for one in decision.book.allocations if one.kind == "spend"}
        self.check()
        return decision

    def check(self) -> None:
        alive = [(*one.place, one.part) for one in self.rewards.values() if one.status != "revoked"]
        left = sum(lot.remaining for lot in self.lots.values())

        assert len(alive) == len(set(alive)), "a crossing gives each part once"
        assert self.member.available == left - self.member.debt

    def known(self) -> Facts:
        return self.facts(rewards=list(self.rewards.values()))

    def choose(self, reward: GrantedReward, *codes: str) -> Any:
        command = Choose("T1", reward.reward_id, ChooseRequest(list(codes)), "test", key())
        return choose.decide(self.known(), self.rules, command, moment(self.today))

    def use(self, reward: GrantedReward, **occasion: Any) -> Any:
        command = UseReward("T1", reward.reward_id, Occasion(**occasion), "test", key())
        return use.decide(self.known(), self.rules, command, moment(self.today))

    def lapse(self) -> Decision:
        command = Lapse(self.member.member_id)
        return self.keep(decided(lapse.decide(self.known(), self.rules, command, moment(self.today))))

    def of(self, milestone: str) -> list[GrantedReward]:
        return [one for one in self.rewards.values() if one.milestone == milestone]

    def states(self, milestone: str) -> list[tuple[str, str]]:
        return [(one.code, one.status) for one in self.of(milestone)]


class ByCalendar(Story):
    """The same, where choices and rewards end on days of the calendar."""

    rules = BY_CALENDAR


def night(number: int) -> dict[str, date]:
    """Dates of a stay of one night."""
    day = date(2026, 5, 1) + timedelta(days=2 * number)
    return {"arrival": day, "departure": day + timedelta(days=1)}


def visited(stays: int, **fields: Any) -> Story:
    story = Story(**fields)
    for number in range(1, stays + 1):
        story.stay(f"R-{number}", **night(number))
    return story


# --- days of the calendar ---------------------------------------------------------------------------------------------


def stayed_five(first: date, today: date) -> ByCalendar:
    story = ByCalendar(today)
    story.stay(arrival=first, departure=first + timedelta(days=5))
    return story


def test_a_choice_may_be_open_to_a_day_of_the_next_year_and_a_reward_valid_to_one_of_a_later() -> None:
    story = stayed_five(date(2026, 5, 1), TODAY)
    [open_] = story.of("year_nights")
    shown = view(BY_CALENDAR, open_)
    story.keep(decided(story.choose(open_, "spa", "suite")))

    assert date(2027, 1, 7) == open_.choose_by
    # To the end of February 2028, two years after 2026; the suite has no end.
    assert [("spa", date(2028, 3, 1)), ("suite", None)] == [
        (one.code, one.valid_to) for one in story.of("year_nights")
    ]
    assert [date(2028, 3, 1), None, None] == [one.valid_to for one in shown.options]


def test_what_counts_is_the_year_of_the_milestone_and_who_is_late_has_some_days() -> None:
    # Five nights of December 2026, posted in February 2027: 7 January is over, so there are ten days.
    story = stayed_five(date(2026, 12, 10), date(2027, 2, 1))
    [open_] = story.of("year_nights")
    story.keep(decided(story.choose(open_, "spa", "suite")))

    assert date(2027, 2, 11) == open_.choose_by
    assert date(2028, 3, 1) == story.of("year_nights")[0].valid_to


def test_in_a_year_without_29_february_the_28th_is_the_last_day() -> None:
    story = stayed_five(date(2027, 5, 1), date(2027, 6, 1))
    story.keep(decided(story.choose(story.of("year_nights")[0], "spa", "suite")))

    assert date(2029, 3, 1) == story.of("year_nights")[0].valid_to


def test_points_may_be_valid_to_a_day_of_the_next_year() -> None:
    story = ByCalendar()
    for number in (1, 2):
        story.stay(f"R-{number}", **night(number))
    [bonus] = story.of("second_stay")

    assert ("points", date(2028, 1, 1)) == (bonus.kind, bonus.valid_to)
    assert [date(2028, 1, 1)] == [lot.expires_on for lot in story.lots.values() if lot.amount == 500]


# --- granting -----------------------------------------------------------------------------------------------------


def test_a_stay_that_crosses_nothing_gives_nothing_and_asks_for_nothing() -> None:
    story = visited(1)

    assert ({}, 0) == (story.rewards, story.asked)


def test_crossing_a_milestone_gives_its_reward_and_the_reply_tells() -> None:
    story = visited(2)
    decision = story.stay("R-3", **night(3))
    [album] = story.of("every_third")

    assert ("issued", "benefit", "album", 0, TODAY, None) == (
        album.status, album.kind, album.code, album.points, album.granted_on, album.valid_to,
    )  # fmt: skip
    assert [{
        "reward_id": show("rwd", album.reward_id), "milestone": "every_third", "status": "issued", "code": "album",
    }] == reply(decision)["rewards"]  # fmt: skip
    assert ["stay.posted", "milestone.granted", "reward.granted"] == [one.type for one in decision.events]
    assert 0 == story.asked


def test_a_reward_in_points_is_earned_in_a_journal_and_a_lot_of_its_own() -> None:
    story = visited(1)
    decision = story.stay("R-2", **night(2))
    [bonus] = story.of("second_stay")
    lot = story.lots[bonus.journal_id]

    assert decision.book is not None
    assert ["stay_posted", "milestone_points"] == [one.kind for one in decision.book.journals]
    assert ("points", "milestone", "issued", "available", 500) == moves(decision)[-1]
    # Earned on the day of the check-out, 6 May; the stays' 100 points each expire after 3 months, these after 6.
    assert (500, date(2026, 5, 6), date(2026, 11, 6)) == (lot.amount, lot.earned_on, lot.expires_on)
    assert ("issued", 500, date(2026, 11, 6)) == (bonus.status, bonus.points, bonus.valid_to)
    assert 700 == story.member.available == reply(decision)["balance"]["available"]
    assert decision.book.journals[-1].journal_id in {one.event_id for one in decision.events}


def test_points_that_come_too_late_to_last_expire_at_once() -> None:
    story = Story(date(2027, 1, 1))
    story.stay("R-1", **night(1))
    story.stay("R-2", **night(2))

    assert 0 == story.member.available
    assert [("bonus", "issued")] == story.states("second_stay")


def test_points_of_a_milestone_repay_debt_first() -> None:
    story = Story(available=-150, debt=150)
    story.stay("R-1", **night(1))
    story.stay("R-2", **night(2))

    assert (550, 0) == (story.member.available, story.member.debt)


# --- taking back --------------------------------------------------------------------------------------------------


def test_earn_then_reverse_restores_everything_but_what_was_used() -> None:
    story = visited(2)
    before = structs.replace(story.member, version=0)
    story.stay("R-3", **night(3))
    decision = story.stay("R-3", **night(3), status="cancelled", revision=9)

    assert [("album", "revoked")] == story.states("every_third")
    assert before == structs.replace(story.member, version=0, next_expiry=before.next_expiry)
    assert "reward.revoked" in [one.type for one in decision.events]


def test_points_are_taken_back_from_their_own_lot_with_effect_from_their_day() -> None:
    story = visited(2)
    decision = story.stay("R-2", **night(2), status="cancelled", revision=9)
    [bonus] = story.of("second_stay")

    assert decision.book is not None
    assert "revoked" == bonus.status
    assert ["stay_reversed", "milestone_reversed"] == [one.kind for one in decision.book.journals]
    assert [date(2026, 5, 6)] * 2 == [one.effective_on for one in decision.book.journals]
    assert 0 == story.lots[bonus.journal_id].remaining
    assert (100, 0) == (story.member.available, story.member.debt)


def test_points_that_repaid_debt_are_owed_again() -> None:
    story = Story(available=-150, debt=150)
    story.stay("R-1", **night(1))
    story.stay("R-2", **night(2))
    story.stay("R-2", **night(2), status="cancelled", revision=9)

    assert (-50, 50) == (story.member.available, story.member.debt)
    assert [("bonus", "revoked")] == story.states("second_stay")


def test_points_of_which_some_were_spent_are_flagged_and_stay() -> None:
    story = visited(2)
    [bonus] = story.of("second_stay")
    story.spent.add(bonus.journal_id)
    decision = story.stay("R-2", **night(2), status="cancelled", revision=9)

    assert [("bonus", "flagged")] == story.states("second_stay")
    assert 600 == story.member.available
    assert (
        ("second_stay 1",)
        == story.member.traits.flagged
        == (decision.book and decision.book.member.traits.flagged)
    )


def test_what_was_used_is_flagged_and_crossing_again_makes_it_valid_and_gives_no_second_one() -> None:
    story = visited(3)
    story.keep(decided(story.use(story.of("every_third")[0])))
    story.stay("R-3", **night(3), status="cancelled", revision=9)
    flagged = story.states("every_third")
    story.stay("R-4", **night(4))

    assert [("album", "flagged")] == flagged
    assert [("album", "used")] == story.states("every_third")
    assert () == story.member.traits.flagged


def test_crossing_again_after_a_revocation_gives_a_new_one_without_asking() -> None:
    story = visited(3)
    story.stay("R-3", **night(3), status="cancelled", revision=9)
    asked = story.asked
    story.stay("R-4", **night(4))

    assert ["revoked", "issued"] == [one.status for one in story.of("every_third")]
    assert 1 == asked == story.asked


# --- choices ------------------------------------------------------------------------------------------------------


def five_nights(**fields: Any) -> Story:
    story = Story(**fields)
    story.stay("R-1", arrival=date(2026, 5, 20), departure=date(2026, 5, 25))
    return story


def test_a_choice_is_open_until_the_days_it_has_are_over() -> None:
    [row] = five_nights().of("year_nights")

    assert ("open", "2026", date(2026, 6, 11), "", "") == (
        row.status,
        row.period,
        row.choose_by,
        row.code,
        row.kind,
    )


def test_what_is_chosen_is_given_points_at_once() -> None:
    story = five_nights()
    decision = decided(story.choose(story.of("year_nights")[0], "spa", "points"))
    story.keep(decision)

    assert [("spa", "issued"), ("points", "issued")] == story.states("year_nights")
    assert [1, 2] == [one.part for one in story.of("year_nights")]
    assert [date(2026, 7, 1), date(2026, 9, 1)] == [one.valid_to for one in story.of("year_nights")]
    assert 300 == story.member.available == reply(decision)["balance"]["available"]
    assert decision.book is not None
    assert ["reward_chosen", "milestone_points"] == [one.kind for one in decision.book.journals]
    assert ["reward.chosen", "reward.chosen"] == [one.type for one in decision.events]
    assert len({one.event_id for one in decision.events}) == len(decision.events)


@pytest.mark.parametrize(
    ("codes", "at"),
    [
        (["spa"], "/codes"), (["spa", "spa"], "/codes/1"), (["spa", "gold"], "/codes/1"),
        (["spa", "points", "suite"], "/codes"),
    ],
)  # fmt: skip
def test_a_choice_must_be_so_many_of_what_there_is(codes: list[str], at: str) -> None:
    story = five_nights()

    assert ("invalid_value", at) == refused(story.choose(story.of("year_nights")[0], *codes))


def test_a_choice_is_made_once() -> None:
    story = five_nights()
    [row] = story.of("year_nights")
    story.keep(decided(story.choose(row, "spa", "points")))

    assert ("reward_not_open", "") == refused(story.choose(row, "spa", "points"))


def test_a_choice_can_be_made_on_its_last_day_and_not_after() -> None:
    story = five_nights()
    [row] = story.of("year_nights")
    story.today = date(2026, 6, 11)
    in_time = story.choose(row, "spa", "suite")
    story.today = date(2026, 6, 12)

    assert decided(in_time)
    assert ("choice_over", "") == refused(story.choose(row, "spa", "suite"))


def test_the_default_is_given_when_the_time_is_over_with_effect_from_then_however_late() -> None:
    story = five_nights()
    story.today = date(2026, 6, 30)
    decision = story.lapse()
    again = story.lapse()

    assert [("points", "issued"), ("spa", "issued")] == story.states("year_nights")
    assert [date(2026, 9, 12), date(2026, 7, 12)] == [one.valid_to for one in story.of("year_nights")]
    assert decision.book is not None
    assert again.book is not None
    assert [date(2026, 6, 12)] * 2 == [one.effective_on for one in decision.book.journals]
    assert ([], []) == (again.book.journals, again.rewards)


def test_a_default_whose_own_time_is_over_by_then_expires_too() -> None:
    story = five_nights()
    story.today = date(2026, 7, 12)
    story.lapse()

    assert [("points", "issued"), ("spa", "expired")] == story.states("year_nights")


def test_on_the_last_day_to_choose_nothing_lapses() -> None:
    story = five_nights()
    story.today = date(2026, 6, 11)
    story.lapse()

    assert [("", "open")] == story.states("year_nights")


def test_a_choice_of_which_one_part_was_used_is_open_for_the_rest_when_it_comes_again() -> None:
    story = five_nights()
    story.keep(decided(story.choose(story.of("year_nights")[0], "spa", "suite")))
    story.keep(decided(story.use(story.of("year_nights")[0])))
    story.stay("R-1", arrival=date(2026, 5, 20), departure=date(2026, 5, 25), status="cancelled", revision=9)
    lost = story.states("year_nights")
    story.stay("R-2", arrival=date(2026, 5, 20), departure=date(2026, 5, 25))
    row = story.of("year_nights")[-1]

    assert [("spa", "flagged"), ("suite", "revoked")] == lost
    assert [("spa", "used"), ("suite", "revoked"), ("", "open")] == story.states("year_nights")
    assert ("invalid_value", "/codes/0") == refused(story.choose(row, "spa"))
    assert decided(story.choose(row, "points"))


# --- use ----------------------------------------------------------------------------------------------------------


def test_a_reward_is_used_once_and_the_journal_says_where() -> None:
    story = visited(3)
    [album] = story.of("every_third")
    decision = story.keep(decided(story.use(album, property="SHA01", stay_ref="R-9", note="At breakfast")))

    assert decision.book is not None
    assert ["every_third 1: album SHA01 R-9: At breakfast"] == [one.reason for one in decision.book.journals]
    assert "used" == reply(decision)["reward"]["status"]
    assert ("reward_not_usable", "") == refused(story.use(album))


def test_a_reward_can_be_used_until_the_day_its_time_is_up() -> None:
    story = five_nights()
    story.keep(decided(story.choose(story.of("year_nights")[0], "spa", "suite")))
    spa = story.of("year_nights")[0]
    story.today = date(2026, 6, 30)
    in_time = story.use(spa)
    story.today = date(2026, 7, 1)

    assert decided(in_time)
    assert ("reward_expired", "") == refused(story.use(spa))
    story.lapse()
    assert [("spa", "expired"), ("suite", "issued")] == story.states("year_nights")
    assert ("reward_expired", "") == refused(story.use(spa))


def test_what_is_open_or_points_can_not_be_used() -> None:
    story = five_nights()
    story.stay("R-2", **night(2))

    assert ("reward_not_usable", "") == refused(story.use(story.of("year_nights")[0]))
    assert ("reward_not_usable", "") == refused(story.use(story.of("second_stay")[0]))


def test_a_key_an_unknown_member_a_foreign_reward_and_a_closed_account_are_refused_in_this_order() -> None:
    story = visited(3)
    [album] = story.of("every_third")
    other = structs.replace(album, member_id=MINT(0))
    occasion = UseReward("T1", album.reward_id, Occasion(), "test", key())
    closed = Facts(structs.replace(story.member, status="closed"), rewards=[album])

    def verdict(facts: Facts) -> str:
        return refused(use.decide(facts, RULES, occasion, NOW))[0]

    assert "idempotency_key_reused" == verdict(
        Facts(None, prior=Prior(key(body=b"x").fingerprint, 200, b"{}"))
    )
    assert "unknown_member" == verdict(Facts(None))
    assert "unknown_reward" == verdict(Facts(story.member, rewards=[other]))
    assert "member_closed" == verdict(closed)


# --- benefits that are counted ------------------------------------------------------------------------------------


def benefit_used(story: Story, times: int = 1, code: str = "meeting_room") -> Any:
    command = UseBenefit("T1", code, UseRequest(times=times), "test", key())
    return benefit.decide_use(story.facts(), RULES, command, moment(story.today))


def benefit_returned(story: Story, times: int = 1, used_on: date | None = None) -> Any:
    command = ReturnBenefit("T1", "meeting_room", ReturnRequest(times=times, used_on=used_on), "test", key())
    return benefit.decide_return(story.facts(), RULES, command, moment(story.today))


def test_a_benefit_is_counted_in_the_year_as_often_as_the_tier_allows() -> None:
    story = five_nights()  # five nights make gold, which has two hours a year
    first = story.keep(decided(benefit_used(story)))

    assert [("benefit:meeting_room", "count", "issued", "counted", 1)] == moves(first)
    assert (1, 1) == (reply(first)["used"], reply(first)["left"])
    assert ("benefit_used_up", "/times") == refused(benefit_used(story, 2))
    story.keep(decided(benefit_used(story)))
    assert ("benefit_used_up", "/times") == refused(benefit_used(story))
    story.today = date(2027, 1, 1)
    assert 1 == reply(benefit_used(story))["left"]


def test_a_benefit_that_the_tier_has_not_is_unknown() -> None:
    assert ("unknown_benefit", "") == refused(benefit_used(visited(1)))
    assert ("unknown_benefit", "") == refused(benefit_used(five_nights(), code="breakfast"))


def test_a_use_is_given_back_in_its_year_and_never_more_than_was_used() -> None:
    story = five_nights()
    story.keep(decided(benefit_used(story, 2)))
    given = story.keep(decided(benefit_returned(story)))

    assert ("benefit:meeting_room", "count", "counted", "issued", 1) == moves(given)[0]
    assert (1, 1) == (reply(given)["used"], reply(given)["left"])
    assert ("benefit_not_used", "/times") == refused(benefit_returned(story, 2))
    story.today = date(2027, 1, 2)
    assert ("benefit_not_used", "/times") == refused(benefit_returned(story))
    last_year = benefit_returned(story, 1, TODAY)
    assert (2026, 0, 2) == tuple(reply(last_year)[name] for name in ("year", "used", "left"))
    assert ("invalid_value", "/used_on") == refused(benefit_returned(story, 1, date(2027, 1, 3)))


def test_the_stay_of_a_reward_is_judged_like_any_other() -> None:
    story = visited(2)

    assert 100 == reply(story.stay("R-3", **night(3), lines=lines(room="100.00")))["points"]["total"]


# --- other marks in another version -----------------------------------------------------------------------------------


class TwoVersions(Story):
    """Every fourth stay has a reward; from 10 May on every third."""

    rules = join(
        [
            (date(1970, 1, 1), Rulebook(decode(PROGRAM.replace('every = "3"', 'every = "4"')))),
            (date(2026, 5, 10), Rulebook(decode(changed(PROGRAM, version="2")))),
        ]
    )


def three_stays_of_which_the_last_has_other_marks() -> TwoVersions:
    story = TwoVersions()
    for number in (1, 2, 5):
        story.stay(f"R-{number}", **night(number))
    return story


@pytest.mark.parametrize("used", [False, True])
def test_what_is_lost_with_an_older_stay_comes_back_with_it_by_the_mark_that_gave_it(*, used: bool) -> None:
    story = three_stays_of_which_the_last_has_other_marks()
    if used:
        story.keep(decided(story.use(story.of("every_third")[0])))
    cancelled = reply(story.stay("R-1", **night(1), status="cancelled"))
    again = reply(story.stay("R-1", **night(1)))
    states = story.states("every_third")

    assert [("every_third", "revoked"), ("every_third", "granted")] == [
        (one["code"], one["status"]) for said in (cancelled, again) for one in said["milestones"]
    ]
    assert ([("album", "used")] if used else [("album", "revoked"), ("album", "issued")]) == states
    assert {"small@2"} == {one.program for one in story.of("every_third")}
    # It stands by that mark: a fourth stay that comes and goes changes nothing.
    story.stay("R-3", **night(3))
    story.stay("R-3", **night(3), status="cancelled")
    assert states == story.states("every_third")


def test_an_older_stay_gives_nothing_by_a_later_mark_that_nothing_was_lost_by() -> None:
    story = TwoVersions()
    for number in (2, 5, 1):
        story.stay(f"R-{number}", **night(number))

    assert [] == story.of("every_third")


# --- what the balance shows ---------------------------------------------------------------------------------------


def test_a_milestone_ahead_that_leaves_a_choice_shows_the_options_instead_of_a_reward() -> None:
    story = five_nights()
    shown = {one.code: one for one in balance.view(RULES, story.member, [], TODAY).milestones}

    assert (None, 2, ["spa", "points", "suite"]) == (
        shown["year_nights"].reward, shown["year_nights"].pick, [one.code for one in shown["year_nights"].options],
    )  # fmt: skip
    assert ({"en": "Album", "zh": "相册"}, 0, []) == (
        shown["every_third"].reward, shown["every_third"].pick, shown["every_third"].options,
    )  # fmt: skip


# --- a property ---------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(st.integers(1, 8), st.booleans(), st.booleans()), max_size=40))
def test_every_third_stay_has_one_reward_whatever_the_order_and_what_was_used_is_never_given_twice(
    story: list[tuple[int, bool, bool]],
) -> None:
    books, there, used = Story(), set[int](), set[int]()
    for place, stays, uses in story:
        if stays or place in there:
            books.stay(f"R-{place}", **night(place), status="checked_out" if stays else "cancelled")
            (there.add if stays else there.discard)(place)
        issued = [one for one in books.of("every_third") if one.status == "issued"]
        if uses and issued:
            books.keep(decided(books.use(issued[0])))
            used.add(issued[0].ordinal)
        alive = [one for one in books.of("every_third") if one.status != "revoked"]
        right = [one.ordinal for one in alive if one.status in {"issued", "used"}]

        assert list(range(1, len(there) // 3 + 1)) == sorted(right)
        assert used == {one.ordinal for one in alive if one.status in {"used", "flagged"}}
        assert books.member.available == books.stay_points() + 500 * (len(there) >= 2)
