"""Release points that are held: they go back to the lots that they came from, with the time those have.

Refusals, in this order: the key was used with another request; the redemption is unknown, or another partner's; the
key's own person; it isn't held, or its time is up.
"""

from msgspec import Struct

from loyalty.commands import redeeming
from loyalty.commands.adjust import Note
from loyalty.commands.model import Facts, Key, Result, Target, replay
from loyalty.commands.redeeming import Caller
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ids import UUID
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book


class ReleaseRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Give back what is held, for a reason if there is one to tell."""

    reason: Note | None = None


class Release(Struct, frozen=True, gc=False):
    """A release that is well-formed."""

    target: Target
    redemption_id: UUID
    request: ReleaseRequest
    caller: Caller
    key: Key


def decide(facts: Facts, rules: Rulebook, command: Release, moment: Moment) -> Result:
    """Decide what a release comes to."""
    del rules
    known = replay(facts.prior, command.key)
    if known is not None:
        return known
    found = redeeming.find(facts, command.caller)
    if isinstance(found, Problem):
        return found
    member, one, listing = found
    refusal = redeeming.refuse_step(one, "released", moment)
    if refusal is not None:
        return refusal
    # From here it is released.
    book = Book(member, moment, command.caller.name, facts.lots, facts.following)
    reason = command.request.reason or ""
    journal = book.journal("hold_released", moment.today, redeeming.words(one, reason))
    book.release(one.points, facts.pinned, moment.today)
    deed = redeeming.take_step(one, "released", one.share(one.quantity), journal, moment, reason)
    book.close()
    return redeeming.decision(book, [deed], listing, command.caller, command.key, one.gives_back(0))
