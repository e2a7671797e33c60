"""Points after a complaint: which reasons, how many, and when a second person has to agree."""

from datetime import UTC, date, datetime
from typing import Any

import msgspec
import pytest

from loyalty.commands import approve
from loyalty.commands.approval import Approval
from loyalty.commands.approve import Approve, Decided
from loyalty.commands.compensate import (
    Circumstances,
    Compensate,
    Compensation,
    CompensationRequest,
    decide,
)
from loyalty.commands.limits import counted
from loyalty.commands.model import Answer, Facts
from tests.builders import MINT, PRINCIPAL, PROGRAM, key, member, moment, moves, refused, reply, small_rules

TODAY = date(2026, 6, 1)
TERMS = """
[compensation]
approval_above = 100
agent_a_day = 300
member_a_year = 250

[compensation.reasons]
noise = { en = "Noise", zh = "噪音" }
room = { en = "Room", zh = "客房" }
"""
RULES = small_rules(PROGRAM + TERMS)
SECOND = MINT(0)
STAY = "sty_" + MINT(0).bytes.hex()


def ask(points: int, reason: str = "noise", stay: str | None = None) -> Compensate:
    request = CompensationRequest("T1", points, reason, "a drill", stay)
    return Compensate(None, MINT(0) if stay else None, request, "desk", key())


NOTHING_ELSE = Circumstances()


def asked(points: int, around: Circumstances = NOTHING_ELSE, **fields: Any) -> Any:
    return decide(Facts(member(**fields)), around, RULES, ask(points), moment(TODAY))


def test_up_to_the_limit_it_is_given_at_once() -> None:
    result = asked(100)
    assert isinstance(result, Compensation)

    assert result.proposal is None
    assert [
        ("points", "compensation", "goodwill", "available", 100),
        ("compensated", "count", "issued", "counted", 100),
    ] == moves(result.decision)
    assert ("posted", 201) == (reply(result.decision)["status"], result.decision.answer.status)
    assert "noise: a drill" == result.decision.book.journals[0].reason
    assert date(2026, 9, 1) == result.decision.book.new_lots[0].expires_on


def test_above_the_limit_it_is_only_proposed() -> None:
    result = asked(101)
    assert isinstance(result, Compensation)

    assert result.decision.book is None
    assert ("proposed", 202) == (reply(result.decision)["status"], result.decision.answer.status)
    assert result.proposal is not None
    assert ("open", "desk", PRINCIPAL) == (
        result.proposal.status, result.proposal.proposed_by, result.proposal.proposer,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("points", "around", "fields", "expected"),
    [
        (50, Circumstances(None, 251), {}, ("limit_reached", "/points")),
        (150, Circumstances(None, 151), {}, ("limit_reached", "/points")),
        (50, Circumstances(), {"counters": {"2026": {"compensated": 201}}}, ("limit_reached", "/points")),
        (150, Circumstances(), {"counters": {"2026": {"compensated": 101}}}, ("limit_reached", "/points")),
        (50, Circumstances(), {"status": "closed"}, ("member_closed", "/member")),
    ],
)
def test_beyond_a_cap_nothing_is_given_nor_proposed(
    points: int, around: Circumstances, fields: dict[str, Any], expected: tuple[str, str]
) -> None:
    assert expected == refused(asked(points, around, **fields))


def test_what_just_meets_both_caps_is_given() -> None:
    result = asked(50, Circumstances(None, 250), counters={"2026": {"compensated": 200}})
    assert isinstance(result, Compensation)
    assert result.decision.book is not None

    assert 250 == counted(result.decision.book.member, "compensated", 2026)


def test_only_the_reasons_of_the_program_are_reasons() -> None:
    facts = Facts(member())
    odd = decide(facts, Circumstances(), RULES, ask(50, "weather"), moment(TODAY))
    none = decide(facts, Circumstances(), small_rules(), ask(50), moment(TODAY))

    assert ("invalid_value", "/reason") == refused(odd)
    assert ("not_offered", "") == refused(none)


def test_a_stay_has_to_be_the_members_own() -> None:
    owner = member()
    command = ask(50, stay=STAY)
    other = decide(Facts(owner), Circumstances(MINT(0)), RULES, command, moment(TODAY))
    own = decide(Facts(owner), Circumstances(owner.member_id), RULES, command, moment(TODAY))
    assert isinstance(own, Compensation)
    assert own.decision.book is not None

    assert ("unknown_stay", "/stay_id") == refused(other)
    assert command.stay_id == own.decision.book.journals[0].stay_id


def test_nobody_unknown_is_compensated() -> None:
    assert ("unknown_member", "/member") == refused(
        decide(Facts(None), Circumstances(), RULES, ask(50), moment(TODAY))
    )


# --- Four eyes -------------------------------------------------------------------------------------------------------


def proposal(**fields: Any) -> Approval:
    owner = fields.pop("owner", None) or member()
    request = msgspec.json.encode(CompensationRequest("T1", 150, "noise")).decode()
    at = datetime(2026, 6, 1, tzinfo=UTC)
    made = Approval(owner.shard, MINT(0), owner.member_id, request, PRINCIPAL, "desk", at)
    return msgspec.structs.replace(made, **fields)


def judged(one: Approval | None, verdict: Any = "approved", principal: Any = SECOND, **fields: Any) -> Any:
    owner = member(member_id=one.member_id if one else MINT(0), **fields)
    command = Approve(MINT(0), owner.member_id, verdict, principal, "boss")
    return approve.decide(Facts(owner), one, None, RULES, command, moment(TODAY))


def test_a_second_person_makes_it_happen() -> None:
    result = judged(proposal())
    assert isinstance(result, Decided)

    assert ("points", "compensation", "goodwill", "available", 150) == moves(result.decision)[0]
    assert ("approved", "boss", SECOND) == (
        result.approval.status, result.approval.decided_by, result.approval.decider,
    )  # fmt: skip
    assert result.decision.book.journals[0].journal_id == result.approval.journal_id
    assert "desk, approved by boss" == result.decision.book.journals[0].actor
    assert "approved" == reply(result.decision)["status"]


def test_a_second_person_turns_it_down() -> None:
    result = judged(proposal(), "rejected")
    assert isinstance(result, Decided)

    assert result.decision.book is None
    assert ("rejected", None) == (result.approval.status, result.approval.journal_id)


@pytest.mark.parametrize("verdict", ["approved", "rejected"])
def test_the_proposer_decides_nothing(verdict: str) -> None:
    assert ("own_proposal", "") == refused(judged(proposal(), verdict, PRINCIPAL))


def test_what_is_decided_stays_decided() -> None:
    first = judged(proposal()).approval
    again, other, late = judged(first), judged(first, "rejected"), judged(first, principal=MINT(0))

    assert isinstance(again, Answer)
    assert (True, first.reply.encode()) == (again.replayed, again.body)
    assert ("already_decided", "") == refused(other) == refused(late)


def test_the_members_cap_and_account_are_looked_at_again() -> None:
    assert ("limit_reached", "") == refused(judged(proposal(), counters={"2026": {"compensated": 101}}))
    assert ("member_closed", "") == refused(judged(proposal(), status="closed"))
    assert isinstance(judged(proposal(), "rejected", status="closed"), Decided)


def test_there_is_nothing_to_decide_on_where_nothing_was_proposed() -> None:
    assert ("unknown_approval", "") == refused(judged(None))
