"""Points that partners give: as they are kept, what the partner owes for them, and what they draw on. Pure.

What a prepaid partner may still give, and what any may on a day, are budgets. They are taken when an accrual is
written, and never ahead: so a refusal says exactly what is left.
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from loyalty import money
from loyalty.errors import Problem
from loyalty.ids import UUID
from loyalty.partners.model import Contract, Partner

AccrualKind = Literal["accrued", "accrual_reversed"]

_REFERENCE: Final = r"[A-Za-z0-9][A-Za-z0-9._:#-]{0,63}"
PartnerReference = Annotated[
    str,
    Meta(
        pattern=rf"^{_REFERENCE}$(?!\n)",
        description="A text of 1 to 64 letters, digits and `._:#-`, the first a letter or digit.",
    ),
]

LATEST: Final = timedelta(days=366)
"""How long ago it may have happened that points are given for."""
UNIT: Final = "accrued:"
"""What the unit begins with in which a member's points from a partner are counted; the partner's code follows."""
ACCOUNT: Final = "accrued:"
"""What the account begins with from which a partner's points come; its code follows."""
_FUND: Final = "fund:"
_DAY: Final = "accruals:"


class Accrual(Struct, frozen=True, gc=False):
    """Points that a partner gave, or took back, in the order of the table's columns.

    `money` is what the partner owes in minor units of `currency`; nothing if it was `prepaid`. `booked_on` is the
    program's day of recording.
    """

    partner: str
    reference: str
    kind: AccrualKind
    shard: int
    journal_id: UUID
    member_id: UUID
    points: int
    money: int
    currency: str
    prepaid: bool
    what: str
    effective_on: date
    booked_on: date
    recorded_at: datetime
    actor: str
    reason: str

    @property
    def draws(self) -> dict[str, int]:
        """What it took of which budgets; its reversal gives as much back."""
        return draws(self.partner, self.points, self.booked_on, prepaid=self.prepaid)


class Deposit(Struct, frozen=True, gc=False):
    """What a partner paid before for so many points, in the order of the table's columns."""

    partner: str
    reference: str
    points: int
    money: int
    currency: str
    recorded_at: datetime
    actor: str


class Pool(Struct, frozen=True, gc=False):
    """A budget: what there is, and what of it is taken."""

    budget: int
    taken: int

    @property
    def left(self) -> int:
        """What is left."""
        return max(0, self.budget - self.taken)


NO_POOL: Final = Pool(0, 0)


def is_reference(text: str) -> bool:
    """Tell whether a text can be a partner's reference."""
    return re.fullmatch(_REFERENCE, text) is not None


def fund_of(partner: str) -> str:
    """Return the name of the budget of what a partner paid before."""
    return _FUND + partner


def day_of(partner: str, day: date) -> str:
    """Return the name of the budget of what a partner may give on a day."""
    return f"{_DAY}{partner}/{day}"


def draws(partner: str, points: int, day: date, *, prepaid: bool) -> dict[str, int]:
    """Return what points that a partner gives on a day take of which budgets."""
    return {day_of(partner, day): points} | ({fund_of(partner): points} if prepaid else {})


def owed(contract: Contract, points: int) -> int:
    """Return the money that a partner owes for points that it gave, in minor units, rounded down.

    Nothing is owed for what was paid before.
    """
    if contract.account == "prepaid" or contract.accrual_price is None:
        return 0
    return int(points * Fraction(contract.accrual_price) * 10 ** money.digits(contract.currency))


def refuse_partner(partner: Partner) -> Problem | None:
    """Return why a partner gives no points at all."""
    if partner.contract.accrual_price is None:
        return Problem("not_offered", "By its contract the partner gives no points.")
    if partner.status != "active":
        return Problem("partner_suspended", f"The partner {partner.code} is suspended.")
    return None


def refuse_day(effective_on: date, today: date) -> Problem | None:
    """Return why points can't be given for what happened on a day."""
    if today - LATEST <= effective_on <= today:
        return None
    return Problem("invalid_value", f"Must be from {today - LATEST} to {today}.", at="/effective_on")


def refuse_budgets(partner: Partner, points: int, today: date, pools: Mapping[str, Pool]) -> Problem | None:
    """Return why a partner can't give so many points now: the cap of the day, or what it paid for."""
    most, given = partner.contract.accrual_a_day, pools.get(day_of(partner.code, today), NO_POOL).taken
    if most is not None and given + points > most:
        left = max(0, most - given)
        detail = f"The partner gives at most {most} points a day; {left} are left today."
        return Problem("limit_reached", detail, at="/points", numbers={"left": left})
    left = pools.get(fund_of(partner.code), NO_POOL).left
    if partner.contract.account == "prepaid" and points > left:
        detail = f"Of what the partner paid for, {left} points are left."
        return Problem("fund_exhausted", detail, at="/points", numbers={"left": left})
    return None
