"""End a tier that was given: from today on it doesn't hold. What held before today stays on file.

Refusals, in this order: the member is unknown; nothing of this tier and kind is in force or to come.
"""

from datetime import date, timedelta

from msgspec import Struct, structs

from loyalty.commands.give_status import StatusKind, restate
from loyalty.commands.model import Facts, Key, Result, Target
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ledger.model import Moment, Status
from loyalty.ledger.rules import Book


class EndStatus(Struct, frozen=True, gc=False):
    """The end of all statuses of a tier and a kind."""

    target: Target
    tier: str
    kind: StatusKind
    actor: str
    key: Key | None = None


def decide(facts: Facts, rules: Rulebook, command: EndStatus, moment: Moment) -> Result:
    """Decide what the end of a status comes to."""
    del rules
    member = facts.member
    if member is None:
        return Problem("unknown_member")
    kept = tuple(
        left for one in member.traits.statuses if (left := _ended(one, command, moment.today)) is not None
    )
    if kept == member.traits.statuses:
        return Problem("unknown_status", f"No `{command.tier}` as `{command.kind}` is in force or to come.")
    # From here it ends.
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    journal = book.journal("status_ended", moment.today, f"{command.kind} {command.tier}")
    return restate(book, journal, kept, 200, None)


def _ended(status: Status, command: EndStatus, today: date) -> Status | None:
    """Return what is left of a status; None for one that never held."""
    if (status.tier, status.kind) != (command.tier, command.kind):
        return status
    if status.last is not None and status.last < today:
        return status
    return structs.replace(status, last=today - timedelta(days=1)) if status.first < today else None
