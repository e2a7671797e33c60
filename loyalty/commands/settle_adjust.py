"""Resolve a dispute: say what a partner is owed more, or less, than was stated, in the book of the member concerned.

Nothing that was written is changed: the adjustment is a journal of its own, and a line of the next statement. The
member's own points stay as they are. Of more points than the program's limit, or of more money than so many cost
by contract, it is only proposed, for a second person to approve.

Refusals, in this order: the key was used with another request; nothing of the partner has this line or reference; the
money is finer than the currency; it adjusts nothing; and above the limit, the statement is settled.
"""

import datetime as dt
from fractions import Fraction
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from loyalty import money
from loyalty.commands.adjust import Why
from loyalty.commands.approval import Approval, propose
from loyalty.commands.model import Answer, Decision, Facts, Key, replay
from loyalty.commands.price import Payment
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import UUID, show
from loyalty.ledger.model import Journal, Member, Moment
from loyalty.ledger.rules import Book
from loyalty.partners.model import Contract, Partner, SignedMoney
from loyalty.partners.statements import StatementStatus, code_of
from loyalty.stays.model import Reference

PARTNER: Final = "partner:"
"""What the account of a partner begins with; its code follows."""

MOST_POINTS: Final = 1_000_000_000_000
"""So that the points of a statement stay whole numbers for those who read JSON into doubles."""

_encode: Final = msgspec.json.Encoder().encode


