"""Register a member for a promotion that asks for it. A second time changes nothing.

Refusals, in this order: the member is unknown; the account is closed; the program has no such promotion, or it asks
for no registration; it is over.
"""

from datetime import date
from typing import Final

import msgspec
from msgspec import Struct, structs

from loyalty.commands.model import Answer, Decision, Facts, Key, Result, Target
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import show
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book

_encode: Final = msgspec.json.Encoder().encode


class Register(Struct, frozen=True, gc=False):
    """A member who wants to take part in a promotion."""

    target: Target
    code: str
    actor: str
    key: Key | None = None


class RegistrationReply(Struct, frozen=True, gc=False):
    """Since when a member takes part in a promotion."""

    member_id: str
    promotion: str
    registered_on: date


def decide(facts: Facts, rules: Rulebook, command: Register, moment: Moment) -> Result:
    """Decide what a registration comes to."""
    member, code = facts.member, command.code
    if member is None:
        return Problem("unknown_member")
    if member.status != "active":
        return Problem("member_closed")
    known = member.traits.registered.get(code)
    if known is not None:
        return Decision(Answer(200, _encode(RegistrationReply(show("mem", member.member_id), code, known))))
    promotion = next((one for one in rules.at(moment.today).definition.promotion if one.code == code), None)
    if promotion is None or not promotion.registration:
        detail = (
            f"There is no promotion {code}." if promotion is None else f"{code} asks for no registration."
        )
        return Problem("unknown_promotion", detail)
    if promotion.last is not None and promotion.last < moment.today:
        return Problem("promotion_over", f"It ended on {promotion.last}.")
    # From here the member takes part.
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    journal = book.journal("registered", moment.today, f"promotion {code}")
    registered = {**member.traits.registered, code: moment.today}
    member.traits = structs.replace(member.traits, registered=registered)
    book.close()
    reply = _encode(RegistrationReply(show("mem", member.member_id), code, moment.today))
    event = Event(journal.journal_id, "member.registered", member.member_id, journal.journal_id, reply)
    return Decision(Answer(201, reply), book, events=[event])
