"""Checks that a higher tier never earns less than a lower one, all else equal. A bonus is looked at with its tier.

They may warn of what never happens, such as of promotions whose days never meet. What limits leave of a promotion isn't
looked at.
"""

from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Final

from msgspec import Struct, structs

from loyalty.program.checks.common import apart, includes
from loyalty.program.mistakes import Mistake, Path, warning
from loyalty.program.model import Cap, Definition, Earning, EarningRule, Exclusion, Match, Promotion

_ROUNDINGS: Final = ("down", "half_up", "up")
"""From the least to the most."""
_GIFTS: Final = ("multiplier", "percent", "points", "points_per_night")
_OWN: Final = ("code", "name", "tiers", *_GIFTS)
"""What two promotions may differ in that are the same for different tiers."""


class _Rates(Struct, frozen=True, gc=False):
    """Points by category for each `per`."""

    points: Mapping[str, str]
    per: str
    whole: bool


def fair(definition: Definition) -> Iterator[Mistake]:
    """Of two tiers next to each other, the higher must not be worse off by what is for some tiers alone."""
    seen = set[Path]()
    for low, high in pairwise(tier.code for tier in definition.tier):
        for mistake in _between(definition, low, high):
            if mistake.path not in seen:
                seen.add(mistake.path)
                yield mistake


def _between(definition: Definition, low: str, high: str) -> Iterator[Mistake]:
    yield from _exclusions(definition.exclusion, low, high)
    yield from _rules(definition, low, high)
    yield from _caps(definition.earning.cap, low, high)
    yield from _promotions(definition.promotion, low, high)


def _names(rule: Match, tier: str) -> bool:
    return not rule.tiers or tier in rule.tiers


def _first_of_each(rules: Sequence[Match], low: str, high: str) -> Iterator[tuple[int | None, int | None]]:
    """Yield the different rules that one stay may come under, by the lower tier and by the higher one; None: none."""
    if not any(rule.tiers for rule in rules):
        return
    anyone = [structs.replace(rule, tiers=()) for rule in rules]

    def comes_under(tier: str, place: int | None, stay: list[Match]) -> bool:
        before = range(len(rules) if place is None else place)
        return not any(
            _names(rules[at], tier) and any(includes(anyone[at], one) for one in stay) for at in before
        )

    mine = [*(place for place, rule in enumerate(rules) if _names(rule, low)), None]
    theirs = [*(place for place, rule in enumerate(rules) if _names(rule, high)), None]
    for one in mine:
        for other in theirs:
            stay = [anyone[place] for place in (one, other) if place is not None]
            if (
                one != other
                and not apart(stay[0], stay[-1])
                and comes_under(low, one, stay)
                and comes_under(high, other, stay)
            ):
                yield one, other


def _exclusions(rules: Sequence[Exclusion], low: str, high: str) -> Iterator[Mistake]:
    for one, other in _first_of_each(rules, low, high):
        if other is not None and (one is None or not set(rules[one].earns) <= set(rules[other].earns)):
            yield _less(("exclusion", _with_tiers(rules, other, one), "tiers"), low, high)


def _rules(definition: Definition, low: str, high: str) -> Iterator[Mistake]:
    earning = definition.earning
    rules = earning.rule
    for one, other in _first_of_each(rules, low, high):
        before, after = (_rates(earning if place is None else rules[place]) for place in (one, other))
        if not _never_less(before, after):
            yield _less(("earning", "rule", _with_tiers(rules, other, one), "tiers"), low, high)


def _with_tiers(rules: Sequence[Match], *places: int | None) -> int:
    """Return the first of these rules that is for some tiers alone."""
    return next(place for place in places if place is not None and rules[place].tiers)


def _less(path: Path, low: str, high: str) -> Mistake:
    return warning(path, f"a stay of {high} may earn less than the same stay of {low}")


def _rates(of: EarningRule | Earning) -> _Rates:
    return _Rates(of.points, of.per, of.whole)


def _never_less(before: _Rates, after: _Rates) -> bool:
    """Tell whether rates never come to less than others do, whatever is spent on what; nor to less spend."""
    per_before, per_after = Fraction(before.per), Fraction(after.per)
    if after.whole and not (before.whole and per_before == per_after):
        return False
    if any(
        category not in after.points
        or Fraction(after.points[category]) / per_after < Fraction(points) / per_before
        for category, points in before.points.items()
    ):
        return False
    # Whole units are of all revenue of one rate: what counts together must not be taken apart.
    together: dict[Fraction, set[Fraction]] = {}
    for category, points in before.points.items():
        together.setdefault(Fraction(points), set()).add(Fraction(after.points[category]))
    return not after.whole or all(len(rates) == 1 for rates in together.values())


def _caps(caps: Sequence[Cap], low: str, high: str) -> Iterator[Mistake]:
    for place, cap in enumerate(caps):
        if _names(cap, high) and not _names(cap, low):
            anyone = structs.replace(cap, tiers=())
            if not any(
                _names(other, low)
                and other.per == cap.per
                and other.points <= cap.points
                and includes(structs.replace(other, tiers=()), anyone)
                for other in caps
            ):
                yield warning(
                    ("earning", "cap", place, "tiers"), f"{high} has this cap, and {low} has none so tight"
                )


def _promotions(items: Sequence[Promotion], low: str, high: str) -> Iterator[Mistake]:
    for place, item in enumerate(items):
        if _names(item, low) and not _names(item, high):
            if not any(_names(other, high) and _same_or_better(item, other) for other in items):
                yield warning(("promotion", place, "tiers"), f"{low} gets it, and {high} above it doesn't")
        elif _names(item, high) and not _names(item, low):
            for other in items:
                if _names(other, low) and _takes_the_place(item, other) and not _gives_as_much(other, item):
                    yield warning(
                        ("promotion", place, "tiers"),
                        f"{high} gets it in place of `{other.code}`, by which {low} may get more",
                    )
                    break


def _same_or_better(item: Promotion, other: Promotion) -> bool:
    rest = [name for name in item.__struct_fields__ if name not in _OWN]
    return all(getattr(item, name) == getattr(other, name) for name in rest) and _gives_as_much(item, other)


def _takes_the_place(item: Promotion, other: Promotion) -> bool:
    """Tell whether a promotion may keep another one of its group from counting."""
    return (
        item.group is not None
        and item.group == other.group
        and item.priority > other.priority
        and not apart(structs.replace(item, tiers=()), structs.replace(other, tiers=()))
    )


def _gives_as_much(item: Promotion, other: Promotion) -> bool:
    """Tell whether another promotion gives what one does or more, leaving limits aside."""
    if other.by == "nights" and item.by != "nights":
        return False
    if _ROUNDINGS.index(item.rounding) > _ROUNDINGS.index(other.rounding):
        return False
    one, two = _share(item), _share(other)
    if one or two:
        return not (item.points or item.points_per_night) and one <= two
    return (item.points or 0) <= (other.points or 0) and (item.points_per_night or 0) <= (
        other.points_per_night or 0
    )


def _share(item: Promotion) -> Fraction:
    """Return what a promotion gives of the base."""
    return Fraction(item.multiplier or 1) - 1 + Fraction(item.percent or 0) / 100
