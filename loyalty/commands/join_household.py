"""Agree that a member joins a household: the household on its side, the member on the other. With both, he joins.

Refusals, in this order: the key was used with another request; the program has no households; there is no such
household; the member is unknown; the account is closed, or too young; the member is in a household; the household is
full, of members or of open invitations.
"""

from typing import Final

from msgspec import Struct, structs

from loyalty.commands.household import (
    Housed,
    Household,
    Seat,
    Side,
    change,
    encode,
    joined,
    seated,
    seats_of,
    unknown,
    view,
)
from loyalty.commands.limits import check_age
from loyalty.commands.model import Answer, Decision, Facts, Key, replay
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ids import UUID, show
from loyalty.ledger.model import Member, Moment
from loyalty.ledger.rules import Book
from loyalty.program.model import Household as Terms
from loyalty.stays.model import MemberKey

MOST_OPEN: Final = 50
"""Seats of a household that one side alone has agreed to."""


class ConsentRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """One side's consent that a member joins; whoever sends it vouches for it."""

    member: MemberKey
    consent: Side


class JoinHousehold(Struct, frozen=True, gc=False):
    """A consent that is well-formed; `member_id` is None where there is no such member."""

    household_id: UUID
    member_id: UUID | None
    side: Side
    actor: str
    key: Key


def decide(
    facts: Facts, household: Household | None, rules: Rulebook, command: JoinHousehold, moment: Moment
) -> Housed | Decision | Problem:
    """Decide what a consent comes to. The row of the member is locked, then that of the household."""
    known = replay(facts.prior, command.key)
    if known is not None:
        return known
    terms, member = rules.at(moment.today).definition.household, facts.member
    if terms is None:
        return Problem("not_offered", "The program has no households.")
    if household is None or household.status != "open":
        return unknown()
    refusal = _refuse(terms, member, moment)
    if refusal is not None or member is None:
        return refusal or unknown()
    name = show("mem", member.member_id)
    before = {seat.member_id: seat for seat in seats_of(household)}
    seat = structs.replace(before.pop(name, Seat(name)), **{command.side: True})
    if seat.status == "joined" and len(joined(household)) >= terms.members:
        return Problem("household_full", f"At most {terms.members} members pool their points.")
    if seat.status != "joined" and len(before) - len(joined(household)) >= MOST_OPEN:
        return Problem("household_full", f"At most {MOST_OPEN} invitations and requests are open at once.")
    # From here the consent counts. Whoever joins comes last, so that the order is that of joining.
    after = seated(household, (*before.values(), seat))
    answer = Answer(200, encode(view(after)))
    if seat.status != "joined":
        return Housed(answer, after, ((member.shard, Decision(answer, key=command.key)),))
    book = Book(member, moment, command.actor, facts.lots, facts.following)
    event = change(
        book, "household_joined", show("hsh", household.household_id), "joined a household", moment
    )
    return Housed(answer, after, ((member.shard, Decision(answer, book, events=[event], key=command.key)),))


def _refuse(terms: Terms, member: Member | None, moment: Moment) -> Problem | None:
    if member is None:
        return Problem("unknown_member", at="/member")
    if member.status != "active":
        return Problem("member_closed", at="/member")
    if member.traits.household is not None:
        return Problem("already_in_household", at="/member")
    return check_age(member, terms.account_days, moment.today, "/member")
