"""Recording a stay: the refusals in their order, then what is posted, revised, reversed, unchanged, superseded."""

from datetime import date
from typing import Any

import pytest
from msgspec import structs

from loyalty.commands.model import Elsewhere, Facts
from loyalty.commands.post_stay import PostStay, decide
from loyalty.ledger.model import Member
from loyalty.stays.model import Award, StayOnFile
from tests.builders import (
    MINT,
    PROGRAM,
    decided,
    facts_after,
    lines,
    member,
    moment,
    moves,
    post,
    refused,
    reply,
    small_rules,
)

RULES = small_rules()
NOW = moment(date(2026, 6, 1))


def run(facts: Facts, command: PostStay) -> Any:
    """Decide on what would be read: the same revision only where the posting names it."""
    if facts.stay is not None and command.posting.revision != facts.stay.revision:
        facts.stay = structs.replace(facts.stay, same_revision=None)
    return decide(facts, RULES, command, NOW)


def first(owner: Member | None = None, **fields: Any) -> Facts:
    """Return what is known after a first posting."""
    return facts_after(decided(run(Facts(owner or member()), post(**fields))), same=True)


def stay_of(other: Member, facts: Facts) -> StayOnFile:
    assert facts.stay is not None
    return structs.replace(facts.stay, member_id=other.member_id)


# --- refusals, in their order -------------------------------------------------------------------------------------


def test_an_unknown_member_is_refused_before_anything_else() -> None:
    facts = first()
    facts.member = None

    assert ("unknown_member", "/member") == refused(run(facts, post(revision=0, channel="web")))


def test_the_same_revision_with_other_content_is_refused_even_if_the_stay_is_another_member_s() -> None:
    facts = first()
    facts.stay = stay_of(member(number="T2"), facts)

    assert ("revision_conflict", "/revision") == refused(run(facts, post(revision=0, channel="web")))


def test_a_stay_of_another_member_is_refused_even_to_a_closed_account() -> None:
    facts = first()
    facts.stay = stay_of(member(number="T2"), facts)
    assert facts.member is not None
    facts.member.status = "closed"

    assert ("stay_of_another_member", "/member") == refused(run(facts, post(channel="web")))


def test_a_closed_account_takes_no_stay() -> None:
    facts = Facts(member(status="closed"))

    assert ("member_closed", "/member") == refused(run(facts, post()))


def test_a_closed_account_still_replays_and_still_notes_older_revisions() -> None:
    facts = first(revision=5)
    assert facts.member is not None
    facts.member.status = "closed"

    assert decided(run(facts, post(revision=5))).answer.replayed
    assert "superseded" == reply(run(facts, post(revision=4)))["outcome"]


def test_an_explicit_revision_for_another_member_asks_to_move_the_stay() -> None:
    facts = first()
    other = member(number="T2")
    facts.stay = stay_of(other, facts)

    assert Elsewhere(other.member_id) == run(facts, post(revision=1))


def test_after_the_highest_revision_there_is_one_more_without_a_number_and_then_none() -> None:
    last = facts_after(decided(run(first(revision=2_147_483_646), post(channel="web"))))

    assert last.stay is not None
    assert 2_147_483_647 == last.stay.revision
    assert ("invalid_value", "/revision") == refused(run(last, post(channel="app")))


# --- the first posting --------------------------------------------------------------------------------------------


def test_a_stay_is_posted_with_base_and_bonus_and_counts_apart() -> None:
    owner = member(counters={"2026": {"nights": 40}})
    decision = decided(run(Facts(owner), post(lines=lines(room="100.00", tax="9.00"))))

    assert [
        ("points", "base", "issued", "available", 100), ("points", "tier_bonus", "issued", "available", 25),
        ("nights", "count", "issued", "counted", 20), ("stays", "count", "issued", "counted", 1),
        ("spend", "count", "issued", "counted", 10_000),
    ] == moves(decision)  # fmt: skip
    assert 201 == decision.answer.status
    assert ["stay.posted"] == [event.type for event in decision.events]


def test_the_reply_says_all_that_came_of_it() -> None:
    owner = member(counters={"2026": {"nights": 20, "stays": 2}}, available=5)
    said = reply(run(Facts(owner), post(stay_ref="R-9")))

    assert ("posted", 0, 100, "2", "small@1") == (
        said["outcome"], said["revision"], said["change"], said["nights"], said["program"]
    )  # fmt: skip
    assert {"base": 100, "tier_bonus": 0, "promotion": 0, "total": 100} == said["points"]
    assert {"available": 105, "pending": 0, "held": 0, "debt": 0} == said["balance"]
    assert {"before": "silver", "after": "gold"} == said["tier"]
    assert [{"code": "every_third", "ordinal": 1, "status": "granted"}] == said["milestones"]
    assert ["category_eligible", "base"] == [one["code"] for one in said["why"]]


