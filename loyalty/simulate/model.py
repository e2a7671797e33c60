"""What a simulation is asked, and what it comes to. Points are whole; nights and money are decimal strings."""

from datetime import date, datetime

from msgspec import Struct

from loyalty.errors import FieldError
from loyalty.program.model import Definition


class SimulationError(Exception):
    """The program can't be simulated; `code` says why in a word, the message in a sentence."""

    def __init__(self, code: str, message: str, at: str | None = None, key: str = "") -> None:
        """Take the code of a problem, what people read, and which field of a request is meant, if one is.

        `key` is that of the definition, if the field is one.
        """
        super().__init__(message)
        self.code = code
        self.errors = () if at is None else (FieldError(at, message, key=key),)


class Ask(Struct, frozen=True):
    """Which definition is simulated, for the check-outs from a day on, up to another one (None: all there are)."""

    definition: Definition
    first: date
    last: date | None = None


class Totals(Struct, frozen=True):
    """What stays come to. `earning`: how many of them have points. `cost`: the points at the program's point value.

    Where one of the rules says no point value, the other's counts for both.
    """

    stays: int
    earning: int
    nights: str
    base: int
    tier_bonus: int
    promotion: int
    points: int
    cost: str
    milestones: int


class Compared(Struct, frozen=True):
    """The stays of a month ("2026-03") or of a property, under the live rules and under the new ones."""

    key: str
    live: Totals
    new: Totals


class Counted(Struct, frozen=True):
    """How many members have a tier, milestones of a sort were granted, or points a promotion gave: live and new."""

    code: str
    live: int
    new: int


class Moved(Struct, frozen=True):
    """How many members have another tier under the new rules, and whether it is higher (`up`) or lower (`down`)."""

    before: str
    after: str
    direction: str
    members: int


class Refused(Struct, frozen=True):
    """Stays that the rules would refuse: their currency has no rate, or they are beyond the limits."""

    not_convertible: int
    beyond_limits: int


class SpentBudget(Struct, frozen=True):
    """A promotion whose budget is spent, and since when."""

    code: str
    rules: str
    since: datetime


class SimulationReply(Struct, frozen=True):
    """What a simulation comes to. `live` and `new` name the versions; figures are of check-outs in the span.

    Tiers are those on the day `as_of` of members whose account is open.
    """

    live: str
    new: str
    first: date
    last: date | None
    as_of: date
    currency: str
    members: int
    revisions: int
    totals: Compared
    months: list[Compared]
    properties: list[Compared]
    tiers: list[Counted]
    moves: list[Moved]
    milestones: list[Counted]
    promotions: list[Counted]
    refused_live: Refused
    refused_new: Refused
    budgets_spent: list[SpentBudget]
