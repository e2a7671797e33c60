"""Do what is due about a member's rewards and vouchers: give the default of a choice, expire what wasn't used.

The nightly job sends it. It takes effect on the day it was due; a second one of the same day finds nothing to do.
"""

from msgspec import Struct

from loyalty.commands import rewarding, vouching
from loyalty.commands.model import Answer, Decision, Facts, Key, Result
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import UUID
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book
from loyalty.vouchers.model import Voucher


class Lapse(Struct, frozen=True, gc=False):
    """Look at a member's rewards and vouchers."""

    target: UUID
    actor: str = "rewards"
    key: Key | None = None


def decide(facts: Facts, rules: Rulebook, command: Lapse, moment: Moment) -> Result:
    """Give defaults and expire what is due; nothing to do is fine too."""
    member = facts.member
    if member is None:
        return Problem("unknown_member")
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    events = [
        Event(journal.journal_id, "points.expired", member.member_id, journal.journal_id, b"{}")
        for journal in book.journals
    ]
    happened = rewarding.lapse(book, rules, facts.rewards or [], moment)
    events += rewarding.events_of(book, happened, moment, events)
    vouchers: list[Voucher] = []
    for one in facts.vouchers:
        journal = book.journal("voucher_expired", one.valid_to or moment.today, vouching.reason(one))
        expired = vouching.changed(one, "expired", journal)
        vouchers.append(expired)
        events += vouching.events_of([expired], "expired", journal, moment)
    book.close()
    return Decision(
        Answer(200, b"{}"), book, events=events, rewards=rewarding.last_states(happened), vouchers=vouchers
    )
