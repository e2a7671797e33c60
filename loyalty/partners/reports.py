"""Figures of redemptions, of lots by their age, of cost, and of who pays whom inside the group. Pure.

Money is a decimal string in its currency; money per point has four decimals, rounded down.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final, Literal

from msgspec import Struct, structs

from loyalty import money
from loyalty.ledger.model import ADJUSTED, AVAILABLE, GOODWILL, HELD, ISSUED, PENDING, SOLD, TRANSIT
from loyalty.partners.accruals import ACCOUNT
from loyalty.partners.statements import by_property, split, table

By = Literal["partner", "offer", "tier", "month"]

_DECIMALS: Final = 4
_EARNED: Final = (ISSUED, GOODWILL, ADJUSTED, SOLD, TRANSIT)
"""Accounts, beside those of partners, from which members get points.

What one member gave another by `transit` adds up to nothing; a stay that moved is taken back there, and issued anew.
"""
_MEMBERS: Final = (AVAILABLE, PENDING, HELD)
_PARTNER: Final = "partner:"


class Redeemed(Struct, frozen=True, gc=False):
    """What was captured and refunded of one partner, offer, tier or month; the sums are what is left of it."""

    key: str
    currency: str
    captures: int
    refunds: int
    quantity: int
    points: int
    cash: str
    money: str


class Ageing(Struct, frozen=True, gc=False):
    """What is left in lots that expire after so many full months (None: never); `pending` can't be spent yet."""

    months: int | None
    pending: bool
    lots: int
    points: int


class LotsReport(Struct, frozen=True, gc=False):
    """What members have, by the months until it is lost; what is held isn't lost meanwhile. `debt` is what they owe."""

    on: date
    lots: Sequence[Ageing]
    points: int
    held: int
    members_holding: int
    debt: int


class PartnerCost(Struct, frozen=True, gc=False):
    """What a partner gave and took: points, the money it owes and is owed, adjustments, and money for one point."""

    partner: str
    currency: str
    given: int
    due: str
    redeemed: int
    money: str
    adjusted: str
    per_point: str | None


class CostReport(Struct, frozen=True, gc=False):
    """What points moved in all: given to members, captured less refunded, lost less what was taken back of that."""

    issued: int
    redeemed: int
    expired: int
    partners: Sequence[PartnerCost]


class Owed(Struct, frozen=True, gc=False):
    """Points that one hotel gave (`""`: not by a stay) and a partner took, and the money that is owed for them."""

    property: str
    partner: str
    currency: str
    points: int
    money: str


def redeemed(rows: Iterable[Sequence[Any]]) -> list[Redeemed]:
    """Return the report of redemptions from its rows."""
    return [
        Redeemed(
            key, currency, captures, refunds, quantity, points, _show(cash, currency), _show(amount, currency)
        )
        for key, currency, captures, refunds, quantity, points, cash, amount in rows
    ]


def lots(rows: Iterable[Sequence[Any]], held: tuple[int, int, int], today: date) -> LotsReport:
    """Return the report of lots from its rows."""
    found = [Ageing(*row) for row in rows]
    members, points, debt = held
    return LotsReport(today, found, sum(one.points for one in found), points, members, debt)


def cost(partners: Iterable[Sequence[Any]], moved: Iterable[Sequence[Any]]) -> CostReport:
    """Return the report of cost: what partners gave and took, beside all that points moved."""
    flows = [(_side(debit), _side(credit), points) for debit, credit, points in moved]
    found = [
        PartnerCost(
            code, currency, given, _show(due, currency), taken, _show(owed, currency), _show(adjusted, currency),
            _per_point(owed, taken, currency),
        )
        for code, currency, given, due, taken, owed, adjusted in partners
    ]  # fmt: skip
    return CostReport(
        _net(flows, "earned", "member"),
        _net(flows, "member", "partner"),
        _net(flows, "member", "expired"),
        found,
    )


def _side(account: str) -> str:
    """Return whose an account is, as far as reports tell."""
    if account in _MEMBERS:
        return "member"
    if account in _EARNED or account.startswith(ACCOUNT):
        return "earned"
    return "partner" if account.startswith(_PARTNER) else account


def _net(flows: Iterable[tuple[str, str, int]], giver: str, taker: str) -> int:
    """Return the points that went from one side to another, less those that came back."""
    return sum(
        points * (((debit, credit) == (giver, taker)) - ((debit, credit) == (taker, giver)))
        for debit, credit, points in flows
    )


def owed(rows: Iterable[Sequence[Any]], hotels: Mapping[Any, Mapping[str, int]]) -> list[Owed]:
    """Return who pays whom: captures less refunds by the hotel that gave the points, and the partner that took them."""
    sums: dict[tuple[str, str, str], list[int]] = {}
    for _, _, journal_id, kind, partner, currency, points, amount in rows:
        sign = 1 if kind == "captured" else -1
        parts = by_property(sign * points, hotels.get(journal_id, {}))
        for code, part in split(sign * amount, parts).items():
            of_both = sums.setdefault((code, partner, currency), [0, 0])
            of_both[0] += parts[code]
            of_both[1] += part
    return [Owed(*key, points, _show(amount, key[2])) for key, (points, amount) in sorted(sums.items())]


def as_csv(kind: type[Struct], rows: Iterable[Struct]) -> bytes:
    """Return rows of one kind as CSV, with the names of the fields in the first row."""
    return table([kind.__struct_fields__, *(structs.astuple(row) for row in rows)])


def _show(amount: int, currency: str) -> str:
    return money.from_minor(amount, money.digits(currency))


def _per_point(amount: int, points: int, currency: str) -> str | None:
    """Return money for one point; None where no point was taken."""
    if points <= 0:
        return None
    return money.from_minor(amount * 10**_DECIMALS // (points * 10 ** money.digits(currency)), _DECIMALS)