def test_a_tier_reached_and_a_milestone_passed_are_told_to_others() -> None:
    owner = member(counters={"2026": {"nights": 20, "stays": 2}})
    decision = decided(run(Facts(owner), post()))

    assert ["stay.posted", "tier.changed", "milestone.granted", "reward.granted"] == [
        event.type for event in decision.events
    ]
    assert [("every_third", 1, "granted")] == [
        (one.milestone, one.ordinal, one.status) for one in decision.grants
    ]


def test_the_stay_that_reaches_a_tier_is_not_yet_judged_by_it() -> None:
    owner = member(counters={"2026": {"nights": 30}})

    assert 0 == reply(run(Facts(owner), post()))["points"]["tier_bonus"]


def test_the_tier_is_that_of_the_day_of_arrival() -> None:
    owner = member(counters={"2024": {"nights": 40}})
    last_year = post(arrival=date(2025, 12, 31), departure=date(2026, 1, 1))
    this_year = post(arrival=date(2026, 1, 1), departure=date(2026, 1, 2))

    assert 25 == reply(run(Facts(structs.replace(owner)), last_year))["points"]["tier_bonus"]
    assert 0 == reply(run(Facts(structs.replace(owner)), this_year))["points"]["tier_bonus"]


def test_points_are_earned_on_the_day_of_departure_and_expire_by_the_program() -> None:
    book = decided(run(Facts(member()), post())).book

    assert book is not None
    assert [(date(2026, 5, 3), date(2026, 8, 3))] == [
        (lot.earned_on, lot.expires_on) for lot in book.new_lots
    ]
    assert {date(2026, 5, 3)} == {one.effective_on for one in book.transfers}


@pytest.mark.parametrize("status", ["cancelled", "no_show"])
def test_a_first_posting_of_a_stay_that_never_was_is_kept_and_moves_nothing(status: str) -> None:
    decision = decided(run(Facts(member()), post(status=status)))
    said = reply(decision)

    assert ("unchanged", 0, "0") == (said["outcome"], said["change"], said["nights"])
    assert [{"code": "not_checked_out", "status": status}] == said["why"]
    assert [] == moves(decision)
    assert decision.revision is not None
    assert decision.entry is not None


def test_an_excluded_channel_earns_nothing_but_may_count_nights() -> None:
    decision = decided(run(Facts(member()), post(channel="ota", rate_code="BAR")))

    assert [("nights", "count", "issued", "counted", 20)] == moves(decision)
    assert [{"code": "channel_excluded", "channel": "ota", "rate_code": "BAR"}] == reply(decision)["why"]


def test_an_excluded_rate_earns_and_counts_nothing_and_is_posted_all_the_same() -> None:
    decision = decided(run(Facts(member()), post(rate_code="STAFF1")))

    assert [] == moves(decision)
    assert "posted" == reply(decision)["outcome"]


def test_a_day_use_earns_but_is_no_stay_unless_the_program_says_so() -> None:
    day = {"arrival": date(2026, 5, 3), "departure": date(2026, 5, 3)}
    lenient = small_rules(PROGRAM + "\n[counting]\nday_use_is_stay = true\n")
    stays = [
        {one[0] for one in moves(decided(decide(Facts(member()), rules, post(**day), NOW)))}
        for rules in (RULES, lenient)
    ]

    assert [{"points", "spend"}, {"points", "spend", "stays"}] == stays


def test_another_currency_is_exchanged_category_by_category() -> None:
    said = reply(run(Facts(member()), post(currency="JPY", lines=lines(room="10001", tax="500"))))

    # 10,001 yen are 470.047 yuan.
    assert 470 == said["points"]["base"]
    assert {"category": "room", "amount": "470.04"}.items() <= said["why"][1].items()


def test_the_member_may_be_named_by_id_and_is_kept_by_number() -> None:
    decision = decided(run(Facts(member()), post(member="mem_" + "0" * 32)))

    assert b'"member":"T1"' in decision.revision.snapshot


# --- the same again, and newer ------------------------------------------------------------------------------------


def test_the_same_content_again_is_answered_byte_for_byte_with_or_without_its_revision() -> None:
    facts = first(revision=0)
    assert facts.stay is not None
    again = [decided(run(facts, post(revision=number))).answer for number in (0, None)]

    assert [(200, facts.stay.reply, True)] * 2 == [(one.status, one.body, one.replayed) for one in again]


def test_without_a_revision_other_content_is_the_next_revision() -> None:
    said = reply(run(first(revision=7), post(lines=lines(room="130.00"))))

    assert ("revised", 8, 30) == (said["outcome"], said["revision"], said["change"])


def test_a_revision_upwards_posts_the_difference_as_a_new_lot() -> None:
    decision = decided(run(first(), post(lines=lines(room="130.00"), revision=1)))

    assert [
        ("points", "base", "issued", "available", 30),
        ("spend", "count", "issued", "counted", 3_000),
    ] == moves(decision)
    assert decision.book is not None
    assert [30] == [lot.amount for lot in decision.book.new_lots]
    assert decision.entry is None


