"""Expire a hold whose time is up: its points go back to the lots that they came from. The job sends it.

It counts from the day its time was up, however late the job runs. A hold that was captured, released or extended
meanwhile stays as it is.
"""

from msgspec import Struct

from loyalty.commands import redeeming
from loyalty.commands.model import Answer, Decision, Facts, Key, Result
from loyalty.commands.redeeming import Caller
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ids import UUID
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book


class ExpireHold(Struct, frozen=True, gc=False):
    """Look at a hold."""

    target: UUID
    redemption_id: UUID
    caller: Caller = Caller("expiry", operator=True)
    key: Key | None = None


def decide(facts: Facts, rules: Rulebook, command: ExpireHold, moment: Moment) -> Result:
    """Expire a hold that is due; nothing to do is fine too."""
    found = redeeming.find(facts, command.caller)
    if isinstance(found, Problem):
        return found
    member, one, listing = found
    if redeeming.refuse_step(one, "expired", moment) is not None or one.expires_at > moment.at:
        return Decision(Answer(200, b"{}"))
    # From here it expires.
    book = Book(member, moment, command.caller.name, facts.lots, facts.following)
    journal = book.journal("hold_expired", rules.today(one.expires_at), redeeming.words(one))
    book.release(one.points, facts.pinned, journal.effective_on)
    deed = redeeming.take_step(one, "expired", one.share(one.quantity), journal, moment)
    book.close()
    return redeeming.decision(book, [deed], listing, command.caller, None, one.gives_back(0))
