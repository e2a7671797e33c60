"""Checks of what is earned and counted: rates, rules, caps, exchange, exclusions, units."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from loyalty import money
from loyalty.program.checks.common import (
    MOST_POINTS,
    Known,
    match,
    names_nothing,
    nights,
    refers,
    shadowed,
    twice,
    unit,
)
from loyalty.program.mistakes import Mistake, Path, listed, near, warning
from loyalty.program.model import UNIT_SCALE, Definition
from loyalty.program.wording import CODES

_ANOTHER = "Write another code"
_CALLED = {"RMB": "CNY", "CNH": "CNY", "NTD": "TWD", "YEN": "JPY"}
"""What currencies are called besides their codes."""
_UNITS_OF_AN_AWARD_STAY = ("nights", "stays", "brands")


def earning(definition: Definition, book: Known) -> Iterator[Mistake]:
    """`[earning]`, its rules and its caps."""
    rules = definition.earning
    yield from _rates(("earning",), rules.points, rules.per, definition)
    if not book.categories:
        yield warning(("earning", "points"), "nothing earns points: there is no category, nor a rule")
    yield from twice(("earning", "tier_points"), rules.tier_points, None)
    yield from _tier_points(definition)
    yield from _rules(definition, book)
    yield from _caps(definition, book)


def _rates(path: Path, points: dict[str, str], per: str, definition: Definition) -> Iterator[Mistake]:
    if not Fraction(per):
        yield Mistake((*path, "per"), "must be above zero")
    most = Fraction(definition.limits.amount)
    for category, rate in points.items():
        if Fraction(per) and most * Fraction(rate) / Fraction(per) > MOST_POINTS:
            yield Mistake(
                (*path, "points", category),
                f"a stay of {definition.limits.amount} (limits.amount) would earn more than {MOST_POINTS} points",
            )
        if not Fraction(rate):
            yield warning(
                (*path, "points", category), "earns nothing; its revenue still counts as spend",
                "If it shouldn't, take it away",
            )  # fmt: skip


def _tier_points(definition: Definition) -> Iterator[Mistake]:
    path = ("earning", "tier_points")
    kinds = definition.earning.tier_points
    if "tier_points" in definition.counting.units and not kinds:
        yield Mistake(path, 'tier_points are counted, but no points count as such; write ["base"]')
    if "tier_points" not in definition.counting.units and kinds != ("base",):
        yield warning(path, "has no meaning while tier_points are not among counting.units")


def _rules(definition: Definition, book: Known) -> Iterator[Mistake]:
    rules = definition.earning.rule
    yield from twice(("earning", "rule"), (rule.code for rule in rules))
    yield from shadowed(("earning", "rule"), rules)
    for place, rule in enumerate(rules):
        path = ("earning", "rule", place)
        yield from match(path, rule, book)
        yield from _rates(path, rule.points, rule.per, definition)
        yield from nights((*path, "nights"), rule.nights)
        if rule.nights_per is not None and Fraction(rule.nights) != 1:
            yield Mistake((*path, "nights_per"), "give only one of nights and nights_per")
        if rule.nights_per == 1:
            yield warning((*path, "nights_per"), "is each night; take it away")
        if not rule.bonus and not any(tier.bonus_percent for tier in definition.tier):
            yield warning((*path, "bonus"), "no tier has a bonus anyway")
        if rule.rooms and rule.rooms == definition.counting.rooms:
            yield warning((*path, "rooms"), "is as counting.rooms says")
        if names_nothing(rule):
            yield warning(
                path, "is for every stay, so the rates of [earning] never count", "Say for which stays it is"
            )


def _caps(definition: Definition, book: Known) -> Iterator[Mistake]:
    yield from twice(("earning", "cap"), (cap.code for cap in definition.earning.cap))
    for place, cap in enumerate(definition.earning.cap):
        path = ("earning", "cap", place)
        yield from match(path, cap, book)
        if not cap.points:
            yield warning(
                (*path, "points"), "lets such stays earn nothing", "An [[exclusion]] says so more plainly"
            )


def exchange(definition: Definition, _book: Known) -> Iterator[Mistake]:
    """The program's currency, `[exchange]` and `[[exchange_from]]`."""
    yield from _currency(("currency",), definition.currency)
    yield from _exchange_rates(("exchange",), definition.exchange, definition.currency)
    changes = definition.exchange_from
    for place, (before, after) in enumerate(pairwise(changes), 1):
        if after.day <= before.day:
            yield Mistake(
                ("exchange_from", place, "day"),
                f"{after.day} must be after {before.day}, the day of the entry before it",
            )
    for place, change in enumerate(changes):
        path = ("exchange_from", place, "rates")
        yield from _exchange_rates(path, change.rates, definition.currency)
        if not change.rates:
            yield Mistake(path, 'say at least one rate, such as { USD = "7.10" }')
        for code in change.rates.keys() - definition.exchange.keys() - {definition.currency}:
            yield warning(
                (*path, code), "is not in [exchange], so stays before this day are exchanged at a later rate",
                near(code, definition.exchange),
            )  # fmt: skip


