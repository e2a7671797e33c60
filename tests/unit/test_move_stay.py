"""A stay that moves to another member: two linked journals, and an account in between that ends at zero."""

from collections import Counter
from datetime import date
from typing import Any

import msgspec

from loyalty.commands.model import Decision, Facts, Move
from loyalty.commands.move_stay import decide_move
from loyalty.commands.post_stay import decide
from loyalty.errors import Problem
from loyalty.ledger.model import Member
from tests.builders import (
    MINT,
    decided,
    facts_after,
    lines,
    member,
    moment,
    post,
    refused,
    reply,
    small_rules,
)

RULES = small_rules()
NOW = moment(date(2026, 6, 1))


def two(**taker: Any) -> tuple[Facts, Facts]:
    """Return the facts of T1, who has the stay R-1 at revision 3 for 100 points, and of T2, who claims it."""
    giver = member(shard=0, member_id=MINT(0))
    leaving = facts_after(decided(decide(Facts(giver), RULES, post(revision=3), NOW)))
    joining = Facts(member(**{"number": "T2", "shard": 1, "member_id": MINT(1)} | taker), leaving.stay)
    return leaving, joining


def move(leaving: Facts, joining: Facts, **fields: Any) -> Any:
    return decide_move(leaving, joining, RULES, post(**{"member": "T2", "revision": 4} | fields), NOW)


def parts(result: object) -> tuple[Decision, Decision]:
    assert isinstance(result, Move)
    (_, giving), (_, taking) = result.parts
    return giving, taking


# --- refusals and what is no move ---------------------------------------------------------------------------------


def test_what_a_plain_posting_is_refused_for_a_move_is_refused_for_too() -> None:
    leaving, joining = two()

    assert ("stay_of_another_member", "/member") == refused(move(leaving, joining, revision=None))
    joining.member = None
    assert ("unknown_member", "/member") == refused(move(leaving, joining))


def test_a_closed_account_takes_no_stay_over_but_may_give_one_away() -> None:
    leaving, joining = two(status="closed")

    assert ("member_closed", "/member") == refused(move(leaving, joining))
    leaving, joining = two()
    assert isinstance(leaving.member, Member)
    leaving.member.status = "closed"
    assert isinstance(move(leaving, joining), Move)


def test_an_older_revision_for_another_member_is_kept_where_the_stay_is_and_moves_nothing() -> None:
    leaving, joining = two()
    result = move(leaving, joining, revision=2)

    assert isinstance(result, Move)
    [(shard, older)] = result.parts
    assert (0, "superseded", None) == (shard, reply(result.answer)["outcome"], older.book)
    assert leaving.stay is not None
    assert older.revision is not None
    assert leaving.stay.stay_id == older.revision.stay_id


def test_a_stay_that_has_meanwhile_come_to_the_member_is_simply_revised() -> None:
    leaving, joining = two()
    own = facts_after(decided(decide(Facts(joining.member), RULES, post(member="T2", revision=3), NOW)))

    assert "revised" == reply(move(leaving, own, lines=lines(room="150.00")))["outcome"]


def test_a_stay_that_has_meanwhile_gone_to_a_third_is_looked_for_there() -> None:
    leaving, joining = two()
    third = member(number="T3")
    leaving.member = third
    result = move(leaving, joining)

    assert not isinstance(result, (Move, Problem, Decision))
    assert result.member_id != third.member_id


# --- the move -----------------------------------------------------------------------------------------------------


def test_a_move_takes_all_from_one_and_gives_it_to_the_other() -> None:
    leaving, joining = two()
    result = move(leaving, joining)

    assert leaving.member is not None
    assert joining.member is not None
    assert (0, {}) == (leaving.member.available, leaving.member.counters)
    assert (100, {"2026": {"nights": 20, "stays": 1, "spend": 10_000}}) == (
        joining.member.available, joining.member.counters
    )  # fmt: skip
    assert ("revised", 4, 100) == tuple(
        reply(result.answer)[field] for field in ("outcome", "revision", "change")
    )


