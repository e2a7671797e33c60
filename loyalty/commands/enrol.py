"""Enrol a member.

Refusals, in this order: the key was used with another request; another member has the number.
"""

import datetime as dt

import msgspec
from msgspec import Struct

from loyalty.commands.model import Answer, Decision, Facts, Key, Result, replay
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import UUID, shard_of, show
from loyalty.ledger.model import Member, Moment, Traits
from loyalty.ledger.rules import Book
from loyalty.members.model import MemberView, SealedProfile

_encode = msgspec.json.Encoder().encode


class Enrol(Struct, frozen=True, gc=False):
    """An enrolment that is well-formed. `target` is the number; the member's id is minted for its shard."""

    target: str
    member_id: UUID
    enrolled_on: dt.date | None
    profile: SealedProfile | None
    actor: str
    key: Key | None
    referrer: UUID | None = None
    birth_month: int | None = None


def decide(facts: Facts, rules: Rulebook, command: Enrol, moment: Moment) -> Result:
    """Decide what an enrolment comes to."""
    known = replay(facts.prior, command.key) if command.key else None
    if known is not None:
        return known
    if facts.member is not None:
        return Problem("number_taken", f"Another member has the number {command.target}.", at="/number")
    # From here the member is enrolled.
    enrolled_on = command.enrolled_on or moment.today
    shard = shard_of(command.member_id)
    member = Member(shard, command.member_id, command.target, "active", enrolled_on, 0, 0, 0, 0, {}, None)
    by_day = rules.by_day
    if command.referrer is not None or command.birth_month is not None or by_day:
        referrer = None if command.referrer is None else show("mem", command.referrer)
        member.traits = Traits(command.birth_month, referred_by=referrer, by_day=by_day)
    book = Book(member, moment, command.actor)
    journal = book.journal("enrolled", enrolled_on, "enrolled")
    reply = _encode(MemberView(show("mem", member.member_id), member.number, member.status, enrolled_on))
    event = Event(journal.journal_id, "member.enrolled", member.member_id, journal.journal_id, reply)
    return Decision(
        Answer(201, reply), book, enrolled=True, events=[event], key=command.key, profile=command.profile,
        referrer=command.referrer,
    )  # fmt: skip
