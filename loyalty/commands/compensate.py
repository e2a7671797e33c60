"""Give points after a complaint; above the program's limit only propose them, for a second person to approve.

Refusals, in this order: the key was used with another request; the member is unknown; the key's own person; the account
is closed; the program has no compensation; it has no such reason; the stay isn't the member's; the member's cap of the
year; the agent's cap of the day.

What an agent (an API key) proposes counts for that day's cap like what it gives, whatever becomes of it.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from loyalty.commands.adjust import Note
from loyalty.commands.approval import Approval, propose
from loyalty.commands.limits import check_cap
from loyalty.commands.model import Answer, Balance, Decision, Facts, Key, balance_of, replay
from loyalty.commands.own import refuse_gain
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.transfer import SomePoints
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import UUID, show
from loyalty.ledger.model import COMPENSATED, GOODWILL, Journal, Member, Moment
from loyalty.ledger.rules import Book
from loyalty.program.model import Compensation as Terms
from loyalty.program.model import Identifier
from loyalty.stays.model import MemberKey

StayId = Annotated[
    str,
    Meta(
        pattern=r"^sty_[0-9a-f]{32}$(?!\n)", description="A stay id (`sty_…`), from the reply to a posting."
    ),
]

encode: Final = msgspec.json.Encoder().encode


class CompensationRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Give points for what went wrong, for one of the program's reasons; perhaps during a stay."""

    member: MemberKey
    points: SomePoints
    reason: Identifier
    note: Note | None = None
    stay_id: StayId | None = None


class Compensate(Struct, frozen=True, gc=False):
    """A compensation that is well-formed. `member_id` is None when there is no such member.

    `person` is who holds the caller's key, if that is known.
    """

    member_id: UUID | None
    stay_id: UUID | None
    request: CompensationRequest
    actor: str
    key: Key
    person: UUID | None = None


class Circumstances(Struct, frozen=True, gc=False):
    """What else has to be known: whose the stay is, and what the agent gave and proposed today."""

    stay_of: UUID | None = None
    given_today: int = 0


class CompensationReply(Struct, frozen=True, gc=False):
    """What a compensation came to: `posted`, or `proposed` for a second person to approve."""

    status: str
    approval_id: str | None
    journal_id: str | None
    member_id: str
    points: int
    reason: str
    balance: Balance


class Compensation(Struct, frozen=True, gc=False):
    """A compensation that isn't refused: what to write, and the proposal if it has to be approved."""

    decision: Decision
    proposal: Approval | None = None


def decide(
    facts: Facts, around: Circumstances, rules: Rulebook, command: Compensate, moment: Moment
) -> Compensation | Decision | Problem:
    """Decide what a compensation comes to. The row of the member is locked, and that of the agent's day."""
    known = replay(facts.prior, command.key)
    if known is not None:
        return known
    member, request, terms = facts.member, command.request, rules.at(moment.today).definition.compensation
    if member is None:
        return Problem("unknown_member", at="/member")
    refusal = refuse_gain(member, command.person, "/member") or _refuse(
        member, around, terms, command, moment
    )
    if refusal is not None:
        return refusal
    # From here it is given, or proposed.
    if terms.approval_above is not None and request.points > terms.approval_above:
        return _propose(facts, member, command, moment)
    book, journal = give(facts, member, rules, request, command.stay_id, command.actor, moment)
    reply = _reply("posted", None, journal, member, request)
    return Compensation(Decision(Answer(201, reply), book, events=[told(journal, reply)], key=command.key))


def _refuse(
    member: Member, around: Circumstances, terms: Terms, command: Compensate, moment: Moment
) -> Problem | None:
    request = command.request
    if member.status != "active":
        return Problem("member_closed", at="/member")
    if not terms.reasons:
        return Problem("not_offered", "The program names no reasons for compensation.")
    if request.reason not in terms.reasons:
        known_reasons = ", ".join(terms.reasons)
        return Problem("invalid_value", f"Expected one of: {known_reasons}.", at="/reason")
    if command.stay_id is not None and around.stay_of != member.member_id:
        return Problem("unknown_stay", "The member has no such stay.", at="/stay_id")
    refusal = check_cap(member, COMPENSATED, terms.member_a_year, request.points, moment.today)
    if refusal is not None:
        return refusal
    if terms.agent_a_day is not None and around.given_today + request.points > terms.agent_a_day:
        left = max(0, terms.agent_a_day - around.given_today)
        return Problem(
            "limit_reached",
            f"At most {terms.agent_a_day} points a day for each key; {left} are left today.",
            at="/points",
        )
    return None


def give(
    facts: Facts, member: Member, rules: Rulebook, request: CompensationRequest, stay_id: UUID | None, actor: str,
    moment: Moment,
) -> tuple[Book, Journal]:  # fmt: skip
    """Post a compensation that nothing stands against."""
    book = Book(member, moment, actor, facts.lots, facts.following)
    reason = f"{request.reason}: {request.note}" if request.note else request.reason
    journal = book.journal("compensated", moment.today, reason, stay_id)
    book.points("compensation", request.points, moment.today, GOODWILL)
    book.act(moment.today, "adjustment")
    book.earn(request.points, rules.expires_today(book.member, moment.today))
    book.count(COMPENSATED, request.points, moment.today)
    book.close()
    return book, journal


def _propose(facts: Facts, member: Member, command: Compensate, moment: Moment) -> Compensation:
    # The book isn't written; it only leaves what is due by now out of the balance that the reply tells.
    Book(member, moment, "", facts.lots, facts.following)
    approval = propose("compensation", member, command.request, command.actor, command.key, moment)
    reply = _reply("proposed", approval, None, member, command.request)
    return Compensation(Decision(Answer(202, reply), key=command.key), approval)


def _reply(
    status: str,
    approval: Approval | None,
    journal: Journal | None,
    member: Member,
    request: CompensationRequest,
) -> bytes:
    return encode(
        CompensationReply(
            status, show("apr", approval.approval_id) if approval else None,
            show("jrn", journal.journal_id) if journal else None, show("mem", member.member_id), request.points,
            request.reason, balance_of(member),
        )
    )  # fmt: skip


def told(journal: Journal, payload: bytes) -> Event:
    """Return what others are told about a compensation."""
    return Event(journal.journal_id, "points.compensated", journal.member_id, journal.journal_id, payload)
