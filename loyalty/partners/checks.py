"""What partners and offers must be beyond their form: each mistake with the field it is in. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from fractions import Fraction
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Struct

from loyalty import money
from loyalty.errors import FieldError, Problem
from loyalty.partners.model import HOTEL, MOST, POINTS, Contract, Kind, Offer, Partner, Stock
from loyalty.program.model import Name

_WITH_DAY: Final[frozenset[Kind]] = frozenset(
    {"airline_upgrade", "spa", "exhibition", "health_check", "free_night", "room_upgrade"}
)
"""Kinds that are used on a day that the member names."""
_WITH_TIME: Final[frozenset[Kind]] = frozenset({"spa", "exhibition", "health_check"})
"""Kinds that may be used at a time of the day."""
_OF_A_PARTNER: Final[frozenset[Kind]] = frozenset({"airline_upgrade", "miles"})
"""Kinds that no hotel has itself."""
_LISTS: Final[dict[str, frozenset[Kind]]] = {
    "cabins": frozenset({"airline_upgrade"}),
    "venues": frozenset({"spa", "health_check"}),
    "events": frozenset({"exhibition"}),
    "properties": frozenset({"free_night", "room_upgrade", "merchandise"}),
}
"""What there is to choose from, by the kinds that ask for it."""
_TWO: Final = 2
_LARGEST: Final = 2**63 - 1
"""The most of anything that the database keeps as one number."""


class Surroundings(Struct, frozen=True):
    """What an offer must fit: currencies of partners by code, that of the program, its tiers, and the hotels."""

    currencies: dict[str, str]
    currency: str
    tiers: frozenset[str]
    properties: frozenset[str]


Found = Iterator[FieldError]


def check_partner(one: Partner, before: Partner | None) -> Problem | None:
    """Return all that is wrong with a partner, beside what it was before; None: nothing."""
    return _problem("invalid_partner", _partner(one, before))


def check_offer(one: Offer, before: Offer | None, around: Surroundings) -> Problem | None:
    """Return all that is wrong with an offer, beside what it was before; None: nothing."""
    return _problem("invalid_offer", _offer(one, before, around))


def _problem(code: str, found: Iterable[FieldError]) -> Problem | None:
    errors = tuple(found)
    return Problem(code, errors[0].detail, errors=errors) if errors else None


def _partner(one: Partner, before: Partner | None) -> Found:
    if one.code == HOTEL:
        yield FieldError("/code", f"`{HOTEL}` stands for the hotel itself.")
    yield from _named("/name", one.name)
    if one.time_zone is not None and not _is_zone(one.time_zone):
        yield FieldError("/time_zone", f"{one.time_zone!r} is no IANA time zone.")
    yield from _contract(one.contract)
    if before is not None and before.contract.currency != one.contract.currency:
        detail = f"The currency of a partner stays as it is: {before.contract.currency}."
        yield FieldError("/contract/currency", detail)


def _contract(one: Contract) -> Found:
    yield from _rate("/contract/point_value", one.point_value, POINTS * MOST, one.currency)
    yield from _rate("/contract/accrual_price", one.accrual_price, POINTS, one.currency)
    if one.accrual_price is None:
        for key in ("accrual_a_day", "accrual_per_member"):
            if getattr(one, key) is not None:
                yield FieldError(f"/contract/{key}", "Without an accrual_price the partner gives no points.")
        if one.account == "prepaid":
            yield FieldError("/contract/account", "Without an accrual_price there is nothing to prepay.")


def _offer(one: Offer, before: Offer | None, around: Surroundings) -> Found:
    yield from _unchanged(one, before)
    yield from _named("/name", one.name)
    if one.text is not None:
        yield from _named("/text", one.text)
    yield from _of_partner(one, around)
    yield from _days("", one.first, one.last)
    yield from _tiers("/tiers", one.tiers, around)
    yield from _prices(one, around)
    yield from _miles(one)
    if one.stock is not None:
        yield from _stock(one.kind, one.stock)
    yield from _lists(one, around)
    yield from _terms(one)


def _unchanged(one: Offer, before: Offer | None) -> Found:
    for key in ("kind", "partner") if before is not None else ():
        if getattr(before, key) != getattr(one, key):
            yield FieldError(f"/{key}", f"The {key} of an offer stays as it is: {getattr(before, key)}.")


def _of_partner(one: Offer, around: Surroundings) -> Found:
    if one.partner is None:
        if one.kind in _OF_A_PARTNER:
            yield FieldError("/partner", f"An offer of kind {one.kind} is one of a partner.")
    elif one.partner not in around.currencies:
        yield FieldError("/partner", f"There is no partner {one.partner}.")


def _prices(one: Offer, around: Surroundings) -> Found:
    currency = around.currencies.get(one.partner or "", around.currency)
    if one.kind == "miles" and one.prices:
        yield FieldError("/prices", "Miles cost the points converted: they have no prices.")
    if one.kind != "miles" and not one.prices:
        yield FieldError("/prices", "Say what one costs.")
    for place, price in enumerate(one.prices):
        at = f"/prices/{place}"
        yield from _days(at, price.first, price.last)
        yield from _tiers(f"{at}/tiers", price.tiers, around)
        yield from _money(f"{at}/cash", price.cash, currency)
    yield from _money("/value", one.value, currency)


def _miles(one: Offer) -> Found:
    if (one.kind == "miles") != (one.miles is not None):
        told = "Say what points turn into." if one.kind == "miles" else "Only offers of kind miles have it."
        yield FieldError("/miles", told)
    if one.miles is not None and (one.miles.bonus > 0) != (one.miles.block is not None):
        yield FieldError("/miles/bonus", "A bonus and the block that it is for belong together.")


def _stock(kind: Kind, stock: Stock) -> Found:
    if kind == "miles":
        yield FieldError("/stock", "There is no end of miles.")
    if stock.per == "all":
        if stock.amount is None:
            yield FieldError("/stock/amount", "Say how many there are.")
        if stock.slots:
            yield FieldError("/stock/slots", "There are slots by date or by slot only.")
        return
    if kind not in (_WITH_DAY if stock.per == "date" else _WITH_TIME):
        yield FieldError("/stock/per", f"An offer of kind {kind} isn't used by {stock.per}.")
    if stock.amount is None and not stock.slots:
        yield FieldError("/stock/slots", "Say how many there are, of any or of some.")
    yield from _slots(stock)


def _slots(stock: Stock) -> Found:
    form = "a day and time" if stock.per == "slot" else "a day"
    for place, one in enumerate(stock.slots):
        at = f"/stock/slots/{place}/slot"
        if ("T" in one.slot) != (stock.per == "slot"):
            yield FieldError(at, f"By {stock.per}, a slot is {form}.")
        elif not _is_day(one.slot[:10]):
            yield FieldError(at, f"There is no day {one.slot[:10]}.")
    yield from _twice("/stock/slots", [one.slot for one in stock.slots], "/slot")


def _lists(one: Offer, around: Surroundings) -> Found:
    for key, kinds in _LISTS.items():
        codes: Sequence[str] = getattr(one, key)
        if codes and one.kind not in kinds:
            yield FieldError(f"/{key}", f"An offer of kind {one.kind} has no {key}.")
        yield from _twice(f"/{key}", codes)
    if one.kind == "airline_upgrade" and len(one.cabins) < _TWO:
        yield FieldError("/cabins", "Name at least two cabins, the lowest first.")
    for place, code in enumerate(one.properties):
        if code not in around.properties:
            yield FieldError(f"/properties/{place}", f"There is no property {code}.")


def _terms(one: Offer) -> Found:
    if one.hold_until_use and one.kind not in _WITH_DAY:
        yield FieldError("/hold_until_use", f"An offer of kind {one.kind} has no day of use.")
    if one.refundable_until_hours is not None:
        if not one.refundable:
            yield FieldError("/refundable_until_hours", "It isn't refundable at all.")
        if one.kind not in _WITH_DAY:
            detail = f"An offer of kind {one.kind} has no day of use."
            yield FieldError("/refundable_until_hours", detail)
    if not one.voucher:
        for key, given in (("voucher_months", one.voucher_months), ("transferable", one.transferable)):
            if given:
                yield FieldError(f"/{key}", "Only an offer with a voucher has it.")


def _named(at: str, name: Name) -> Found:
    for key, text in (("en", name.en), ("zh", name.zh)):
        if not text.strip() or any(ord(sign) < ord(" ") and sign != "\n" for sign in text):
            yield FieldError(f"{at}/{key}", "Must say something, without control characters.")


def _days(at: str, first: date | None, last: date | None) -> Found:
    if first is not None and last is not None and last < first:
        yield FieldError(f"{at}/last", "Is before the first day.")


def _tiers(at: str, tiers: Sequence[str], around: Surroundings) -> Found:
    for place, tier in enumerate(tiers):
        if tier not in around.tiers:
            known = ", ".join(sorted(around.tiers))
            yield FieldError(f"{at}/{place}", f"There is no tier {tier}; there are: {known}.")


def _money(at: str, text: str | None, currency: str) -> Found:
    if text is not None and money.to_minor(text, money.digits(currency)) is None:
        yield FieldError(at, f"Is finer than {currency}.")


def _rate(at: str, text: str | None, points: int, currency: str) -> Found:
    """Find money for one point that can't be written down for as many as there may be at once."""
    if text is not None and Fraction(text) * points * 10 ** money.digits(currency) > _LARGEST:
        yield FieldError(at, f"Is more than the books can hold for {points} points.")


def _twice(at: str, words: Sequence[Any], below: str = "") -> Found:
    for place, word in enumerate(words):
        if word in words[:place]:
            yield FieldError(f"{at}/{place}{below}", f"{word} is given twice.")


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
