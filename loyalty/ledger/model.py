"""What the ledger is made of. Points are whole, nights are tenths, money is minor units of the program's currency."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Final

from msgspec import Struct

from loyalty.clock import add_months
from loyalty.ids import UUID, Mint

POINTS: Final = "points"

# Accounts. The first four are the member's, the others the program's; credits count up, debits down.
AVAILABLE: Final = "available"
PENDING: Final = "pending"
HELD: Final = "held"
COUNTED: Final = "counted"
ISSUED: Final = "issued"
EXPIRED: Final = "expired"
GOODWILL: Final = "goodwill"
ADJUSTED: Final = "adjusted"
TRANSIT: Final = "transit"
SOLD: Final = "sold"

# Points that count towards a cap of a calendar year. They are no unit of tiers or milestones.
SENT: Final = "sent"
RECEIVED: Final = "received"
BOUGHT: Final = "bought"
COMPENSATED: Final = "compensated"
REFERRED: Final = "referred"
GIFTS: Final = "gifts"

CAPPED: Final = frozenset({SENT, RECEIVED, BOUGHT, COMPENSATED, REFERRED, GIFTS})

MEMBER_ACCOUNTS: Final = frozenset({AVAILABLE, PENDING, HELD, COUNTED})

BENEFIT: Final = "benefit:"
"""What the unit begins with in which uses of a tier's benefit are counted; its code follows."""

Counters = dict[str, dict[str, int]]
"""Amount by day ("2026-03-14") or calendar year ("2026"), and unit. A zero is left out.

A year counts all of it. Its days are kept besides where a rule of the program needs them, as far back as it does.
"""


class Idling(Struct, frozen=True, gc=False):
    """When the points of a member who does nothing lapse, by the version in force; `activity` says what is something.

    All lapse so many months after the last activity, but never before the rule came into force (`since`).
    """

    months: int
    activity: frozenset[str]
    since: date = date.min

    def lapses_on(self, active_on: date) -> date:
        """Return the day on which all points lapse, if nothing is done after an activity."""
        day = add_months(active_on, self.months)
        if day < self.since:
            return self.since
        return day


Spares = Callable[["Member", date], bool]
"""Tells whether a member's points stay although they would lapse on a day."""


class Moment(Struct, frozen=True, gc=False):
    """When a batch decides: the instant it is recorded at, the program's day, and the source of fresh ids.

    `idling` is the rule of that day by which points lapse, if there is one; `spares` tells whose points stay all the
    same when a day comes on which they would.
    """

    at: datetime
    today: date
    mint: Mint
    idling: Idling | None = None
    spares: Spares | None = None


class Status(Struct, frozen=True, gc=False, omit_defaults=True):
    """A tier that was given rather than earned, from a day to a day (None: for good).

    `kind`: gifted, matched, challenge; `earned` is what was earned before the days whose counters are kept singly.
    """

    tier: str
    kind: str
    first: date
    last: date | None = None


class Traits(Struct, frozen=True, gc=False, omit_defaults=True):
    """What the rules may know of a member besides the books; nothing of it identifies a person.

    `registered`: the day of registration by promotion. `referred_by`: the id of the member who brought this one.
    `by_day`: the units that are kept by day, too; one that ends with a colon stands for all that begin so.
    `merged_into`: the id of the member that stands for this one; `merged`: of all that this one stands for by now, also
    through others.
    `household`: the id of the household whose points this member may draw on.
    `flagged`: crossings of milestones that were lost after their reward was used: they give no second one.
    """

    birth_month: int | None = None
    segments: tuple[str, ...] = ()
    registered: dict[str, date] = {}
    referred_by: str | None = None
    statuses: tuple[Status, ...] = ()
    by_day: tuple[str, ...] = ()
    merged_into: str | None = None
    merged: tuple[str, ...] = ()
    household: str | None = None
    flagged: tuple[str, ...] = ()


NO_TRAITS: Final = Traits()


class Member(Struct, gc=False):
    """A member's standing in the books; the row that a posting locks.

    `tier` is the one last told, `review_on` the first day on which it may be another without anything being posted.
    `next_expiry` is a lower bound: nothing of the lots opens, expires or lapses before it. `active_on` is the last
    activity, where a rule looks at it.
    """

    shard: int
    member_id: UUID
    number: str
    status: str
    enrolled_on: date
    version: int
    available: int
    held: int
    debt: int
    counters: Counters
    next_expiry: date | None
    traits: Traits = NO_TRAITS
    tier: str = ""
    review_on: date | None = None
    pending: int = 0
    active_on: date | None = None


class Lot(Struct, gc=False):
    """Points earned together that expire together, on `expires_on`; known by the journal that earned them.

    `opens_on` is the day from which they can be spent (None: at once); until that is written down they are `pending`.
    `lapsed_on` is the day on which they were lost to inactivity instead.
    """

    lot_id: UUID
    member_id: UUID
    amount: int
    remaining: int
    expired: int
    earned_on: date
    expires_on: date | None
    opens_on: date | None = None
    pending: bool = False
    lapsed_on: date | None = None

    @property
    def changes_on(self) -> date | None:
        """Return the next day on which it opens or expires by itself; None: never."""
        if not self.pending or self.opens_on is None:
            return self.expires_on
        return self.opens_on if self.expires_on is None else min(self.opens_on, self.expires_on)

    @property
    def ends_on(self) -> date | None:
        """Return the day from which it is lost, if there is one."""
        return self.lapsed_on or self.expires_on


class Journal(Struct, gc=False):
    """One business fact and its reason. `balance` is what the member has available right after it."""

    journal_id: UUID
    member_id: UUID
    version: int
    kind: str
    effective_on: date
    reason: str
    actor: str
    stay_id: UUID | None
    linked_id: UUID | None
    balance: int


class Transfer(Struct, frozen=True, gc=False):
    """One amount of one unit from a debit account to a credit account."""

    journal_id: UUID
    line: int
    unit: str
    kind: str
    debit: str
    credit: str
    amount: int
    effective_on: date


class Allocation(Struct, frozen=True, gc=False):
    """What a journal took from a lot, and as what."""

    journal_id: UUID
    lot_id: UUID
    kind: str
    amount: int


class MilestoneGrant(Struct, frozen=True, gc=False):
    """A milestone crossed upwards (`granted`) or, by a reversal, downwards (`revoked`); `period`: its year, if any."""

    member_id: UUID
    milestone: str
    ordinal: int
    status: str
    journal_id: UUID
    period: str = ""


class Choosing(Struct, frozen=True, gc=False):
    """A choice of a reward that waits to be made: just what a balance tells of it. `reward_id` is in 32 digits."""

    reward_id: str
    milestone: str
    program: str
    choose_by: date
