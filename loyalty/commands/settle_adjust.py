"""Resolve a dispute: say what a partner is owed more, or less, than was stated, in the book of the member concerned.

Nothing that was written is changed: the adjustment is a journal of its own, and a line of the next statement. The
member's own points stay as they are.

Refusals, in this order: the key was used with another request; nothing of the partner has this line or reference; it
adjusts nothing, or more than the program allows; the money is finer than the currency.
"""

import datetime as dt
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from loyalty import money
from loyalty.commands.adjust import Why
from loyalty.commands.model import Answer, Decision, Facts, Key, replay
from loyalty.commands.price import Payment
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import UUID, show
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book
from loyalty.partners.model import Partner, SignedMoney
from loyalty.stays.model import Reference

PARTNER: Final = "partner:"
"""What the account of a partner begins with; its code follows."""

_encode: Final = msgspec.json.Encoder().encode


class SettlementAdjustmentRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the hotel owes a partner more than was stated (below zero: less), and why.

    It is about a `line` of the statement, or about a `reference`: the partner's own, or an id of ours.
    """

    reason: Why
    points: Annotated[int, Meta(ge=-(2**53), le=2**53)] = 0
    money: SignedMoney = "0"
    line: Annotated[int, Meta(ge=1, le=2_147_483_647)] | None = None
    reference: Reference | None = None


class Adjustable(Struct, frozen=True, gc=False):
    """What an adjustment is about: whose book it belongs to, and how a statement names it."""

    member_id: UUID
    reference: str
    offer: str
    number: int | None = None
    line: int | None = None


class SettleAdjust(Struct, frozen=True, gc=False):
    """A settlement adjustment that is well-formed. `member_id` is who stands for the member now."""

    partner: Partner
    member_id: UUID | None
    about: Adjustable | None
    request: SettlementAdjustmentRequest
    actor: str
    key: Key


class SettlementAdjustment(Struct, frozen=True, gc=False):
    """A settlement adjustment as it is kept, in the order of the table's columns."""

    shard: int
    journal_id: UUID
    member_id: UUID
    partner: str
    number: int | None
    line: int | None
    reference: str
    offer: str
    points: int
    money: int
    currency: str
    effective_on: dt.date
    recorded_at: dt.datetime
    actor: str
    reason: str


class SettlementAdjustmentReply(Struct, frozen=True, gc=False):
    """What an adjustment came to: it is a line of kind `adjusted` on the next statement."""

    journal_id: str
    partner: str
    reference: str
    points: int
    money: Payment
    effective_on: dt.date
    reason: str


class SettlementAdjusted(Struct, frozen=True, gc=False):
    """An adjustment that stands, and what to write for it."""

    adjustment: SettlementAdjustment
    decision: Decision


def decide(
    facts: Facts, rules: Rulebook, command: SettleAdjust, moment: Moment
) -> SettlementAdjusted | Decision | Problem:
    """Decide what a settlement adjustment comes to. The row of the member is locked."""
    known = replay(facts.prior, command.key)
    if known is not None:
        return known
    member, about, request = facts.member, command.about, command.request
    if about is None or member is None:
        at = "/line" if request.line is not None else "/reference"
        return Problem("unknown_line", "Nothing of the partner is known by that.", at=at)
    most = rules.at(moment.today).limits.adjustment
    if abs(request.points) > most:
        return Problem("invalid_value", f"Must be at most {most} points, up or down.", at="/points")
    currency = command.partner.contract.currency
    owed = minor(request.money, money.digits(currency))
    if owed is None:
        return Problem("invalid_value", f"Is finer than {currency} has decimals.", at="/money")
    if not request.points and not owed:
        return Problem("invalid_value", "Adjusts nothing: state points, money or both.", at="/points")
    # From here it is adjusted.
    code, day = command.partner.code, moment.today
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    journal = book.journal("settlement_adjusted", day, f"{code} {about.reference}: {request.reason}")
    book.settle(PARTNER + code, request.points, day)
    book.close()
    adjustment = SettlementAdjustment(
        member.shard, journal.journal_id, member.member_id, code, about.number, about.line, about.reference,
        about.offer, request.points, owed, currency, day, moment.at, command.actor, request.reason,
    )  # fmt: skip
    reply = _encode(view(adjustment))
    event = Event(journal.journal_id, "settlement.adjusted", member.member_id, journal.journal_id, reply)
    decision = Decision(Answer(201, reply), book, events=[event], key=command.key)
    return SettlementAdjusted(adjustment, decision)


def view(one: SettlementAdjustment) -> SettlementAdjustmentReply:
    """Return an adjustment as the API shows it."""
    amount = money.from_minor(one.money, money.digits(one.currency))
    return SettlementAdjustmentReply(
        show("jrn", one.journal_id), one.partner, one.reference, one.points, Payment(amount, one.currency),
        one.effective_on, one.reason,
    )  # fmt: skip


def minor(text: str, decimals: int) -> int | None:
    """Read an amount that may be below zero as minor units; None when it is finer than `decimals`.

    >>> minor("-0.50", 2), minor("1.005", 2)
    (-50, None)
    """
    amount = money.to_minor(text.removeprefix("-"), decimals)
    return -amount if amount is not None and text.startswith("-") else amount
