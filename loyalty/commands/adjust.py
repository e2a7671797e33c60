"""Adjust a member's points by hand: a credit or a debit, with a reason.

Refusals, in this order: the key was used with another request; the member is unknown; a credit is for the key's own
person; the account is closed; a debit is more than the member has available. Whoever is in a household may draw on it:
that takes a transaction of its own.
"""

from datetime import date
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from loyalty.commands.model import (
    Answer,
    Balance,
    Decision,
    Facts,
    Key,
    Pooled,
    Result,
    Target,
    balance_of,
    replay,
)
from loyalty.commands.own import refuse_gain
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import UUID, show
from loyalty.ledger.model import ADJUSTED, GOODWILL, Moment
from loyalty.ledger.rules import Book
from loyalty.stays.model import MemberKey

Reason = Literal["service_recovery", "goodwill", "missing_points", "correction"]

Why = Annotated[
    str,
    Meta(
        max_length=500,
        pattern=r"^\s*[^\s\x00][^\x00]*$",
        description="A text of 1 to 500 characters that says something, without the character NUL.",
    ),
]
Note = Annotated[
    str,
    Meta(
        max_length=500,
        pattern=r"^[^\x00]*$",
        description="A text of at most 500 characters, without the character NUL.",
    ),
]

ACCOUNTS: Final[dict[str, str]] = {
    "service_recovery": GOODWILL,
    "goodwill": GOODWILL,
    "missing_points": ADJUSTED,
    "correction": ADJUSTED,
}
"""The program account that stands against an adjustment, by its reason."""

_encode = msgspec.json.Encoder().encode


class AdjustmentRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Credit (above zero) or debit (below zero) points by hand."""

    member: MemberKey
    points: Annotated[int, Meta(ge=-(2**53), le=2**53)]
    reason: Reason
    note: Note | None = None


class Adjust(Struct, frozen=True, gc=False):
    """An adjustment that is well-formed; `person` is who holds the caller's key, if that is known."""

    target: Target
    request: AdjustmentRequest
    actor: str
    key: Key
    person: UUID | None = None


class AdjustmentReply(Struct, frozen=True, gc=False):
    """What an adjustment came to."""

    journal_id: str
    member_id: str
    points: int
    reason: str
    balance: Balance


def decide(facts: Facts, rules: Rulebook, command: Adjust, moment: Moment) -> Result:
    """Decide what an adjustment comes to."""
    known = replay(facts.prior, command.key)
    if known is not None:
        return known
    member, request = facts.member, command.request
    refusal = refuse(facts, rules, command, moment.today)
    if refusal is not None or member is None:
        return refusal or Problem("unknown_member", at="/member")
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    if request.points < 0 and member.available < -request.points:
        if member.traits.household is not None:
            return Pooled(member.traits.household)
        return Problem(
            "insufficient_points",
            f"The member has {member.available} points, {-request.points - member.available} too few.",
            at="/points",
        )
    # From here the adjustment posts.
    return post(book, rules, command, moment)


def refuse(facts: Facts, rules: Rulebook, command: Adjust, today: date) -> Problem | None:
    """Return why an adjustment can't be, whatever the member has."""
    if facts.member is None:
        return Problem("unknown_member", at="/member")
    points, most = command.request.points, rules.at(today).limits.adjustment
    own = refuse_gain(facts.member, command.person, "/member") if points > 0 else None
    if own is not None:
        return own
    if facts.member.status != "active":
        return Problem("member_closed", at="/member")
    if not points or abs(points) > most:
        return Problem("invalid_value", f"Must be between 1 and {most} points, up or down.", at="/points")
    return None


def post(book: Book, rules: Rulebook, command: Adjust, moment: Moment) -> Decision:
    """Post an adjustment; for a debit the points are there."""
    request, member = command.request, book.member
    journal = book.journal("adjusted", moment.today, _reason(request))
    book.points("adjustment", request.points, moment.today, ACCOUNTS[request.reason])
    if request.points > 0:
        book.earn(request.points, rules.expires_today(member, moment.today))
    else:
        book.spend(-request.points)
    book.act(moment.today, "adjustment", *(["spend"] if request.points < 0 else []))
    book.close()
    reply = _encode(
        AdjustmentReply(
            show("jrn", journal.journal_id), show("mem", member.member_id), request.points, request.reason,
            balance_of(member),
        )
    )  # fmt: skip
    event = Event(journal.journal_id, "points.adjusted", member.member_id, journal.journal_id, reply)
    return Decision(Answer(201, reply), book, events=[event], key=command.key)


def _reason(request: AdjustmentRequest) -> str:
    return f"{request.reason}: {request.note}" if request.note else request.reason
