"""What a posting must be beyond its form, and what it comes to: its nights and its revenue by category. Pure."""

from datetime import date
from typing import Final

from msgspec import Struct, structs

from loyalty import money
from loyalty.errors import FieldError, Problem
from loyalty.stays.model import StayPosting

# Beyond these a date is a slip of the pen, and points would expire when there is no date for it.
EARLIEST: Final = date(1970, 1, 1)
LATEST: Final = date(2199, 12, 31)


class Folio(Struct, frozen=True, gc=False):
    """A stay in figures: nights in tenths, revenue in minor units of the stay's currency by category."""

    nights: int
    revenue: dict[str, int]


def read_folio(posting: StayPosting, most_nights: int) -> Folio | Problem:
    """Return a posting's figures, or a problem that names every field that can't be; its code is the first one's."""
    days = (posting.departure - posting.arrival).days
    dated = 0 <= days <= most_nights and posting.arrival >= EARLIEST and posting.departure <= LATEST
    code = "invalid_value"
    errors: list[FieldError] = []
    if not dated:
        code, errors = _bad_dates(posting, days, most_nights)
    decimals = money.digits(posting.currency)
    revenue: dict[str, int] = {}
    for place, line in enumerate(posting.lines):
        amount = money.read_minor(line.amount, decimals)
        if amount is None:
            errors.append(
                FieldError(f"/lines/{place}/amount", _too_fine(line.amount, posting.currency, decimals))
            )
        else:
            revenue[line.category] = revenue.get(line.category, 0) + amount
        if dated and line.date is not None and not posting.arrival <= line.date <= posting.departure:
            errors.append(FieldError(f"/lines/{place}/date", "The date is outside of the stay."))
    if errors:
        return Problem(code, errors[0].detail, errors=tuple(errors))
    return Folio(days * 10, revenue)


def _bad_dates(posting: StayPosting, days: int, most_nights: int) -> tuple[str, list[FieldError]]:
    """Return what is wrong with a stay's dates, under which code; `invalid_value` stands for anything else."""
    if days < 0:
        return "stay_departure_before_arrival", [
            FieldError("/departure", "The departure is before the arrival.")
        ]
    if days > most_nights:
        detail = f"{days} nights are more than the {most_nights} the program allows."
        return "stay_too_long", [FieldError("/departure", detail)]
    span = f"Expected a date between {EARLIEST} and {LATEST}."
    fields = {"/arrival": posting.arrival, "/departure": posting.departure}
    return "invalid_value", [
        FieldError(at, span) for at, day in fields.items() if not EARLIEST <= day <= LATEST
    ]


def _too_fine(amount: str, currency: str, decimals: int) -> str:
    return f"{currency} has {decimals or 'no'} decimals: {amount} is too fine."


def content(posting: StayPosting) -> StayPosting:
    """Return a posting in the form that is compared: amounts in full decimals, the revision number left aside."""
    decimals = money.digits(posting.currency)
    lines = [structs.replace(line, amount=_in_full(line.amount, decimals)) for line in posting.lines]
    return structs.replace(posting, lines=lines, revision=None)


def _in_full(amount: str, decimals: int) -> str:
    minor = money.read_minor(amount, decimals)
    return amount if minor is None else money.from_minor(minor, decimals)