class SettlementAdjustmentRequest(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the hotel owes a partner more than was stated (below zero: less), and why.

    It is about a `line` of the statement, or about a `reference`: the partner's own, or an id of ours.
    """

    reason: Why
    points: Annotated[int, Meta(ge=-MOST_POINTS, le=MOST_POINTS)] = 0
    money: SignedMoney = "0"
    line: Annotated[int, Meta(ge=1, le=2_147_483_647)] | None = None
    reference: Reference | None = None


class Adjustable(Struct, frozen=True, gc=False):
    """What an adjustment is about: whose book it belongs to, how a statement names it, and which one is disputed."""

    member_id: UUID
    reference: str
    offer: str
    period: str
    number: int
    line: int | None = None


class Dispute(Struct, frozen=True, gc=False):
    """How a dispute stands: the status of the statement, and how often the line or reference was adjusted."""

    status: StatementStatus
    adjusted: int


class SettleAdjust(Struct, frozen=True, gc=False):
    """A settlement adjustment that is well-formed. `member_id` is who stands for the member now."""

    partner: Partner
    member_id: UUID | None
    about: Adjustable | None
    request: SettlementAdjustmentRequest
    actor: str
    key: Key


class Agreed(Struct, frozen=True, gc=False):
    """What nothing stands against but perhaps the limit. `money` is in minor units."""

    partner: str
    number: int
    line: int | None
    reference: str
    offer: str
    points: int
    money: int
    currency: str
    reason: str


class Proposed(Struct, frozen=True, gc=False):
    """What a proposal keeps: the adjustment, the month of the statement, and how often it was adjusted by then."""

    agreed: Agreed
    period: str
    adjusted: int

    @property
    def statement(self) -> str:
        """The number of the disputed statement, as people write it."""
        return code_of(self.agreed.partner, self.period, self.agreed.number)


_proposed: Final = msgspec.json.Decoder(Proposed).decode


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
    """What an adjustment came to: `posted`, a line of kind `adjusted` on the next statement, or `proposed`."""

    status: str
    approval_id: str | None
    journal_id: str | None
    partner: str
    reference: str
    points: int
    money: Payment
    effective_on: dt.date | None
    reason: str


class SettlementAdjusted(Struct, frozen=True, gc=False):
    """An adjustment that stands, and what to write for it."""

    adjustment: SettlementAdjustment
    decision: Decision


class SettlementProposal(Struct, frozen=True, gc=False):
    """An adjustment that has to be approved, and the answer that says so."""

    proposal: Approval
    decision: Decision


def decide(
    facts: Facts, dispute: Dispute | None, rules: Rulebook, command: SettleAdjust, moment: Moment
) -> SettlementAdjusted | SettlementProposal | Decision | Problem:
    """Decide what a settlement adjustment comes to. The row of the member is locked, then the partner's statements."""
    known = replay(facts.prior, command.key)
    if known is not None:
        return known
    member, about, request = facts.member, command.about, command.request
    if about is None or member is None or dispute is None:
        at = "/line" if request.line is not None else "/reference"
        return Problem("unknown_line", "Nothing of the partner is known by that.", at=at)
    currency = command.partner.contract.currency
    amount = minor(request.money, money.digits(currency))
    if amount is None:
        return Problem("invalid_value", f"Is finer than {currency} has decimals.", at="/money")
    if not request.points and not amount:
        return Problem("invalid_value", "Adjusts nothing: state points, money or both.", at="/points")
    agreed = Agreed(
        command.partner.code, about.number, about.line, about.reference, about.offer, request.points, amount, currency,
        request.reason,
    )  # fmt: skip
    if _is_large(agreed, command.partner.contract, rules.at(moment.today).limits.adjustment):
        return _propose(member, Proposed(agreed, about.period, dispute.adjusted), dispute, command, moment)
    # From here it is adjusted.
    adjusted = post(facts, member, agreed, command.actor, moment)
    adjusted.decision.key = command.key
    return adjusted


def post(facts: Facts, member: Member, agreed: Agreed, actor: str, moment: Moment) -> SettlementAdjusted:
    """Post an adjustment that nothing stands against."""
    day = moment.today
    book = Book(member, moment, actor, facts.lots, facts.following)
    journal = book.journal(
        "settlement_adjusted", day, f"{agreed.partner} {agreed.reference}: {agreed.reason}"
    )
    book.settle(PARTNER + agreed.partner, agreed.points, day)
    book.close()
    adjustment = SettlementAdjustment(
        member.shard, journal.journal_id, member.member_id, agreed.partner, agreed.number, agreed.line,
        agreed.reference, agreed.offer, agreed.points, agreed.money, agreed.currency, day, moment.at, actor,
        agreed.reason,
    )  # fmt: skip
    reply = _reply("posted", None, journal, agreed)
    event = Event(journal.journal_id, "settlement.adjusted", member.member_id, journal.journal_id, reply)
    return SettlementAdjusted(adjustment, Decision(Answer(201, reply), book, events=[event]))


def _is_large(agreed: Agreed, contract: Contract, most: int) -> bool:
    """Tell whether more than so many points are adjusted, or more money than they cost by contract."""
    return abs(agreed.points) > most or abs(agreed.money) > most_money(contract, most)


def most_money(contract: Contract, most: int) -> Fraction:
    """Return what so many points cost by contract at the dearest, in minor units."""
    price = max(Fraction(contract.point_value), Fraction(contract.accrual_price or 0))
    return price * most * 10 ** money.digits(contract.currency)


def _propose(
    member: Member, proposed: Proposed, dispute: Dispute, command: SettleAdjust, moment: Moment
) -> SettlementProposal | Problem:
    refusal = check_dispute(proposed, dispute)
    if refusal is not None:
        return refusal
    approval = propose("settlement_adjustment", member, proposed, command.actor, command.key, moment)
    reply = _reply("proposed", approval, None, proposed.agreed)
    return SettlementProposal(approval, Decision(Answer(202, reply), key=command.key))


def check_dispute(proposed: Proposed, dispute: Dispute) -> Problem | None:
    """Refuse what takes a second person once its statement is settled, or once it was adjusted otherwise."""
    agreed = proposed.agreed
    if dispute.status == "settled":
        detail = f"{proposed.statement} is `settled`; above the limit an adjustment takes one that isn't."
        return Problem("wrong_statement_status", detail)
    if dispute.adjusted != proposed.adjusted:
        what = agreed.reference if agreed.line is None else f"Line {agreed.line} of {proposed.statement}"
        return Problem("already_resolved", f"{what} was adjusted since this was proposed.")
    return None


def proposed_in(approval: Approval) -> Proposed:
    """Return what a proposal of this kind keeps; raise MsgspecError when it can't be read."""
    return _proposed(approval.request)


def owed(agreed: Agreed) -> Payment:
    """Return the money of an adjustment as the API shows it."""
    return Payment(money.from_minor(agreed.money, money.digits(agreed.currency)), agreed.currency)


def _reply(status: str, approval: Approval | None, journal: Journal | None, agreed: Agreed) -> bytes:
    return _encode(
        SettlementAdjustmentReply(
            status, show("apr", approval.approval_id) if approval else None,
            show("jrn", journal.journal_id) if journal else None, agreed.partner, agreed.reference, agreed.points,
            owed(agreed), journal.effective_on if journal else None, agreed.reason,
        )
    )  # fmt: skip


def minor(text: str, decimals: int) -> int | None:
    """Read an amount that may be below zero as minor units; None when it is finer than `decimals`.

    >>> minor("-0.50", 2), minor("1.005", 2)
    (-50, None)
    """
    amount = money.to_minor(text.removeprefix("-"), decimals)
    return -amount if amount is not None and text.startswith("-") else amount
