"""Checks of festivals and promotions, each by itself."""

from collections.abc import Iterator
from datetime import date
from fractions import Fraction

from loyalty import money
from loyalty.program.checks.common import Known, fits, match, refers, twice
from loyalty.program.checks.common import nights as counted_nights
from loyalty.program.checks.days import has_a_day
from loyalty.program.mistakes import Mistake, Path, warning
from loyalty.program.model import Definition, Promotion

_GIFTS = ("multiplier", "percent", "points", "points_per_night")
_LIMITS = ("per_stay", "per_member", "budget")
_LEAP_DAY = "02-29"
_LARGE_SHARE = 10
_MOST_SHARE = 1_000
"""Of the base points, on top."""


def festivals(definition: Definition, book: Known) -> Iterator[Mistake]:
    """`[[festival]]`."""
    yield from twice(("festival",), book.festivals)
    used = {code for promotion in definition.promotion for code in promotion.festivals}
    for place, item in enumerate(definition.festival):
        path = ("festival", place)
        given = [name for name in ("day", "lunar", "listed") if getattr(item, name)]
        if not given:
            yield Mistake(path, "says no day; write one of day, lunar, listed")
        elif len(given) > 1:
            yield Mistake((*path, given[1]), f"give only one of {' and '.join(given)}")
        yield from twice((*path, "listed"), item.listed, None)
        if item.day == _LEAP_DAY:
            yield warning((*path, "day"), "in a year without this day it is 28 February")
        if item.code not in used:
            yield warning(path, "no promotion is for it")


def promotions(definition: Definition, book: Known, today: date | None) -> Iterator[Mistake]:
    """`[[promotion]]`."""
    yield from twice(("promotion",), (item.code for item in definition.promotion))
    for place, item in enumerate(definition.promotion):
        path = ("promotion", place)
        yield from match(path, item, book)
        yield from _dates(path, item, definition, today)
        yield from _gift(path, item, definition)
        yield from _limits(path, item)
        yield from _conditions(path, item, definition)
        yield from _lists(path, item, book)


def _dates(path: Path, item: Promotion, definition: Definition, today: date | None) -> Iterator[Mistake]:
    if item.first and item.last and item.last < item.first:
        yield Mistake((*path, "last"), f"{item.last} is before first, {item.first}")
    elif not has_a_day(item, definition.festival):
        yield Mistake(path, "no day between first and last is on its weekdays, member days and festivals")
    elif today and item.last and item.last < today:
        yield warning(
            (*path, "last"), f"it is over since {item.last}", "It still counts for late and changed stays"
        )


def _gift(path: Path, item: Promotion, definition: Definition) -> Iterator[Mistake]:
    given = [name for name in _GIFTS if getattr(item, name) is not None]
    if not given and item.nights is None:
        yield Mistake(path, f"gives nothing; write one of {', '.join(_GIFTS)} or nights")
    if len(given) > 1:
        yield Mistake(
            (*path, given[1]), f"gives two things at once, {' and '.join(given)}; make it two promotions"
        )
    yield from _worth(path, item)
    if item.by == "nights" and item.points is not None:
        yield Mistake((*path, "points"), 'fixed points can\'t go by = "nights"; write points_per_night')
    if item.nights is not None:
        yield from _nights(path, item.nights, definition)


def _worth(path: Path, item: Promotion) -> Iterator[Mistake]:
    if item.multiplier is not None and Fraction(item.multiplier) <= 1:
        yield Mistake(
            (*path, "multiplier"),
            f'"{item.multiplier}" adds nothing: it must be above 1',
            'Double points are "2"',
        )
    if item.percent is not None and not Fraction(item.percent):
        yield Mistake((*path, "percent"), "must be above zero")
    for name, share in (
        ("multiplier", Fraction(item.multiplier or 1) - 1),
        ("percent", Fraction(item.percent or 0) / 100),
    ):
        if share > _MOST_SHARE:
            yield Mistake((*path, name), f"gives more than {_MOST_SHARE} times the base points on top")
        elif share > _LARGE_SHARE:
            yield warning((*path, name), f"gives more than {_LARGE_SHARE} times the base points on top")
    for name in ("points", "points_per_night"):
        if getattr(item, name) == 0:
            yield Mistake((*path, name), "must be above zero")


def _nights(path: Path, nights: str, definition: Definition) -> Iterator[Mistake]:
    if not Fraction(nights):
        yield Mistake((*path, "nights"), "must be above zero")
    yield from counted_nights((*path, "nights"), nights)
    if "nights" not in definition.counting.units:
        yield Mistake((*path, "nights"), '"nights" is not among counting.units')


def _limits(path: Path, item: Promotion) -> Iterator[Mistake]:
    """A limit must leave room for one award."""
    once = item.points or item.points_per_night or 0
    for name in _LIMITS:
        limit = getattr(item, name)
        if limit is not None and limit < max(once, 1):
            award = f"a single award of {once} points" if once else "any award"
            yield Mistake((*path, name), f"{limit} is less than {award}")
    if item.per_stay and item.per_member and item.per_stay > item.per_member:
        yield warning((*path, "per_stay"), f"is more than a member may get at all, {item.per_member}")
    for name in ("per_stay", "per_member"):
        limit = getattr(item, name)
        if limit and item.budget and limit > item.budget:
            yield warning((*path, name), f"is more than all members may get together, {item.budget} (budget)")
    if item.priority and item.group is None:
        yield warning((*path, "priority"), "has no meaning without a group")


def _conditions(path: Path, item: Promotion, definition: Definition) -> Iterator[Mistake]:
    if item.least_nights and item.least_nights > definition.limits.nights:
        yield Mistake(
            (*path, "least_nights"), f"a stay has at most {definition.limits.nights} nights (limits.nights)"
        )
    yield from _least_spend(path, item, definition)
    if item.nth_over == "year" and not (item.nth_stay or item.from_stay):
        yield warning((*path, "nth_over"), "has no meaning without nth_stay or from_stay")
    if item.nth_stay and item.from_stay:
        yield Mistake((*path, "from_stay"), "give only one of nth_stay and from_stay")
    if item.from_stay == 1:
        yield warning((*path, "from_stay"), "is every stay; take it away")
    if item.dormant_months and item.nth_stay == (1,) and item.nth_over == "lifetime":
        yield Mistake((*path, "dormant_months"), "a guest's first stay has none before it (nth_stay)")
    if item.referred and not (item.nth_stay or item.times):
        yield warning(
            (*path, "referred"),
            "every stay of a referred guest gets it",
            "For the first stay only, write nth_stay = [1]",
        )
    if item.referred and definition.referral is None:
        yield warning((*path, "referred"), "whoever refers a guest gets nothing: there is no [referral]")


def _least_spend(path: Path, item: Promotion, definition: Definition) -> Iterator[Mistake]:
    if item.least_spend is None:
        return
    decimals = money.digits(definition.currency)
    if not fits(item.least_spend, decimals):
        yield Mistake(
            (*path, "least_spend"), f'"{item.least_spend}" is finer than {definition.currency} has decimals'
        )
    if Fraction(item.least_spend) > Fraction(definition.limits.amount):
        yield Mistake(
            (*path, "least_spend"), f"a stay has at most {definition.limits.amount} (limits.amount)"
        )


def _lists(path: Path, item: Promotion, book: Known) -> Iterator[Mistake]:
    for place, code in enumerate(item.festivals):
        yield from refers((*path, "festivals", place), code, book.festivals, "festival")
    for name in ("festivals", "weekdays", "member_days", "segments", "nth_stay"):
        yield from twice((*path, name), getattr(item, name), None)
