"""Say to which segments a member belongs: promotions may be for some of them. The same again changes nothing.

Refusals, in this order: the member is unknown; the account is closed.
"""

from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct, structs

from loyalty.commands.model import Answer, Decision, Facts, Key, Result, Target
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import show
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book
from loyalty.program.model import Identifier

_encode: Final = msgspec.json.Encoder().encode


class SegmentsRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """All segments of a member, in any order."""

    segments: Annotated[list[Identifier], Meta(max_length=50)]


class SetSegments(Struct, frozen=True, gc=False):
    """Segments that are well-formed."""

    target: Target
    request: SegmentsRequest
    actor: str
    key: Key | None = None


class SegmentsReply(Struct, frozen=True, gc=False):
    """The segments of a member, in order."""

    member_id: str
    segments: tuple[str, ...]


def decide(facts: Facts, rules: Rulebook, command: SetSegments, moment: Moment) -> Result:
    """Decide what segments come to."""
    del rules
    member = facts.member
    if member is None:
        return Problem("unknown_member")
    if member.status != "active":
        return Problem("member_closed")
    segments = tuple(sorted(set(command.request.segments)))
    reply = _encode(SegmentsReply(show("mem", member.member_id), segments))
    if segments == member.traits.segments:
        return Decision(Answer(200, reply))
    # From here they are set.
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    journal = book.journal("segments_set", moment.today, "segments: " + (", ".join(segments) or "none"))
    member.traits = structs.replace(member.traits, segments=segments)
    book.close()
    event = Event(journal.journal_id, "member.segments_set", member.member_id, journal.journal_id, reply)
    return Decision(Answer(200, reply), book, events=[event])
