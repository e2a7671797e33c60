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


class Benefit(Struct, frozen=True):
    """What a tier brings besides points."""

    code: str


class TierNow(Struct, frozen=True):
    """A tier, its names by language, and what it brings."""

    code: str
    name: Mapping[str, str]
    benefits: list[Benefit] = []


class Ahead(Struct, frozen=True):
    """A milestone that a member is on the way to."""

    code: str
    name: Mapping[str, str]


class Year(Struct, frozen=True):
    """What a member has done in the calendar year."""

    nights: str
    stays: str
    spend: str


class Choice(Struct, frozen=True):
    """A reward that waits to be chosen."""

    reward_id: str
    milestone: str


class Balance(Struct, frozen=True):
    """A member's standing. `choices` are left out when there are none."""

    member_id: str
    number: str
    available: int
    held: int
    debt: int
    year: Year
    tier: TierNow | None = None
    milestones: list[Ahead] = []
    choices: list[Choice] = []


class BalanceResult(Struct, frozen=True):
    """The standing of a member that was asked for, or why there is none."""

    member: str
    balance: Balance | None = None
    problem: Problem | None = None


class BalanceReply(Struct, frozen=True):
    """The standings of many members."""

    balances: list[BalanceResult]


class StatementLine(Struct, frozen=True):
    """One journal of a member, and what it changed of the points."""

    kind: str
    points: int


class Statement(Struct, frozen=True):
    """The last journals of a member, the newest first."""

    lines: list[StatementLine]


class Given(Struct, frozen=True):
    """Points that were given to another member, or bought."""

    points: int


class Compensated(Struct, frozen=True):
    """A compensation that was posted, or proposed for a second person to agree to."""

    status: str
    points: int
    approval_id: str | None = None


class Approved(Struct, frozen=True):
    """What the second person said."""

    status: str
    points: int


class Household(Struct, frozen=True):
    """A household."""

    household_id: str


class Adjusted(Struct, frozen=True):
    """The points that were spent, below zero."""

    points: int


class Reward(Struct, frozen=True):
    """A reward of a member."""

    reward_id: str
    kind: str = ""
    points: int = 0


class Chosen(Struct, frozen=True):
    """The rewards that were chosen."""

    rewards: list[Reward]


class Used(Struct, frozen=True):
    """A reward or a benefit that was used."""


class Consent(Struct, frozen=True):
    """A token by which a partner may spend points of a member, once."""

    token: str
    points: int


class Redeemed(Struct, frozen=True):
    """A redemption after a step: for how many points, and how many of those were captured and refunded."""

    redemption_id: str
    status: str
    points: int
    captured_points: int = 0
    refunded_points: int = 0
    vouchers: list[str] = []


class Voucher(Struct, frozen=True):
    """A voucher, with its code for whoever may see it; `redemption_id` is left out where a reward or a tier gave it."""

    code: str = ""
    redemption_id: str = ""


class Vouchers(Struct, frozen=True):
    """A member's vouchers, the newest first."""

    vouchers: list[Voucher]


class Vouched(Struct, frozen=True):
    """A voucher after something was done with it."""

    voucher: Voucher


class Accrued(Struct, frozen=True):
    """Points that a partner gave."""

    points: int


class Fund(Struct, frozen=True):
    """What a partner has paid for before."""


class Amount(Struct, frozen=True):
    """An amount of money."""

    amount: str
    currency: str


class Stated(Struct, frozen=True):
    """A partner's statement of a month: what the hotel owes, below zero what the partner does; open, without number."""

    partner: str
    period: str
    status: str
    records: int
    points: int
    money: Amount
    number: str | None = None


class Merged(Struct, frozen=True):
    """Two accounts that became one, or are two again, and the points that moved."""

    merge_id: str
    points: int
