"""Found a household: a member becomes its head.

Refusals, in this order: the key was used with another request; the program has no households; the member is unknown;
the account is closed, or too young; the member is in a household.
"""

from msgspec import Struct

from loyalty.commands.household import Housed, Household, Seat, change, encode, view
from loyalty.commands.limits import check_age
from loyalty.commands.model import Answer, Decision, Facts, Key, replay
from loyalty.commands.rulebook import Rulebook
from loyalty.errors import Problem
from loyalty.ids import UUID, show
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book
from loyalty.stays.model import MemberKey


class HouseholdRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Found a household with this member as its head."""

    head: MemberKey


class FoundHousehold(Struct, frozen=True, gc=False):
    """The founding of a household; `head` is None where there is no such member."""

    head: UUID | None
    actor: str
    key: Key


def decide(
    facts: Facts, rules: Rulebook, command: FoundHousehold, moment: Moment
) -> Housed | Decision | Problem:
    """Decide what the founding of a household comes to."""
    known = replay(facts.prior, command.key)
    if known is not None:
        return known
    terms, head = rules.at(moment.today).definition.household, facts.member
    if terms is None:
        return Problem("not_offered", "The program has no households.")
    if head is None:
        return Problem("unknown_member", at="/head")
    if head.status != "active":
        return Problem("member_closed", at="/head")
    refusal = check_age(head, terms.account_days, moment.today, "/head")
    if refusal is not None:
        return refusal
    if head.traits.household is not None:
        return Problem("already_in_household", at="/head")
    # From here the household is founded.
    seats = (Seat(show("mem", head.member_id), household=True, member=True),)
    household = Household(head.shard, moment.mint(head.shard), head.member_id, encode(seats).decode())
    name = show("hsh", household.household_id)
    book = Book(head, moment, command.actor, facts.lots, facts.following)
    event = change(book, "household_joined", name, "household founded", moment)
    answer = Answer(201, encode(view(household)))
    return Housed(answer, household, ((head.shard, Decision(answer, book, events=[event], key=command.key)),))