def test_a_revision_downwards_takes_the_difference_from_the_stay_s_own_lot() -> None:
    facts = first()
    decision = decided(run(facts, post(lines=lines(room="40.00"), revision=1)))

    assert decision.book is not None
    assert [("reversal", facts.lots[0].lot_id, 60)] == [
        (one.kind, one.lot_id, one.amount) for one in decision.book.allocations
    ]
    assert {"available": 40, "pending": 0, "held": 0, "debt": 0} == reply(decision)["balance"]


def test_a_revision_of_the_dates_posts_all_anew_on_its_own_day() -> None:
    decision = decided(run(first(), post(departure=date(2026, 5, 2), revision=1)))

    assert decision.book is not None
    points = [one for one in decision.book.transfers if one.unit == "points"]
    assert [(date(2026, 5, 3), "issued", 100), (date(2026, 5, 2), "available", 100)] == [
        (one.effective_on, one.credit, one.amount) for one in points
    ]
    assert [date(2026, 8, 2)] == [lot.expires_on for lot in decision.book.new_lots]
    assert {"2026": {"nights": 10, "stays": 1, "spend": 10_000}} == decision.book.member.counters


@pytest.mark.parametrize("status", ["cancelled", "no_show"])
def test_a_cancellation_reverses_all_that_was_posted(status: str) -> None:
    decision = decided(run(first(), post(status=status)))
    said = reply(decision)

    assert ("reversed", -100, 0) == (said["outcome"], said["change"], said["balance"]["available"])
    assert decision.book is not None
    assert {} == decision.book.member.counters


def test_a_cancelled_stay_that_took_place_after_all_is_revised_back() -> None:
    cancelled = facts_after(decided(run(first(), post(status="cancelled"))))
    said = reply(run(cancelled, post(revision=9)))

    assert ("revised", 9, 100) == (said["outcome"], said["revision"], said["change"])


def test_a_revision_that_changes_no_worth_is_kept_and_moves_nothing() -> None:
    decision = decided(run(first(), post(room_type="DLX", revision=4)))
    said = reply(decision)

    assert ("unchanged", 4, 0, 100) == (
        said["outcome"], said["revision"], said["change"], said["points"]["total"]
    )  # fmt: skip
    assert [] == moves(decision)
    assert decision.revision is not None
    assert 4 == decision.revision.revision
    assert decision.revision.journal_id is None


def test_a_stay_keeps_the_tier_it_was_first_judged_by() -> None:
    facts = first()
    assert facts.member is not None
    facts.member.counters = {"2026": {"nights": 900, "stays": 30, "spend": 10_000}}
    said = reply(run(facts, post(lines=lines(room="200.00"), revision=1)))

    assert {"base": 200, "tier_bonus": 0, "promotion": 0, "total": 200} == said["points"]


def test_an_older_revision_is_kept_and_changes_nothing() -> None:
    facts = first(revision=5)
    decision = decided(run(facts, post(revision=2, lines=lines(room="900.00"))))
    said = reply(decision)

    assert ("superseded", 2, 0, 100) == (
        said["outcome"],
        said["revision"],
        said["change"],
        said["points"]["total"],
    )
    assert [{"code": "superseded", "revision": 5}] == said["why"]
    assert decision.book is None


def test_what_is_due_by_now_is_left_out_of_the_balance_that_answers_an_older_revision() -> None:
    facts = first(revision=5)
    facts.stay = structs.replace(facts.stay, same_revision=None)
    said = reply(decide(facts, RULES, post(revision=2), moment(date(2026, 8, 3))))

    assert {"available": 0, "pending": 0, "held": 0, "debt": 0} == said["balance"]


def test_a_posting_expires_what_is_due_on_the_way() -> None:
    facts = first()
    decision = decided(
        decide(Facts(facts.member, lots=facts.lots), RULES, post(stay_ref="R-2"), moment(date(2026, 8, 3)))
    )

    assert decision.book is not None
    assert ["expired", "stay_posted", "expired"] == [one.kind for one in decision.book.journals]


def test_an_award_of_another_program_version_is_judged_anew() -> None:
    facts = first()
    assert facts.stay is not None
    facts.stay = structs.replace(
        facts.stay,
        award=Award("bronze", "old@1", date(2026, 5, 3), date(2026, 8, 3), base=70),
        same_revision=None,
    )
    said = reply(run(facts, post(room_type="DLX", revision=1)))

    assert ("small@1", 30) == (said["program"], said["change"])


def test_ids_of_what_is_new_end_in_the_member_s_shard() -> None:
    owner = member(shard=3, member_id=MINT(3))
    decision = decided(run(Facts(owner), post()))

    assert decision.book is not None
    assert {b"\x00\x03"} == {
        one.bytes[-2:] for one in (decision.revision.stay_id, decision.book.journals[0].journal_id)
    }
