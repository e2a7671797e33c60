"""Earning: how many points a stay's revenue is worth, and why. Pure, exact, compiled once from the definition.

Amounts are minor units. A category's revenue is summed before anything is rounded, so splitting a folio into lines
changes nothing (unless the program rounds `each` line). Rounding is once for the exchange of each category, down, and
once for the points, as the program says.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from math import lcm
from typing import Final

from msgspec import Struct

from loyalty import money
from loyalty.program.match import Kind, matcher
from loyalty.program.model import Cap, Decimal, Definition, Exclusion
from loyalty.program.rounding import ROUNDINGS, Round
from loyalty.program.visit import Why

_KEPT: Final = 10_000
"""How many kinds of stays are kept with the rules that match them."""
_NIGHT: Final = 10
"""Nights are counted in tenths."""


class Earned(Struct, frozen=True, gc=False):
    """Base points and the eligible revenue behind them, in minor units of the program's currency."""

    points: int
    spend: int
    why: list[Why]


class Quote(Struct, frozen=True, gc=False):
    """A rate of exchange: by what to multiply minor units and by what to divide them then; its text, and since when.

    `since` None: from when the version of the program is in force. `decimals` are those of the currency it is from.
    """

    up: int
    down: int
    text: str
    since: date | None
    decimals: int


