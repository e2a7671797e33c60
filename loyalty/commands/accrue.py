"""Credit points that a partner gives, such as for a flight or a treatment.

Refusals, in this order: the key was used with another request; by its contract the partner gives no points; it is
suspended; its reference was used before; the member is unknown; the key's own person; the account is closed; the day of
it is in the future, or too long ago; the cap of the day; what the partner paid for; the member's cap of the year.
"""

import datetime as dt
from collections.abc import Mapping
from typing import Final

import msgspec
from msgspec import Struct

from loyalty import money
from loyalty.commands.adjust import Note
from loyalty.commands.limits import counted
from loyalty.commands.model import Answer, Decision, Facts, Key, replay
from loyalty.commands.own import refuse_gain
from loyalty.commands.price import Payment
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.transfer import SomePoints
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import UUID, show
from loyalty.ledger.model import Member, Moment
from loyalty.ledger.rules import Book
from loyalty.partners.accruals import (
    ACCOUNT,
    UNIT,
    Accrual,
    PartnerReference,
    Pool,
    owed,
    refuse_budgets,
    refuse_day,
    refuse_partner,
)
from loyalty.partners.model import Partner, Place
from loyalty.stays.model import MemberKey

_encode: Final = msgspec.json.Encoder().encode


class AccrualRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Points that a partner gives to a member for what happened on a day; `what` it was, such as a flight's number."""

    member: MemberKey
    reference: PartnerReference
    points: SomePoints
    effective_on: dt.date
    what: Place | None = None
    note: Note | None = None


class Accrue(Struct, frozen=True, gc=False):
    """An accrual that is well-formed. `member_id` is None when there is no such member.

    `person` is who holds the caller's key, if that is known.
    """

    partner: Partner
    member_id: UUID | None
    request: AccrualRequest
    actor: str
    key: Key
    person: UUID | None = None


class AccrualView(Struct, frozen=True, gc=False, omit_defaults=True):
    """Points that a partner gave. `owed` is what it pays for them afterwards; `reversed_on` when it took them back.

    `left` is what the partner may still give of what it paid for, where it pays before.
    """

    journal_id: str
    partner: str
    reference: str
    status: str
    points: int
    owed: Payment
    effective_on: dt.date
    what: str = ""
    reversed_on: dt.date | None = None
    left: int | None = None


def view(given: Accrual, taken: Accrual | None = None, left: int | None = None) -> AccrualView:
    """Return an accrual as the API shows it; `taken` is its reversal."""
    amount = money.from_minor(given.money, money.digits(given.currency))
    return AccrualView(
        show("jrn", given.journal_id), given.partner, given.reference, "reversed" if taken else "posted",
        given.points, Payment(amount, given.currency), given.effective_on, given.what,
        taken.effective_on if taken else None, left,
    )  # fmt: skip


def decide(
    facts: Facts, known: list[Accrual], pools: Mapping[str, Pool], rules: Rulebook, command: Accrue, moment: Moment
) -> Decision | Problem:  # fmt: skip
    """Decide what an accrual comes to. The row of the member is locked, and those of the budgets in `pools`.

    `known` is what the partner gave under this reference.
    """
    replayed = replay(facts.prior, command.key)
    if replayed is not None:
        return replayed
    member, request, partner = facts.member, command.request, command.partner
    refusal = refuse_partner(partner)
    if refusal is not None:
        return refusal
    if known:
        return Problem(
            "reference_taken", f"Points were given as {request.reference} before.", at="/reference"
        )
    if member is None:
        return Problem("unknown_member", at="/member")
    refusal = (
        refuse_gain(member, command.person, "/member")
        or _refuse_closed(member)
        or refuse_day(request.effective_on, moment.today)
        or refuse_budgets(partner, request.points, moment.today, pools)
        or _refuse_member(member, partner, request.points, moment)
    )
    if refusal is not None:
        return refusal
    # From here the points are credited.
    return _post(facts, member, pools, rules, command, moment)


def _refuse_closed(member: Member) -> Problem | None:
    return None if member.status == "active" else Problem("member_closed", at="/member")


def _refuse_member(member: Member, partner: Partner, points: int, moment: Moment) -> Problem | None:
    most = partner.contract.accrual_per_member
    if most is None:
        return None
    left = max(0, most - counted(member, UNIT + partner.code, moment.today.year))
    if points <= left:
        return None
    detail = f"The partner gives a member at most {most} points a year; {left} are left this year."
    return Problem("limit_reached", detail, at="/points", numbers={"left": left})


def _post(
    facts: Facts, member: Member, pools: Mapping[str, Pool], rules: Rulebook, command: Accrue, moment: Moment
) -> Decision:
    request, partner = command.request, command.partner
    contract, day = partner.contract, command.request.effective_on
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    reason = " ".join(filter(None, (partner.code, request.reference, request.what)))
    reason = f"{reason}: {request.note}" if request.note else reason
    journal = book.journal("partner_accrued", day, reason)
    book.points("accrual", request.points, day, ACCOUNT + partner.code)
    book.earn(request.points, rules.expires_today(book.member, day))
    book.count(UNIT + partner.code, request.points, moment.today)
    book.close()
    given = Accrual(
        partner.code, request.reference, "accrued", member.shard, journal.journal_id, member.member_id,
        request.points, owed(contract, request.points), contract.currency, contract.account == "prepaid",
        request.what or "", day, moment.today, moment.at, command.actor, reason,
    )  # fmt: skip
    reply = _encode(view(given, left=_left(given, pools)))
    event = Event(journal.journal_id, "points.accrued", member.member_id, journal.journal_id, reply)
    return Decision(Answer(201, reply), book, events=[event], key=command.key, accruals=[given])


def _left(given: Accrual, pools: Mapping[str, Pool]) -> int | None:
    """Return what is left of what the partner paid for, with this; None where it pays afterwards."""
    funds = [pool.left for name, pool in pools.items() if name.startswith("fund:")]
    return funds[0] - given.points if given.prepaid and funds else None
