"""Buy points. They count for no tier.

Refusals, in this order: the key was used with another request; the member is unknown; the key's own person, as nothing
here sees the payment; the account is closed; the program sells no points; the points are fewer than the least, or not
in steps; the account is too young; the cap of the year.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from loyalty.commands.limits import check_age, check_cap, check_size
from loyalty.commands.model import (
    Answer,
    Balance,
    Decision,
    Facts,
    Key,
    Result,
    Target,
    balance_of,
    replay,
)
from loyalty.commands.own import refuse_gain
from loyalty.commands.price import Payment, price_of
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.transfer import SomePoints
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import UUID, show
from loyalty.ledger.model import BOUGHT, SOLD, Member, Moment
from loyalty.ledger.rules import Book
from loyalty.program.model import Purchase as Terms
from loyalty.stays.model import MemberKey, Reference

_encode: Final = msgspec.json.Encoder().encode


class PurchaseRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Credit points that were paid for. `reference` names the payment."""

    member: MemberKey
    points: SomePoints
    reference: Annotated[Reference, Meta(examples=["PAY-20260103-0017"])]


class Purchase(Struct, frozen=True, gc=False):
    """A purchase that is well-formed; `person` is who holds the caller's key, if that is known."""

    target: Target
    request: PurchaseRequest
    actor: str
    key: Key
    person: UUID | None = None


class PurchaseReply(Struct, frozen=True, gc=False):
    """What a purchase came to, and what it costs."""

    journal_id: str
    member_id: str
    points: int
    price: Payment
    balance: Balance


def decide(facts: Facts, rules: Rulebook, command: Purchase, moment: Moment) -> Result:
    """Decide what a purchase comes to."""
    known = replay(facts.prior, command.key)
    if known is not None:
        return known
    member, terms, points = facts.member, rules.at(moment.today).definition.purchase, command.request.points
    if member is None:
        return Problem("unknown_member", at="/member")
    own = refuse_gain(member, command.person, "/member")
    if own is not None:
        return own
    if member.status != "active":
        return Problem("member_closed", at="/member")
    if terms is None:
        return Problem("not_offered", "The program sells no points.")
    refusal = _refuse(terms, member, points, moment)
    if refusal is not None:
        return refusal
    # From here the points are credited.
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    journal = book.journal("purchased", moment.today, f"purchase: {command.request.reference}")
    book.points("purchase", points, moment.today, SOLD)
    book.act(moment.today, "purchase")
    book.earn(points, rules.expires_today(book.member, moment.today))
    book.count(BOUGHT, points, moment.today)
    book.close()
    price = price_of(points, terms.price, rules.at(moment.today).definition.currency)
    names = show("jrn", journal.journal_id), show("mem", member.member_id)
    reply = _encode(PurchaseReply(*names, points, price, balance_of(member)))
    event = Event(journal.journal_id, "points.purchased", member.member_id, journal.journal_id, reply)
    return Decision(Answer(201, reply), book, events=[event], key=command.key)


def _refuse(terms: Terms, member: Member, points: int, moment: Moment) -> Problem | None:
    return (
        check_size(points, terms.least, terms.step)
        or check_age(member, terms.account_days, moment.today, "/member")
        or check_cap(member, BOUGHT, terms.a_year, points, moment.today)
    )
