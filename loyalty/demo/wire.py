"""The parts of the API's replies that the demo reads. Other fields are left alone."""

from collections.abc import Mapping

from msgspec import Struct


class Points(Struct, frozen=True):
    """Points of a stay, by kind."""

    base: int
    tier_bonus: int
    total: int


class TierChange(Struct, frozen=True):
    """The member's tier before and after a posting; none below the lowest."""

    before: str | None = None
    after: str | None = None


class Milestone(Struct, frozen=True):
    """A milestone crossed by a posting, or uncrossed by a reversal."""

    code: str
    ordinal: int
    status: str


class Why(Struct, frozen=True):
    """One reason of an award."""

    code: str


class StayReply(Struct, frozen=True):
    """What became of a stay posting."""

    stay_id: str
    member_id: str
    outcome: str
    revision: int
    points: Points
    change: int
    nights: str
    tier: TierChange
    milestones: list[Milestone]
    why: list[Why]


class FieldError(Struct, frozen=True):
    """A field that is wrong, as a JSON pointer."""

    pointer: str


class Problem(Struct, frozen=True):
    """An RFC 9457 problem document."""

    status: int
    code: str
    title: str = ""
    detail: str = ""
    errors: list[FieldError] = []


class Item(Struct, frozen=True):
    """The result of one posting: a reply or a problem."""

    status: int
    reply: StayReply | None = None
    problem: Problem | None = None


class BatchReply(Struct, frozen=True):
    """The results of a batch, in order."""

    results: list[Item]


class Enrolled(Struct, frozen=True):
    """A new member."""

    member_id: str
    number: str


class TierNow(Struct, frozen=True):
    """A tier and its names by language."""

    code: str
    name: Mapping[str, str]


class Ahead(Struct, frozen=True):
    """A milestone that a member is on the way to."""

    code: str
    name: Mapping[str, str]


class Year(Struct, frozen=True):
    """What a member has done in the calendar year."""

    nights: str
    stays: str
    spend: str


class Balance(Struct, frozen=True):
    """A member's standing."""

    member_id: str
    number: str
    available: int
    held: int
    debt: int
    year: Year
    tier: TierNow | None = None
    milestones: list[Ahead] = []


class BalanceResult(Struct, frozen=True):
    """The standing of a member that was asked for, or why there is none."""

    member: str
    balance: Balance | None = None
    problem: Problem | None = None


class BalanceReply(Struct, frozen=True):
    """The standings of many members."""

    balances: list[BalanceResult]