def test_the_two_journals_name_each_other_and_what_is_in_transit_sums_to_zero() -> None:
    giving, taking = parts(move(*two()))

    assert giving.book is not None
    assert taking.book is not None
    [out], [in_] = giving.book.journals, taking.book.journals
    assert ("stay_moved_out", "stay_moved_in") == (out.kind, in_.kind)
    assert (in_.journal_id, out.journal_id) == (out.linked_id, in_.linked_id)
    transit: Counter[str] = Counter()
    for one in (*giving.book.transfers, *taking.book.transfers):
        transit[one.unit] += one.amount * ((one.credit == "transit") - (one.debit == "transit"))
    assert {"points", "nights", "stays", "spend"} == set(transit)
    assert not any(transit.values())


def test_the_stay_is_judged_anew_by_the_tier_of_its_new_member() -> None:
    result = move(*two(counters={"2026": {"nights": 40}}))

    assert {"base": 100, "tier_bonus": 25, "promotion": 0, "total": 125} == reply(result.answer)["points"]


def test_the_stay_goes_on_under_a_new_id_in_the_new_member_s_shard() -> None:
    leaving, joining = two()
    giving, taking = parts(move(leaving, joining))

    assert leaving.stay is not None
    assert taking.entry is not None
    assert leaving.stay.stay_id == taking.entry.left == giving.revision.stay_id
    assert "moved" == giving.revision.outcome
    assert b"\x00\x01" == taking.entry.stay_id.bytes[-2:]
    assert b'"member":"T2"' in taking.revision.snapshot


def test_what_the_giver_has_already_spent_becomes_its_debt() -> None:
    leaving, joining = two()
    assert leaving.member is not None
    leaving.member.available = 30
    leaving.lots[0].remaining = 30
    move(leaving, joining)

    assert (-70, 70) == (leaving.member.available, leaving.member.debt)


def test_milestones_go_with_the_stay() -> None:
    leaving, joining = two(counters={"2026": {"nights": 40, "stays": 2}})
    assert leaving.member is not None
    leaving.member.counters = {"2026": {"nights": 50, "stays": 3, "spend": 10_000}}
    leaving.rewards = []
    giving, taking = parts(move(leaving, joining))

    assert [("every_third", 1, "revoked")] == [
        (one.milestone, one.ordinal, one.status) for one in giving.grants
    ]
    assert [("every_third", 1, "granted")] == [
        (one.milestone, one.ordinal, one.status) for one in taking.grants
    ]


def test_a_stay_may_move_and_be_cancelled_in_one_posting() -> None:
    leaving, joining = two()
    result = move(leaving, joining, status="cancelled")

    assert leaving.member is not None
    assert joining.member is not None
    assert ("reversed", 0, 0) == (
        reply(result.answer)["outcome"], leaving.member.available, joining.member.available
    )  # fmt: skip


def test_a_stay_that_stood_for_nothing_moves_without_moving_anything() -> None:
    leaving, joining = two()
    nothing = decided(decide(Facts(member()), RULES, post(status="cancelled", revision=3), NOW))
    leaving = facts_after(nothing)
    joining.stay = leaving.stay
    giving, taking = parts(move(leaving, joining, status="no_show"))

    assert giving.book is not None
    assert taking.book is not None
    assert "unchanged" == reply(taking)["outcome"]
    assert [] == giving.book.transfers == taking.book.transfers


def test_both_are_told_of_and_the_reply_is_kept_on_both_sides() -> None:
    giving, taking = parts(move(*two()))

    assert (["stay.moved"], ["stay.revised"]) == (
        [one.type for one in giving.events], [one.type for one in taking.events]
    )  # fmt: skip
    assert -100 == msgspec.json.decode(giving.events[0].payload)["change"]
    assert taking.answer.body == giving.revision.reply == taking.revision.reply
