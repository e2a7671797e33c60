"""Earning: how many points a stay's revenue is worth, and why. Pure, exact, compiled once from the definition.

Amounts are minor units. A category's revenue is summed before anything is rounded, so splitting a folio into lines
changes nothing. Rounding is down, once for the exchange of each category and once for the points of the stay.
"""

from collections.abc import Mapping
from datetime import date
from fractions import Fraction
from math import lcm
from typing import Final

from msgspec import Struct

from loyalty import money
from loyalty.program.model import Definition, Exclusion
from loyalty.program.visit import Why

_KEPT: Final = 10_000


class Earned(Struct, frozen=True, gc=False):
    """Base points and the eligible revenue behind them, in minor units of the program's currency."""

    points: int
    spend: int
    why: list[Why]


class Earning:
    """The earning rules of one program, ready to apply."""

    def __init__(self, definition: Definition) -> None:
        """Compile the rules: every rate becomes a ratio of integers."""
        self.currency = definition.currency
        self.decimals = money.digits(definition.currency)
        self._exchange = {
            code: _between_minor_units(rate, code, definition.currency)
            for code, rate in {definition.currency: "1", **definition.exchange}.items()
        }
        earning = definition.earning
        rates = {category: Fraction(rate) for category, rate in earning.points.items()}
        common = lcm(*(rate.denominator for rate in rates.values()))
        per = Fraction(earning.per) * 10**self.decimals
        # The points of an amount are amount * weight / (per * common): all integers.
        self._weights = {category: int(rate * common) for category, rate in rates.items()}
        self._per_up, self._per_down, self._common = per.denominator, per.numerator, common
        self._whole = earning.whole
        self._texts = dict(earning.points)
        self._exclusions = definition.exclusion
        self._excluded: dict[tuple[str, str | None], Exclusion | None] = {}

    def knows(self, currency: str) -> bool:
        """Tell whether a stay may be in this currency."""
        return currency in self._exchange

    def exchange(self, amount: int, currency: str) -> int:
        """Turn minor units of a known currency into those of the program's, rounded down."""
        up, down = self._exchange[currency]
        return amount * up // down

    def exclusion(self, channel: str, rate_code: str | None) -> Exclusion | None:
        """Return the first rule by which such a stay earns nothing, if any."""
        key = (channel, rate_code)
        try:
            return self._excluded[key]
        except KeyError:
            found = next((rule for rule in self._exclusions if _matches(rule, channel, rate_code)), None)
            if len(self._excluded) < _KEPT:
                self._excluded[key] = found
            return found

    def earn(self, revenue: Mapping[str, int]) -> Earned:
        """Return the base points for revenue by category (minor units of the program's currency)."""
        why: list[Why] = []
        spend, eligible = 0, dict[int, int]()
        for category, amount in revenue.items():
            weight = self._weights.get(category)
            shown = money.from_minor(amount, self.decimals)
            if weight is None:
                why.append(Why("category_not_eligible", category, shown))
                continue
            why.append(Why("category_eligible", category, shown, rate=self._texts[category]))
            spend += amount
            eligible[weight] = eligible.get(weight, 0) + amount
        points = self._points(eligible)
        why.append(Why("base", amount=money.from_minor(spend, self.decimals), points=points))
        return Earned(points, spend, why)

    def _points(self, eligible: dict[int, int]) -> int:
        up, down = self._per_up, self._per_down
        if self._whole:
            return sum([amount * up // down * weight for weight, amount in eligible.items()]) // self._common
        total = sum([amount * weight for weight, amount in eligible.items()])
        return total * up // (down * self._common)


def _between_minor_units(rate: str, source: str, target: str) -> tuple[int, int]:
    ratio = Fraction(rate) * 10 ** money.digits(target) / 10 ** money.digits(source)
    return ratio.numerator, ratio.denominator


def _matches(rule: Exclusion, channel: str, rate_code: str | None) -> bool:
    if channel in rule.channels:
        return True
    return rate_code is not None and any(_fits(pattern, rate_code) for pattern in rule.rate_codes)


def _fits(pattern: str, rate_code: str) -> bool:
    return rate_code.startswith(pattern[:-1]) if pattern.endswith("*") else rate_code == pattern


def add_months(day: date, months: int) -> date:
    """Return the same day so many months later, or the last day of that month when it is shorter.

    >>> add_months(date(2024, 1, 31), 1), add_months(date(2024, 12, 15), 24)
    (datetime.date(2024, 2, 29), datetime.date(2026, 12, 15))
    """
    years, month = divmod(day.month - 1 + months, 12)
    year, month = day.year + years, month + 1
    for last in (day.day, 30, 29, 28):
        if last <= day.day:
            try:
                return date(year, month, last)
            except ValueError:
                continue
    raise AssertionError("every month has a 28th")