class Rates:
    """Points by category: those of the program, or of one of its rules."""

    __slots__ = (
        "_common",
        "_decimals",
        "_per_down",
        "_per_up",
        "_round",
        "_texts",
        "_weights",
        "_whole",
        "bonus",
        "code",
        "each_night",
        "nights",
        "nights_per",
        "rooms",
    )

    def __init__(
        self, points: Mapping[str, Decimal], per: Decimal, decimals: int, round_: Round, *, whole: bool = False,
        code: str | None = None, nights: Decimal = "1", nights_per: int | None = None,
        bonus: bool = True, rooms: int | None = None,
    ) -> None:  # fmt: skip
        """Compile: every rate becomes a ratio of integers. `nights` is what one night counts for, kept in tenths.

        `nights_per`: of so many nights one counts. `rooms` is how many rooms of a stay earn; None: all.
        """
        self.code, self.bonus, self.rooms = code, bonus, rooms
        self.nights, self.nights_per = int(Fraction(nights) * _NIGHT), nights_per
        self.each_night = self.nights == _NIGHT and nights_per is None
        rates = {category: Fraction(rate) for category, rate in points.items()}
        common = lcm(*(rate.denominator for rate in rates.values()))
        each = Fraction(per) * 10**decimals
        # The points of an amount are amount * weight / (per * common): all integers.
        self._weights = {category: int(rate * common) for category, rate in rates.items()}
        self._per_up, self._per_down, self._common = each.denominator, each.numerator, common
        self._whole = whole
        self._texts = dict(points)
        self._decimals = decimals
        self._round = round_

    def earn(
        self,
        revenue: Mapping[str, int],
        lines: Iterable[tuple[str, int]] | None = None,
        *,
        explain: bool = True,
    ) -> Earned:
        """Return the base points for revenue by category, and why; with `lines`, each is rounded on its own."""
        why: list[Why] = []
        eligible: dict[int, int] = {}
        spend = 0
        for category, amount in revenue.items():
            weight = self._weights.get(category)
            if weight is not None:
                spend += amount
                eligible[weight] = eligible.get(weight, 0) + amount
            if explain:
                why.append(self._of_category(category, amount))
        if lines is None:
            points = self._points(eligible)
        else:
            weights = self._weights
            points = sum(
                [
                    self._points({weights[category]: amount})
                    for category, amount in lines
                    if category in weights
                ]
            )
        if explain:
            shown = money.from_minor(spend, self._decimals)
            why.append(Why("base", amount=shown, points=points, rule=self.code))
        return Earned(points, spend, why)

    def _of_category(self, category: str, amount: int) -> Why:
        shown, rate = money.from_minor(amount, self._decimals), self._texts.get(category)
        if rate is None:
            return Why("category_not_eligible", category, shown)
        return Why("category_eligible", category, shown, rate=rate)

    def counted(self, nights: int) -> int:
        """Return what nights of a stay count for where not each counts for one; both in tenths."""
        if self.nights_per is not None:
            return nights // (_NIGHT * self.nights_per) * _NIGHT
        return nights * self.nights // _NIGHT

    def _points(self, eligible: dict[int, int]) -> int:
        up, down = self._per_up, self._per_down
        if self._whole:
            total = sum([amount * up // down * weight for weight, amount in eligible.items()])
            return self._round(total, self._common)
        total = 0
        for weight, amount in eligible.items():
            total += amount * weight
        return self._round(total * up, down * self._common)


class Terms(Struct, frozen=True, gc=False):
    """The rules of earning that a kind of stay comes under. `among`: of an excluded stay, the categories that earn."""

    exclusion: Exclusion | None
    rates: Rates
    caps: tuple[Cap, ...]


class Earning:
    """The earning rules of one version of a program, ready to apply."""

    def __init__(self, definition: Definition) -> None:
        """Compile the rules."""
        self.currency = definition.currency
        self.decimals = money.digits(definition.currency)
        self._exchange, self._exchange_days = _exchange_tables(definition)
        self._last_exchange = self._exchange[-1]
        earning = definition.earning
        self.by_line = earning.each == "line"
        self.round_bonus = ROUNDINGS[earning.bonus_rounding]
        self.judged_on = earning.judged_on
        self.tier_points = frozenset(earning.tier_points)
        round_ = ROUNDINGS[earning.rounding]
        rooms = definition.counting.rooms
        self._rates = Rates(
            earning.points, earning.per, self.decimals, round_, whole=earning.whole, rooms=rooms
        )
        self._rules = [
            (matcher(rule), Rates(rule.points, rule.per, self.decimals, round_, whole=rule.whole, code=rule.code,
                                  nights=rule.nights, nights_per=rule.nights_per, bonus=rule.bonus,
                                  rooms=rule.rooms or rooms))
            for rule in earning.rule
        ]  # fmt: skip
        self._exclusions = [(matcher(rule), rule) for rule in definition.exclusion]
        self._caps = [(matcher(cap), cap) for cap in earning.cap]
        self._terms: dict[tuple[Kind, str], Terms] = {}

    def knows(self, currency: str) -> bool:
        """Tell whether a stay may be in this currency."""
        return currency in self._last_exchange

    def exchange(self, amount: int, currency: str, day: date) -> int:
        """Turn minor units of a known currency into those of the program's at a day's rate, rounded down."""
        quote = self.rate(currency, day)
        return amount * quote.up // quote.down

    def rate(self, currency: str, day: date) -> Quote:
        """Return the rate of a known currency on a day."""
        if self._exchange_days:
            table = self._exchange[bisect_right(self._exchange_days, day)]
            if currency in table:
                return table[currency]
        return self._last_exchange[currency]

    def terms(self, kind: Kind, tier: str) -> Terms:
        """Return the rules that such a stay comes under: the first exclusion and rates that match, and all caps."""
        key = kind, tier
        try:
            return self._terms[key]
        except KeyError:
            found = Terms(
                next((rule for matches, rule in self._exclusions if matches(*kind, tier)), None),
                next((rates for matches, rates in self._rules if matches(*kind, tier)), self._rates),
                tuple(cap for matches, cap in self._caps if matches(*kind, tier)),
            )
            if len(self._terms) < _KEPT:
                self._terms[key] = found
            return found


def _exchange_tables(definition: Definition) -> tuple[list[dict[str, Quote]], list[date]]:
    """Return the rates at the beginning and after each change, and the days of the changes."""
    target, changes = definition.currency, definition.exchange_from
    tables = [_quotes({target: "1", **definition.exchange}, target, None)]
    for change in changes:
        tables.append({**tables[-1], **_quotes(change.rates, target, change.day)})
    return tables, [change.day for change in changes]


def _quotes(rates: Mapping[str, str], target: str, since: date | None) -> dict[str, Quote]:
    quotes: dict[str, Quote] = {}
    for source, rate in rates.items():
        decimals = money.digits(source)
        ratio = Fraction(rate) * 10 ** money.digits(target) / 10**decimals
        quotes[source] = Quote(ratio.numerator, ratio.denominator, rate, since, decimals)
    return quotes
