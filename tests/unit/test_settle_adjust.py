"""Disputes of a statement, resolved by an adjustment: within the limit at once, above it by a second person."""

from datetime import date
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from loyalty.commands import approve
from loyalty.commands.approve import Approve, Decided
from loyalty.commands.model import Answer, Facts
from loyalty.commands.settle_adjust import (
    Adjustable,
    Dispute,
    SettleAdjust,
    SettlementAdjusted,
    SettlementAdjustmentRequest,
    SettlementProposal,
    decide,
    proposed_in,
)
from loyalty.ledger.model import Member
from loyalty.partners.model import Contract, Partner
from loyalty.partners.statements import StatementStatus
from loyalty.program.model import Name
from tests.builders import MINT, PRINCIPAL, PROGRAM, changed, key, member, moment, refused, reply, small_rules

TODAY = date(2026, 6, 1)
LIMIT = 100
RULES = small_rules(changed(PROGRAM, adjustment=str(LIMIT)))
AIR = Partner(code="air", name=Name("Air", "航空"), contract=Contract("CNY", "0.02"))
SECOND = MINT(0)


def adjust(
    points: int = 0, money: str = "0", owner: Member | None = None, status: StatementStatus = "disputed",
    adjusted: int = 0,
) -> Any:  # fmt: skip
    owner = owner or member(available=5)
    about = Adjustable(owner.member_id, "F-1", "upgrade", "2026-03", 1, 2)
    request = SettlementAdjustmentRequest("as agreed", points, money, line=2)
    command = SettleAdjust(AIR, owner.member_id, about, request, "desk", key())
    return decide(Facts(owner), Dispute(status, adjusted), RULES, command, moment(TODAY))


@pytest.mark.parametrize(
    ("points", "debit", "credit"), [(7, "adjusted", "partner:air"), (-7, "partner:air", "adjusted")]
)
def test_an_adjustment_moves_points_between_accounts_of_the_program(
    points: int, debit: str, credit: str
) -> None:
    owner = member(available=5)
    done = adjust(points, "1.50", owner)
    [moved] = done.decision.book.transfers

    assert (debit, credit, 7, "settlement") == (moved.debit, moved.credit, moved.amount, moved.kind)
    assert 5 == owner.available == done.decision.book.journals[0].balance
    assert (points, 150, "CNY", 1, 2) == (
        done.adjustment.points, done.adjustment.money, done.adjustment.currency, done.adjustment.number,
        done.adjustment.line,
    )  # fmt: skip


def test_an_adjustment_of_money_alone_moves_no_points() -> None:
    assert [] == adjust(0, "-0.50").decision.book.transfers


@pytest.mark.parametrize(
    ("points", "money", "pointer"),
    [
        (0, "0", "/points"), (0, "0.00", "/points"), (1, "0.001", "/money"), (LIMIT + 1, "0.001", "/money"),
    ],
)  # fmt: skip
def test_an_adjustment_of_nothing_or_too_fine_is_refused(points: int, money: str, pointer: str) -> None:
    assert ("invalid_value", pointer) == refused(adjust(points, money))


def test_an_adjustment_is_about_something() -> None:
    request = SettlementAdjustmentRequest("as agreed", LIMIT + 1, line=2)
    command = SettleAdjust(AIR, None, None, request, "desk", key())

    assert ("unknown_line", "/line") == refused(decide(Facts(None), None, RULES, command, moment(TODAY)))


# --- Four eyes --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("points", [LIMIT, -LIMIT])
def test_up_to_the_limit_it_is_adjusted_at_once(points: int) -> None:
    result = adjust(points)
    assert isinstance(result, SettlementAdjusted)

    assert (201, "posted", None) == (
        result.decision.answer.status, reply(result.decision)["status"], reply(result.decision)["approval_id"],
    )  # fmt: skip
    assert key() == result.decision.key


@pytest.mark.parametrize("points", [LIMIT + 1, -LIMIT - 1])
def test_above_the_limit_it_is_only_proposed(points: int) -> None:
    result = adjust(points, "1.50", adjusted=3)
    assert isinstance(result, SettlementProposal)
    told, proposal = reply(result.decision), result.proposal
    proposed = proposed_in(proposal)

    assert result.decision.book is None
    assert [] == result.decision.events
    assert (202, "proposed", None, None) == (
        result.decision.answer.status, told["status"], told["journal_id"], told["effective_on"],
    )  # fmt: skip
    assert ("settlement_adjustment", "open", "desk", PRINCIPAL) == (
        proposal.kind, proposal.status, proposal.proposed_by, proposal.proposer,
    )  # fmt: skip
    assert ("AIR-2026-03-0001", 3, points, 150) == (
        proposed.statement, proposed.adjusted, proposed.agreed.points, proposed.agreed.money,
    )  # fmt: skip


