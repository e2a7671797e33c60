"""Approve or reject what was proposed, as a second person: once, whoever asks at the same time.

Refusals, in this order: there is no such proposal; it was decided otherwise, or by another key; it is the caller's own;
and to approve: the member's account is closed; the member's cap of the year. What is refused stays open.
"""

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct, structs

from loyalty.commands.approval import Approval
from loyalty.commands.compensate import CompensationRequest, encode, give, told
from loyalty.commands.limits import check_cap
from loyalty.commands.model import Answer, Decision, Facts
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ids import UUID, parse, show
from loyalty.ledger.model import COMPENSATED, Member, Moment

Verdict = Literal["approved", "rejected"]

_request = msgspec.json.Decoder(CompensationRequest).decode


class Approve(Struct, frozen=True, gc=False):
    """A verdict on a proposal. `member_id` is who gets the points: another one, if the member was merged since."""

    approval_id: UUID
    member_id: UUID
    verdict: Verdict
    principal: UUID
    actor: str


class ApprovalView(Struct, frozen=True, gc=False):
    """A proposal, and what became of it: open, approved, rejected."""

    approval_id: str
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


class Decided(Struct, frozen=True, gc=False):
    """A verdict that stands: the proposal as it now is, and what to write for the member."""

    approval: Approval
    decision: Decision


def view(approval: Approval) -> ApprovalView:
    """Return a proposal as the API shows it."""
    request = _request(approval.request)
    return ApprovalView(
        show("apr", approval.approval_id), show("mem", approval.member_id), request.points, request.reason,
        request.note, request.stay_id, approval.status, approval.proposed_by, approval.proposed_at,
        approval.decided_by, approval.decided_at,
        show("jrn", approval.journal_id) if approval.journal_id else None,
    )  # fmt: skip


def decide(
    facts: Facts, approval: Approval | None, rules: Rulebook, command: Approve, moment: Moment
) -> Decided | Answer | Problem:
    """Decide on a proposal. The row of the member is locked, then that of the proposal."""
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
    return _approve(facts, member, approval, rules, command, moment)


def _approve(
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
    actor = f"{approval.proposed_by}, approved by {command.actor}"
    book, journal = give(facts, member, rules, request, stay_id, actor, moment)
    decided = _close(approval, command, moment, journal.journal_id, Decision(Answer(200, b""), book))
    decided.decision.events = [told(journal, decided.decision.answer.body)]
    return decided


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
