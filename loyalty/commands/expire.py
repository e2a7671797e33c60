"""Open and expire a member's lots whose day has come. The job sends it; any other command does the same on the way."""

from msgspec import Struct

from loyalty.commands.model import Answer, Decision, Facts, Key, Result
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import UUID
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book


class Expire(Struct, frozen=True, gc=False):
    """Look at a member's lots."""

    target: UUID
    actor: str = "expiry"
    key: Key | None = None


def decide(facts: Facts, rules: Rulebook, command: Expire, moment: Moment) -> Result:
    """Open and expire what is due; nothing to do is fine too."""
    del rules
    member = facts.member
    if member is None:
        return Problem("unknown_member")
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    book.close()
    return Decision(Answer(200, b"{}"), book, events=events_of(book))


def events_of(book: Book) -> list[Event]:
    """Return what others are told of the lots that a book has opened and expired so far."""
    return [
        Event(one.journal_id, f"points.{one.kind}", one.member_id, one.journal_id, b"{}")
        for one in book.journals
    ]
