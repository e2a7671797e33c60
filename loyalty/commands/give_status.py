"""Give a member a tier that wasn't earned: as a gift, by matching another program's, or for a challenge.

Refusals, in this order: the key was used with another request; the member is unknown; the key's own person; the account
is closed; the program has no such tier; it would end before it begins, or be over already; the member has as many
statuses as can be kept.
"""

import datetime as dt
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct, structs

from loyalty.commands.model import Answer, Decision, Facts, Key, Result, Target, replay
from loyalty.commands.own import refuse_gain
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import UUID, show
from loyalty.ledger.model import Journal, Member, Moment, Status
from loyalty.ledger.rules import Book
from loyalty.members.model import Text
from loyalty.program.model import Identifier

StatusKind = Literal["gifted", "matched", "challenge"]

MOST: Final = 50
"""Statuses that are kept of a member, those that are over included."""

_encode: Final = msgspec.json.Encoder().encode


class StatusRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Give a tier from a day (today, if left out) to a day, that one included (for good, if left out)."""

    tier: Identifier
    kind: StatusKind
    reason: Annotated[Text, Meta(examples=["Matched: Gold of another program"])]
    first: dt.date | None = None
    last: dt.date | None = None


class GiveStatus(Struct, frozen=True, gc=False):
    """A status that is well-formed; `person` is who holds the caller's key, if that is known."""

    target: Target
    request: StatusRequest
    actor: str
    key: Key
    person: UUID | None = None


class StatusReply(Struct, frozen=True, gc=False):
    """All statuses that the member was ever given, as they now are; none that were earned."""

    journal_id: str
    member_id: str
    statuses: tuple[Status, ...]


def decide(facts: Facts, rules: Rulebook, command: GiveStatus, moment: Moment) -> Result:
    """Decide what a given status comes to."""
    known = replay(facts.prior, command.key)
    if known is not None:
        return known
    member, request = facts.member, command.request
    if member is None:
        return Problem("unknown_member")
    own = refuse_gain(member, command.person)
    if own is not None:
        return own
    if member.status != "active":
        return Problem("member_closed")
    first = request.first or moment.today
    refusal = _refuse(member, rules, request, first, moment)
    if refusal is not None:
        return refusal
    # From here the status is given.
    status = Status(request.tier, request.kind, first, request.last)
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    journal = book.journal("status_given", moment.today, f"{status.kind} {status.tier}: {request.reason}")
    return restate(book, journal, (*member.traits.statuses, status), 201, command.key)


def _refuse(
    member: Member, rules: Rulebook, request: StatusRequest, first: dt.date, moment: Moment
) -> Problem | None:
    tiers = [tier.code for tier in rules.at(moment.today).definition.tier]
    if request.tier not in tiers:
        return Problem("invalid_value", f"Expected one of: {', '.join(tiers)}.", at="/tier")
    if request.last is not None and request.last < first:
        return Problem("invalid_value", "The status ends before it begins.", at="/last")
    if request.last is not None and request.last < moment.today:
        return Problem("invalid_value", "The status would be over already.", at="/last")
    if len(_given(member.traits.statuses)) >= MOST:
        return Problem("limit_reached", f"At most {MOST} statuses are kept of a member.")
    return None


def restate(
    book: Book, journal: Journal, statuses: tuple[Status, ...], http_status: int, key: Key | None
) -> Decision:
    """Put down the statuses that a member now has, and tell of them."""
    member = book.member
    member.traits = structs.replace(member.traits, statuses=statuses)
    # What tier that comes to is written down by the next review.
    member.review_on = journal.effective_on
    book.close()
    reply = _encode(
        StatusReply(show("jrn", journal.journal_id), show("mem", member.member_id), _given(statuses))
    )
    kind = journal.kind.replace("_", ".")
    event = Event(journal.journal_id, kind, member.member_id, journal.journal_id, reply)
    return Decision(Answer(http_status, reply), book, events=[event], key=key)


def _given(statuses: tuple[Status, ...]) -> tuple[Status, ...]:
    """Return the statuses that were given: what was earned before the days that are kept is noted among them."""
    return tuple(one for one in statuses if one.kind != "earned")