def _currency(path: Path, code: str) -> Iterator[Mistake]:
    """Warn of a code that is no currency, such as RMB: stays would be posted in another one."""
    if code not in money.CODES:
        told = f"`{_CALLED[code]}`" if code in _CALLED else None
        yield warning(
            path, f"{code} is no currency that ISO 4217 has in use",
            f"Did you mean {told}?" if told else near(code, money.CODES),
        )  # fmt: skip


def _exchange_rates(path: Path, rates: dict[str, str], currency: str) -> Iterator[Mistake]:
    for code, rate in rates.items():
        yield from _currency((*path, code), code)
        if code == currency:
            yield Mistake((*path, code), "is the program's own currency; take it away")
        elif not Fraction(rate):
            yield Mistake((*path, code), "must be above zero")


def exclusions(definition: Definition, book: Known) -> Iterator[Mistake]:
    """`[[exclusion]]`."""
    yield from twice(("exclusion",), (item.code for item in definition.exclusion))
    yield from shadowed(("exclusion",), definition.exclusion)
    for place, item in enumerate(definition.exclusion):
        if item.code in CODES:
            yield Mistake(
                ("exclusion", place, "code"),
                f"`{item.code}` is what explanations call another reason",
                _ANOTHER,
            )
    for place, item in enumerate(definition.exclusion):
        path = ("exclusion", place)
        yield from match(path, item, book)
        if names_nothing(item):
            yield Mistake(path, "excludes every stay; say which, such as channels or rate_codes")
        yield from twice((*path, "counts"), item.counts, None)
        for each, name in enumerate(item.counts):
            yield from unit((*path, "counts", each), name, book)
        yield from twice((*path, "earns"), item.earns, None)
        for each, category in enumerate(item.earns):
            yield from refers((*path, "earns", each), category, book.categories, "rate for the category")


def counting(definition: Definition, book: Known) -> Iterator[Mistake]:
    """`[counting]`."""
    rules, rates = definition.counting, definition.earning.rule
    yield from twice(("counting", "units"), rules.units, None)
    for place, name in enumerate(rules.units):
        if name not in UNIT_SCALE:
            yield Mistake(
                ("counting", "units", place), f'"{name}" is unknown; known are {listed(UNIT_SCALE)}',
                near(name, UNIT_SCALE),
            )  # fmt: skip
    yield from _award_stays(definition, book)
    if rules.room_nights and rules.rooms == 1 and not any((rule.rooms or 1) > 1 for rule in rates):
        yield warning(("counting", "room_nights"), "has no meaning when only one room of a stay counts")


def _award_stays(definition: Definition, book: Known) -> Iterator[Mistake]:
    rules, path = definition.counting, ("counting", "award_stay_counts")
    yield from twice(path, rules.award_stay_counts, None)
    for place, name in enumerate(rules.award_stay_counts):
        yield from unit((*path, place), name, book)
        if name in book.units and name not in _UNITS_OF_AN_AWARD_STAY:
            yield Mistake((*path, place), f"an award stay has no {name}")
    if rules.award_stay_counts and rules.award_nights != "whole_stay":
        yield warning(path, 'has no meaning without award_nights = "whole_stay"')
