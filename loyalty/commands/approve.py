"""Approve or reject what was proposed, as a second person: once, whoever asks at the same time.

Refusals, in this order: there is no such proposal; it was decided otherwise, or by another key; it is the caller's own;
and to approve compensation: the member's account is closed; the member's cap of the year; to approve an adjustment of
settlement: the statement is settled; the dispute was resolved otherwise. What is refused stays open.
"""

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct, structs

from loyalty.commands import settle_adjust
from loyalty.commands.approval import Approval, Kind
from loyalty.commands.compensate import CompensationRequest, encode, give, told
from loyalty.commands.limits import check_cap
from loyalty.commands.model import Answer, Decision, Facts
from loyalty.commands.price import Payment
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.settle_adjust import Dispute, Proposed, SettlementAdjustment
from loyalty.errors import Problem
from loyalty.ids import UUID, parse, show
from loyalty.ledger.model import COMPENSATED, Member, Moment

Verdict = Literal["approved", "rejected"]

_request = msgspec.json.Decoder(CompensationRequest).decode


class Approve(Struct, frozen=True, gc=False):
    """A verdict on a proposal. `member_id` is in whose book it is posted: another's, if the member was merged since."""

    approval_id: UUID
    member_id: UUID
    verdict: Verdict
    principal: UUID
    actor: str


class DisputedView(Struct, frozen=True, gc=False):
    """What an adjustment of settlement is about: the statement, its line or none, and the money owed besides points."""

    partner: str
    statement: str
    line: int | None
    reference: str
    money: Payment


class ApprovalView(Struct, frozen=True, gc=False):
    """A proposal, and what became of it: open, approved, rejected. `settlement` is for adjustments of settlement."""

    approval_id: str
    kind: Kind
    member_id: str
    points: int
    reason: str
    note: str | None
    stay_id: str | None
    status: str
    proposed_by: str
    proposed_at: datetime
    decided_by: str | None
    decided_at: datetime | None
    journal_id: str | None
    settlement: DisputedView | None


class Decided(Struct, frozen=True, gc=False):
    """A verdict that stands: the proposal as it now is, and what to write for the member and for the partner."""

    approval: Approval
    decision: Decision
    adjustment: SettlementAdjustment | None = None


def view(approval: Approval) -> ApprovalView:
    """Return a proposal as the API shows it."""
    if approval.kind == "compensation":
        asked = _request(approval.request)
        return _view(approval, asked.points, asked.reason, asked.note, asked.stay_id)
    proposed = settle_adjust.proposed_in(approval)
    return _view(approval, proposed.agreed.points, proposed.agreed.reason, settlement=_disputed(proposed))


def _view(
    approval: Approval, points: int, reason: str, note: str | None = None, stay_id: str | None = None,
    settlement: DisputedView | None = None,
) -> ApprovalView:  # fmt: skip
    return ApprovalView(
        show("apr", approval.approval_id), approval.kind, show("mem", approval.member_id), points, reason, note,
        stay_id, approval.status, approval.proposed_by, approval.proposed_at, approval.decided_by, approval.decided_at,
        show("jrn", approval.journal_id) if approval.journal_id else None, settlement,
    )  # fmt: skip


def _disputed(proposed: Proposed) -> DisputedView:
    agreed = proposed.agreed
    money = settle_adjust.owed(agreed)
    return DisputedView(agreed.partner, proposed.statement, agreed.line, agreed.reference, money)


def decide(
    facts: Facts, approval: Approval | None, dispute: Dispute | None, rules: Rulebook, command: Approve,
    moment: Moment,
) -> Decided | Answer | Problem:  # fmt: skip
    """Decide on a proposal. The row of the member is locked, then that of the proposal, then what it disputes."""
    member = facts.member
    if approval is None or member is None:
        return Problem("unknown_approval")
    if approval.status != "open":
        if (approval.status, approval.decider) == (command.verdict, command.principal) and approval.reply:
            return Answer(200, approval.reply.encode(), replayed=True)
        return Problem("already_decided", f"It was {approval.status} by {approval.decided_by}.")
    if approval.proposer == command.principal:
        return Problem("own_proposal")
    if command.verdict == "rejected":
        return _close(approval, command, moment, None, Decision(Answer(200, b"")))
    if dispute is not None:
        return _adjust(facts, member, approval, dispute, command, moment)
    return _compensate(facts, member, approval, rules, command, moment)


def _compensate(
    facts: Facts, member: Member, approval: Approval, rules: Rulebook, command: Approve, moment: Moment
) -> Decided | Problem:
    request, terms = _request(approval.request), rules.at(moment.today).definition.compensation
    if member.status != "active":
        return Problem("member_closed")
    refusal = check_cap(member, COMPENSATED, terms.member_a_year, request.points, moment.today)
    if refusal is not None:
        return Problem(refusal.code, refusal.detail)
    # From here it is given.
    stay_id = (
        parse("sty", request.stay_id) if request.stay_id and member.member_id == approval.member_id else None
    )
    book, journal = give(facts, member, rules, request, stay_id, _both(approval, command), moment)
    decided = _close(approval, command, moment, journal.journal_id, Decision(Answer(200, b""), book))
    decided.decision.events = [told(journal, decided.decision.answer.body)]
    return decided


def _adjust(
    facts: Facts, member: Member, approval: Approval, dispute: Dispute, command: Approve, moment: Moment
) -> Decided | Problem:
    proposed = settle_adjust.proposed_in(approval)
    refusal = settle_adjust.check_dispute(proposed, dispute)
    if refusal is not None:
        return refusal
    # From here it is adjusted.
    done = settle_adjust.post(facts, member, proposed.agreed, _both(approval, command), moment)
    decided = _close(approval, command, moment, done.adjustment.journal_id, done.decision)
    return structs.replace(decided, adjustment=done.adjustment)


def _both(approval: Approval, command: Approve) -> str:
    return f"{approval.proposed_by}, approved by {command.actor}"


def _close(
    approval: Approval, command: Approve, moment: Moment, journal_id: UUID | None, decision: Decision
) -> Decided:
    approval = structs.replace(
        approval, status=command.verdict, decider=command.principal, decided_by=command.actor, decided_at=moment.at,
        journal_id=journal_id,
    )  # fmt: skip
    reply = encode(view(approval))
    approval.reply = reply.decode()
    decision.answer = Answer(200, reply)
    return Decided(approval, decision)
