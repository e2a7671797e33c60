"""Review a member's tier on the day it may change without anything being posted. The nightly job sends it.

The tier is a function of what is on record and of the day. A review writes down what it has become: a journal that says
which tier ended, which began or was kept, and until when. A second review of the same day finds nothing to do.
"""

from msgspec import Struct

from loyalty.commands.expire import events_of
from loyalty.commands.model import Answer, Decision, Facts, Key, Result
from loyalty.commands.rulebook import Rulebook
from loyalty.commands.stay_reply import TierEvent, encode
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import UUID, show
from loyalty.ledger.model import Member, Moment
from loyalty.ledger.rules import Book


class Review(Struct, frozen=True, gc=False):
    """Look at a member's tier."""

    target: UUID
    actor: str = "review"
    key: Key | None = None


def decide(facts: Facts, rules: Rulebook, command: Review, moment: Moment) -> Result:
    """Write down what a member's tier has become; nothing to do is fine too."""
    member = facts.member
    if member is None:
        return Problem("unknown_member")
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    events = events_of(book)
    if member.review_on is not None and member.review_on <= moment.today:
        events += _review(book, rules, member, moment)
    book.close()
    return Decision(Answer(200, b"{}"), book, events=events)


def _review(book: Book, rules: Rulebook, member: Member, moment: Moment) -> list[Event]:
    today, before = moment.today, member.tier
    standing = rules.tiers.standing(member, today)
    due = member.review_on or today
    member.tier = standing.level.code
    member.review_on = rules.tiers.review_on(member, today)
    journal = book.journal("tier_reviewed", due, _reason(before, member.tier, standing.valid_to))
    if before == member.tier or not before:
        return []
    told = encode(TierEvent(show("mem", member.member_id), before, member.tier))
    return [Event(journal.journal_id, "tier.changed", member.member_id, journal.journal_id, told)]


def _reason(before: str, after: str, valid_to: object) -> str:
    """Return what a review came to, in a few words."""
    until = f" until {valid_to}" if valid_to else ""
    if before and before != after:
        return f"{before} ended, {after}{until}"
    return f"{after}{until}"
