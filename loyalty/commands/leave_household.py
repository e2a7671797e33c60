"""Leave a household, or withdraw what one side had agreed to. When the head leaves, the household ends for all.

Refusals, in this order: there is no such household; the member has no seat in it.
"""

from collections.abc import Mapping

from msgspec import Struct

from loyalty.commands.household import (
    Housed,
    Household,
    change,
    encode,
    joined,
    seated,
    seats_of,
    unknown,
    view,
)
from loyalty.commands.model import Answer, Decision, Facts
from loyalty.errors import Problem
from loyalty.ids import UUID, show
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book


class LeaveHousehold(Struct, frozen=True, gc=False):
    """A member who leaves."""

    household_id: UUID
    member_id: UUID
    actor: str


def leaving(household: Household, command: LeaveHousehold) -> list[UUID]:
    """Return who is in the household no longer: all of it, if the head leaves."""
    there = joined(household)
    if command.member_id == household.head_id:
        return there
    return [command.member_id] if command.member_id in there else []


def decide(
    facts: Mapping[UUID, Facts], household: Household | None, command: LeaveHousehold, moment: Moment
) -> Housed | Problem:
    """Decide what a departure comes to; `facts` has all who leave. Their rows are locked, then the household's."""
    if household is None or household.status != "open":
        return unknown()
    name = show("mem", command.member_id)
    if all(seat.member_id != name for seat in seats_of(household)):
        return Problem("unknown_member", "The member has no seat in this household.")
    # From here the seat is empty.
    if command.member_id == household.head_id:
        after = seated(household, (), "closed")
    else:
        after = seated(household, [seat for seat in seats_of(household) if seat.member_id != name])
    answer = Answer(200, encode(view(after)))
    parts = tuple(
        (member.shard, Decision(answer, book, events=[event]))
        for member_id in leaving(household, command)
        if (member := facts[member_id].member) is not None
        and (book := Book(member, moment, command.actor, facts[member_id].lots, facts[member_id].following))
        and (event := change(book, "household_left", None, "left a household", moment))
    )
    return Housed(answer, after, parts)