@pytest.mark.parametrize("sign", ["", "-"])
def test_more_money_than_the_contract_pays_for_the_limit_is_only_proposed(sign: str) -> None:
    most = LIMIT * Decimal(AIR.contract.point_value)

    assert isinstance(adjust(0, f"{sign}{most:.2f}"), SettlementAdjusted)
    assert isinstance(adjust(0, f"{sign}{most + Decimal('0.01'):.2f}"), SettlementProposal)
    assert isinstance(adjust(1, f"{sign}{most + Decimal('0.01'):.2f}"), SettlementProposal)


def test_once_the_statement_is_settled_nothing_is_proposed() -> None:
    assert ("wrong_statement_status", "") == refused(adjust(LIMIT + 1, status="settled"))
    assert isinstance(adjust(LIMIT, status="settled"), SettlementAdjusted)


def judged(
    one: Any, verdict: Any = "approved", principal: Any = SECOND, status: StatementStatus = "disputed",
    adjusted: int = 0, owner: Member | None = None,
) -> Any:  # fmt: skip
    owner = owner or member(member_id=one.member_id)
    command = Approve(one.approval_id, owner.member_id, verdict, principal, "boss")
    return approve.decide(Facts(owner), one, Dispute(status, adjusted), RULES, command, moment(TODAY))


def test_what_a_second_person_grants_is_as_if_it_had_been_within_the_limit() -> None:
    owner = member(available=5)
    wide = small_rules()
    request = SettlementAdjustmentRequest("as agreed", LIMIT + 1, "1.50", line=2)
    about = Adjustable(owner.member_id, "F-1", "upgrade", "2026-03", 1, 2)
    command = SettleAdjust(AIR, owner.member_id, about, request, "desk, approved by boss", key())
    at_once: Any = decide(Facts(owner), Dispute("disputed", 0), wide, command, moment(TODAY))
    granted = judged(adjust(LIMIT + 1, "1.50", owner).proposal, owner=owner)
    assert isinstance(granted, Decided)

    assert rows(at_once) == rows(granted)
    assert "desk, approved by boss" == granted.decision.book.journals[0].actor
    assert granted.approval.journal_id == granted.decision.book.journals[0].journal_id
    assert ("approved", "settlement_adjustment") == (
        reply(granted.decision)["status"], reply(granted.decision)["kind"],
    )  # fmt: skip
    assert {
        "partner": "air", "statement": "AIR-2026-03-0001", "line": 2, "reference": "F-1",
        "money": {"amount": "1.50", "currency": "CNY"},
    } == reply(granted.decision)["settlement"]  # fmt: skip


def rows(done: Any) -> list[Any]:
    """Return what is written of an adjustment, without what differs from one to the next."""
    journal_id = done.adjustment.journal_id
    [event] = done.decision.events
    told = [msgspec.structs.asdict(one) for one in (done.adjustment, *done.decision.book.transfers)]
    payload = msgspec.json.decode(event.payload)
    assert f"jrn_{journal_id.bytes.hex()}" == payload.pop("journal_id")
    assert all(journal_id == one.pop("journal_id") for one in told)
    return [*told, event.type, payload, done.decision.book.journals[0].reason]


def test_a_second_person_turns_it_down() -> None:
    result = judged(adjust(LIMIT + 1).proposal, "rejected")
    assert isinstance(result, Decided)

    assert (None, None, []) == (result.decision.book, result.adjustment, result.decision.events)
    assert ("rejected", None) == (result.approval.status, result.approval.journal_id)


@pytest.mark.parametrize("verdict", ["approved", "rejected"])
def test_the_proposer_decides_nothing(verdict: str) -> None:
    assert ("own_proposal", "") == refused(judged(adjust(LIMIT + 1).proposal, verdict, PRINCIPAL))


def test_what_was_settled_or_adjusted_meanwhile_is_not_approved_but_can_be_rejected() -> None:
    proposal = adjust(LIMIT + 1, adjusted=1).proposal

    assert ("wrong_statement_status", "") == refused(judged(proposal, status="settled", adjusted=1))
    assert ("already_resolved", "") == refused(judged(proposal, adjusted=2))
    assert isinstance(judged(proposal, status="accepted", adjusted=1), Decided)
    assert isinstance(judged(proposal, "rejected", status="settled", adjusted=2), Decided)


def test_what_is_decided_stays_decided() -> None:
    first = judged(adjust(LIMIT + 1).proposal).approval
    again, other = judged(first, status="settled", adjusted=1), judged(first, "rejected")

    assert isinstance(again, Answer)
    assert (True, first.reply.encode()) == (again.replayed, again.body)
    assert ("already_decided", "") == refused(other)
