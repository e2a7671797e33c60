"""Households: members who pool their points. What one is, as it is on file and as the API shows it. Pure."""

from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from msgspec import Struct, structs

from loyalty.commands.model import Answer, Decision
from loyalty.errors import Problem
from loyalty.events.model import Event
from loyalty.ids import UUID, parse, show
from loyalty.ledger.model import Moment
from loyalty.ledger.rules import Book

Side = Literal["household", "member"]

encode: Final = msgspec.json.Encoder().encode


class Seat(Struct, frozen=True, omit_defaults=True, gc=False):
    """A place in a household, in the order in which they are taken; joined once both sides have agreed."""

    member_id: str
    household: bool = False
    member: bool = False

    @property
    def status(self) -> str:
        """What the seat is: joined, invited (the household agreed) or asked (the member did)."""
        if self.household and self.member:
            return "joined"
        return "invited" if self.household else "asked"


class Household(Struct, gc=False):
    """A household as it is on file, in the shard of its head. `seats` is JSON."""

    shard: int
    household_id: UUID
    head_id: UUID
    seats: str
    status: str = "open"


class SeatView(Struct, frozen=True, gc=False):
    """A member of a household: joined, invited or asked."""

    member_id: str
    status: str


class HouseholdView(Struct, frozen=True, gc=False):
    """A household: open or closed; its members, the head first, then in the order in which they came."""

    household_id: str
    status: str
    head: str
    members: list[SeatView]


class Housed(Struct, frozen=True, gc=False):
    """What to write of a household: its row, and the members' parts."""

    answer: Answer
    household: Household
    parts: tuple[tuple[int, Decision], ...] = ()


def seats_of(household: Household) -> tuple[Seat, ...]:
    """Return the seats of a household."""
    return msgspec.json.decode(household.seats, type=tuple[Seat, ...])


def joined(household: Household) -> list[UUID]:
    """Return who pools points: the head, then the others in the order in which they joined."""
    return [
        member_id
        for seat in seats_of(household)
        if seat.status == "joined" and (member_id := parse("mem", seat.member_id)) is not None
    ]


def seated(household: Household, seats: Sequence[Seat], status: str = "open") -> Household:
    """Return a household with other seats."""
    return structs.replace(household, seats=encode(seats).decode(), status=status)


def view(household: Household) -> HouseholdView:
    """Return a household as the API shows it."""
    return HouseholdView(
        show("hsh", household.household_id),
        household.status,
        show("mem", household.head_id),
        [SeatView(seat.member_id, seat.status) for seat in seats_of(household)],
    )


def change(book: Book, kind: str, household: str | None, reason: str, moment: Moment) -> Event:
    """Let a member join a household (or, with None, leave it): in a journal that moves nothing."""
    member = book.member
    journal = book.journal(kind, moment.today, reason)
    member.traits = structs.replace(member.traits, household=household)
    book.close()
    payload = encode(SeatView(show("mem", member.member_id), kind.removeprefix("household_")))
    return Event(journal.journal_id, kind.replace("_", "."), member.member_id, journal.journal_id, payload)


def unknown() -> Problem:
    """Return the refusal of a household that isn't there, or no longer."""
    return Problem("unknown_household")
