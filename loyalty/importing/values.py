"""The values of expressions: exact numbers, text, dates and truths, and how text becomes them."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from decimal import (
    ROUND_CEILING,
    ROUND_FLOOR,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DecimalException,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from enum import StrEnum
from functools import lru_cache
from typing import Final

from loyalty.importing.problems import UnusableValueError

Value = Decimal | str | date | bool


class Kind(StrEnum):
    """What an expression gives."""

    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    TRUTH = "truth"


class Row:
    """One row of the file: its number among the rows, the line where it begins, its texts by column."""

    __slots__ = ("cache", "line", "number", "raw", "texts")

    def __init__(self, number: int, line: int, texts: Mapping[str, str | None], raw: str = "") -> None:
        self.number = number
        self.line = line
        self.texts = texts
        self.raw = raw
        self.cache: dict[str, Value | None] = {}


Read = Callable[[Row], Value | None]
"""Reads a value off a row; None where the file has none."""

ROUNDINGS: Final = {
    "half_even": ROUND_HALF_EVEN,
    "half_up": ROUND_HALF_UP,
    "floor": ROUND_FLOOR,
    "ceiling": ROUND_CEILING,
}
MONTHS: Final = tuple(
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)

# Arithmetic either gives the exact result or refuses the row: nothing is rounded unless the mapping says so.
_EXACT: Final = Context(prec=60, traps=[InvalidOperation, DivisionByZero, Overflow, Inexact])
_ROUNDING: Final = Context(prec=60, traps=[InvalidOperation, DivisionByZero, Overflow])
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,18}(?:\.[0-9]{1,18})?")
_MOST_DIGITS: Final = 9


def exact(operation: str, left: Decimal, right: Decimal) -> Decimal:
    """Add, subtract or multiply without rounding; a result of more than 60 digits is refused."""
    try:
        return _OPERATIONS[operation](left, right)
    except DecimalException:
        raise UnusableValueError(
            "number_out_of_range", f"{left} {operation} {right} has too many digits"
        ) from None


_OPERATIONS: Final = {"+": _EXACT.add, "-": _EXACT.subtract, "*": _EXACT.multiply}


def rounded(value: Decimal, places: int, rounding: str) -> Decimal:
    """Round to a number of decimals, the way that is named."""
    try:
        return value.quantize(Decimal(1).scaleb(-places), ROUNDINGS[rounding], _ROUNDING)
    except DecimalException:
        raise UnusableValueError(
            "number_out_of_range", f"{value} can't be rounded to {places} decimals"
        ) from None


def quotient(left: Decimal, right: Decimal, places: int, rounding: str) -> Decimal:
    """Divide and round once: the quotient is taken as a fraction, so no digit is lost before the rounding."""
    if not right:
        raise UnusableValueError("division_by_zero", f"{left} can't be divided by zero")
    (a, b), (c, d) = left.as_integer_ratio(), right.as_integer_ratio()
    upper, lower = a * d * 10**places, b * c
    if lower < 0:
        upper, lower = -upper, -lower
    whole, rest = divmod(upper, lower)
    try:
        return Decimal(whole + _carry(whole, rest, lower, rounding)).scaleb(-places, _EXACT)
    except DecimalException:
        raise UnusableValueError("number_out_of_range", f"{left} / {right} has too many digits") from None


def _carry(whole: int, rest: int, lower: int, rounding: str) -> int:
    """Say whether the remainder of a floor division lifts the quotient by one."""
    match rounding:
        case "floor":
            return 0
        case "ceiling":
            return int(rest > 0)
        case "half_up" if whole >= 0:
            return int(rest * 2 >= lower)
        case "half_up":  # away from zero, which is down here
            return int(rest * 2 > lower)
        case _:
            return int(rest * 2 > lower or (rest * 2 == lower and whole % 2 == 1))


def plain(value: Value) -> str:
    """Write a value as text: numbers without exponent, dates as ISO 8601."""
    if isinstance(value, Decimal):
        return format(value or abs(value), "f")
    return value if isinstance(value, str) else str(value)


def integer(value: Decimal, what: str) -> int:
    """Take a number that must be whole and of a reasonable size."""
    if value != value.to_integral_value():
        raise UnusableValueError("not_whole", f"{what} is {plain(value)}, which isn't a whole number")
    if abs(value) >= 10**_MOST_DIGITS:
        raise UnusableValueError("number_out_of_range", f"{what} is {plain(value)}, which is too large")
    return int(value)


def add_days(day: date, days: Decimal) -> date:
    """Move a date by whole days."""
    count = integer(days, "the number of days")
    try:
        return day + timedelta(count)
    except OverflowError:
        raise UnusableValueError("date_out_of_range", f"{day} and {count} days is no date") from None


def calendar_date(year: Decimal, month: Decimal, day: Decimal) -> date:
    """Make a date from its parts."""
    parts = integer(year, "the year"), integer(month, "the month"), integer(day, "the day")
    try:
        return date(*parts)
    except ValueError:
        raise UnusableValueError("no_such_date", "there is no date {}-{}-{}".format(*parts)) from None


@lru_cache(4096)
def to_number(text: str, point: str = ".", thousands: str = "") -> Decimal:
    """Read a plain decimal number of at most 18 digits on each side; no exponent, no NaN."""
    clean = text.replace(thousands, "") if thousands else text
    if point != ".":
        clean = clean.replace(".", "?").replace(point, ".")
    if not _NUMBER.fullmatch(clean):
        raise UnusableValueError("not_a_number", f"{text!r} isn't a number")
    return Decimal(clean)


@lru_cache(4096)
def to_date(text: str, formats: tuple[str, ...]) -> date:
    """Read a date by the first pattern that fits."""
    for pattern in formats:
        try:
            return datetime.strptime(text, pattern).date()  # noqa: DTZ007 - a date in the hotel has no time zone
        except ValueError:
            continue
    raise UnusableValueError("not_a_date", f"{text!r} isn't a date of the form {' or '.join(formats)}")


@lru_cache(256)
def to_month(text: str, names: tuple[str, ...]) -> Decimal:
    """Read a month: its number, its name, or the first three letters of its English name."""
    word = text.lower()
    if word in names:
        return Decimal(names.index(word) + 1)
    if names is MONTHS and word[:3] in _SHORT and len(word) == len("jan"):
        return Decimal(_SHORT.index(word) + 1)
    if word.isascii() and word.isdigit() and len(word) <= len("12") and 1 <= int(word) <= len(MONTHS):
        return Decimal(word)
    raise UnusableValueError("not_a_month", f"{text!r} isn't a month")


_SHORT: Final = tuple(name[:3] for name in MONTHS)
