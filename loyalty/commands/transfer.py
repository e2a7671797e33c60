"""Give points to another member: a gift.

Refusals, in this order: the key was used with another request; the program has no transfers; the giver is unknown; the
receiver is unknown; the receiver is the key's own person; both are the same member; the giver's account is closed, the
receiver's; the points are fewer than the least, or not in steps; the giver's account is too young, the receiver's; the
giver's cap of the year, the receiver's; the giver has made all gifts of the year, or the last one too short a time ago;
the giver has too few points.

The points leave the giver's lots first to expire first, and arrive with the expiry they had: see `carry.py`.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct, field, structs

from loyalty.commands.adjust import Note
from loyalty.commands.carry import GIFT, MovedPoints, carry
from loyalty.commands.limits import check_age, check_cap, check_pause, check_size, check_times
from loyalty.commands.model import Answer, Balance, Decision, Facts, Key, Move, balance_of, replay
from loyalty.commands.own import refuse_gain
from loyalty.commands.price import Payment, price_of
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import UUID, show
from loyalty.ledger.model import GIFTS, RECEIVED, SENT, Journal, Member, Moment
from loyalty.ledger.rules import Book
from loyalty.program.model import Transfers
from loyalty.stays.model import MemberKey

SomePoints = Annotated[int, Meta(ge=1, le=1_000_000_000)]

_encode: Final = msgspec.json.Encoder().encode


class TransferRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Give points from one member to another."""

    giver: MemberKey = field(name="from")
    taker: MemberKey = field(name="to")
    points: SomePoints
    note: Note | None = None


class Transfer(Struct, frozen=True, gc=False):
    """A gift that is well-formed. `giver` and `taker` are None when there is no such member.

    `person` is who holds the caller's key, if that is known.
    """

    giver: UUID | None
    taker: UUID | None
    request: TransferRequest
    actor: str
    key: Key
    person: UUID | None = None


class TransferReply(Struct, frozen=True, gc=False, omit_defaults=True):
    """What a gift came to. `moved` says what expires when; `balance` is the giver's, `journal_id` the giver's first.

    `fee` is what the giver pays for it, where the program says so.
    """

    journal_id: str
    giver: str = field(name="from")
    taker: str = field(name="to")
    points: int
    moved: list[MovedPoints]
    balance: Balance
    fee: Payment | None = None


class GiftEvent(Struct, frozen=True, gc=False):
    """What others are told about a gift, on each side of it. `other` is the member on the other side."""

    member_id: str
    other: str
    points: int


def decide(
    giving: Facts, taking: Facts, rules: Rulebook, command: Transfer, moment: Moment
) -> Move | Decision | Problem:
    """Decide what a gift comes to. Both rows are locked."""
    known = replay(giving.prior, command.key)
    if known is not None:
        return known
    rules = rules.at(moment.today)
    terms, giver, taker = rules.definition.transfers, giving.member, taking.member
    if terms is None:
        return Problem("not_offered", "The program has no transfers.")
    if giver is None:
        return Problem("unknown_member", at="/from")
    if taker is None:
        return Problem("unknown_member", at="/to")
    refusal = refuse_gain(taker, command.person, "/to") or _refuse(
        terms, giver, taker, command.request.points, moment
    )
    if refusal is not None:
        return refusal
    giving_book = Book(giver, moment, command.actor, giving.lots, giving.following)
    if giver.available < command.request.points:
        missing = command.request.points - giver.available
        return Problem(
            "insufficient_points",
            f"The member has {giver.available} points, {missing} too few.",
            at="/points",
        )
    # From here the gift is made.
    taking_book = Book(taker, moment, command.actor, taking.lots, taking.following)
    fee = price_of(command.request.points, terms.fee, rules.earning.currency) if terms.fee else None
    return _give(giving_book, taking_book, command, moment, fee, counts=terms.times_a_year is not None)


def _refuse(terms: Transfers, giver: Member, taker: Member, points: int, moment: Moment) -> Problem | None:
    if giver.member_id == taker.member_id:
        return Problem("same_member", at="/to")
    if giver.status != "active":
        return Problem("member_closed", at="/from")
    if taker.status != "active":
        return Problem("member_closed", at="/to")
    today = moment.today
    return (
        check_size(points, terms.least, terms.step)
        or check_age(giver, terms.account_days, today, "/from")
        or check_age(taker, terms.account_days, today, "/to")
        or check_cap(giver, SENT, terms.sent_a_year, points, today)
        or check_cap(taker, RECEIVED, terms.received_a_year, points, today)
        or check_times(giver, GIFTS, terms.times_a_year, today, "/from")
        or check_pause(giver, SENT, terms.every_days, today, "/from")
    )


def _give(
    giver: Book, taker: Book, command: Transfer, moment: Moment, fee: Payment | None, *, counts: bool
) -> Move:
    request = command.request
    words = structs.replace(GIFT, reason=f"gift: {request.note}") if request.note else GIFT
    expired = len(giver.journals), len(taker.journals)
    moved = carry(giver, taker, request.points, words, moment.today)
    giver.count(GIFTS, int(counts), moment.today)
    giver.close()
    taker.close()
    sent, received = giver.journals[expired[0]], taker.journals[expired[1]]
    names = show("mem", giver.member.member_id), show("mem", taker.member.member_id)
    reply = TransferReply(
        show("jrn", sent.journal_id), *names, request.points, moved, balance_of(giver.member), fee
    )
    answer = Answer(201, _encode(reply))
    giving = Decision(
        answer, giver, events=[told("points.sent", sent, *names, request.points)], key=command.key
    )
    taking = Decision(
        answer, taker, events=[told("points.received", received, names[1], names[0], request.points)]
    )
    return Move(answer, ((giver.member.shard, giving), (taker.member.shard, taking)))


def told(kind: str, journal: Journal, member_id: str, other: str, points: int) -> Event:
    """Return what others are told about points that changed hands, on one side of it."""
    payload = _encode(GiftEvent(member_id, other, points))
    return Event(journal.journal_id, kind, journal.member_id, journal.journal_id, payload)
