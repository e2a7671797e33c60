"""Checks of tiers: the ladder, what they bring, and how they are kept and lost."""

from collections.abc import Iterator, Mapping
from fractions import Fraction

from loyalty.program.checks.common import (
    NIGHTS_A_YEAR,
    Known,
    refers,
    thresholds,
    twice,
    unit,
)
from loyalty.program.mistakes import Mistake, Path, warning
from loyalty.program.model import Definition, Tier

_THRESHOLDS = ("reach", "require", "keep", "keep_require")
_MONTHS = 12
_DAYS_OF_MONTH = 31
_Below = tuple[str, str]
"""A threshold of a lower tier, and the tier's code."""


def tiers(definition: Definition, book: Known) -> Iterator[Mistake]:
    """`[[tier]]`: each by itself, and as a ladder."""
    yield from twice(("tier",), book.tiers)
    for place, tier in enumerate(definition.tier):
        path = ("tier", place)
        for name in _THRESHOLDS:
            yield from thresholds((*path, name), getattr(tier, name), book)
        yield from _brings(path, tier, book)
        if place:
            yield from _higher(path, tier)
            yield from _too_far(path, tier, definition)
        else:
            yield from _lowest(path, tier)
    yield from _ladder(definition)


def _lowest(path: Path, tier: Tier) -> Iterator[Mistake]:
    if tier.by_invitation:
        yield Mistake((*path, "by_invitation"), "the lowest tier is everybody's")
    for name in _THRESHOLDS:
        if getattr(tier, name):
            yield Mistake((*path, name), f"the lowest tier is everybody's; take `{name}` away")


def _higher(path: Path, tier: Tier) -> Iterator[Mistake]:
    if tier.by_invitation:
        yield from _invited(path, tier)
    elif not tier.reach and not tier.require:
        yield Mistake((*path, "reach"), "say what it takes, such as nights")
    for to_reach, to_keep in (("reach", "keep"), ("require", "keep_require")):
        reach, keep = getattr(tier, to_reach), getattr(tier, to_keep)
        for name in keep.keys() & reach.keys():
            if Fraction(keep[name]) > Fraction(reach[name]):
                yield Mistake(
                    (*path, to_keep, name), f"{keep[name]} to keep it is more than {reach[name]} to reach it"
                )
        if tier.permanent and keep:
            yield warning((*path, to_keep), "has no meaning for a tier that is never lost")
    if not (tier.bonus_percent or tier.benefits or tier.yearly):
        yield warning(path, "brings nothing: neither a bonus nor benefits")


def _invited(path: Path, tier: Tier) -> Iterator[Mistake]:
    for name in _THRESHOLDS:
        if getattr(tier, name):
            yield Mistake((*path, name), f"nothing that is counted reaches it; take `{name}` away")
    if tier.permanent:
        yield warning((*path, "permanent"), "has no meaning: it lasts as long as it is given for")


def _too_far(path: Path, tier: Tier, definition: Definition) -> Iterator[Mistake]:
    rules = definition.qualification
    by_year = rules.period in {"calendar_year", "membership_year"}
    most = (
        NIGHTS_A_YEAR
        if by_year
        else max(rules.months * _DAYS_OF_MONTH, NIGHTS_A_YEAR * rules.months // _MONTHS)
    )
    for name in ("reach", "require"):
        for what, text in getattr(tier, name).items():
            if Fraction(text) > most and takes_nights(what, definition):
                yield warning(
                    (*path, name, what), f"a guest in one room has at most {most} nights in the period"
                )


def takes_nights(what: str, definition: Definition) -> bool:
    """Tell whether each of what is counted takes a night of a guest in one room."""
    if what == "stays":
        return not definition.counting.day_use_is_stay
    return what == "nights" and not _nights_add_up(definition)


def _nights_add_up(definition: Definition) -> bool:
    """Tell whether a night can count for more than one."""
    return (
        definition.counting.room_nights
        or any(Fraction(rule.nights) > 1 for rule in definition.earning.rule)
        or any(promotion.nights for promotion in definition.promotion)
    )


def _brings(path: Path, tier: Tier, book: Known) -> Iterator[Mistake]:
    yield from twice((*path, "benefits"), tier.benefits, None)
    for place, code in enumerate(tier.benefits):
        yield from refers((*path, "benefits", place), code, book.benefits, "benefit")
    for code in tier.yearly:
        yield from refers((*path, "yearly", code), code, book.benefits, "benefit")


def _ladder(definition: Definition) -> Iterator[Mistake]:
    """No threshold may be below that of a lower tier; one to reach it may only be equal if `require` asks for more."""
    below: dict[str, dict[str, _Below]] = {name: {} for name in _THRESHOLDS}
    bonus = 0
    for place, tier in enumerate(definition.tier):
        path = ("tier", place)
        asks_more = _asks_more(tier.require, below["require"])
        if below["require"] and tier.require and not tier.reach and not asks_more:
            yield Mistake((*path, "require"), "takes no more than the tier below")
        for key, amounts in _thresholds_in_force(tier).items():
            if getattr(tier, key):
                yield from _above((*path, key), amounts, below[key], may_equal=key != "reach" or asks_more)
            below[key] |= {name: (text, tier.code) for name, text in amounts.items()}
        if tier.bonus_percent < bonus:
            yield warning((*path, "bonus_percent"), f"is below that of a lower tier, {bonus}")
        bonus = max(bonus, tier.bonus_percent)


def _thresholds_in_force(tier: Tier) -> dict[str, Mapping[str, str]]:
    return {
        "reach": tier.reach,
        "require": tier.require,
        "keep": tier.keep or tier.reach,
        "keep_require": tier.keep_require or tier.require,
    }


def _asks_more(require: Mapping[str, str], below: Mapping[str, _Below]) -> bool:
    return any(
        name not in below or Fraction(text) > Fraction(below[name][0]) for name, text in require.items()
    )


def _above(
    path: Path, amounts: Mapping[str, str], below: Mapping[str, _Below], *, may_equal: bool
) -> Iterator[Mistake]:
    for name in amounts.keys() & below.keys():
        least, code = below[name]
        if Fraction(amounts[name]) < Fraction(least) or (
            not may_equal and Fraction(amounts[name]) == Fraction(least)
        ):
            words = "must not be below" if may_equal else "must be above"
            yield Mistake((*path, name), f"{words} that of {code}, {least}")


def qualification(definition: Definition, book: Known) -> Iterator[Mistake]:
    """`[qualification]`: the period, what is carried over, bars and tiers for life."""
    yield from _period(definition)
    yield from _rollover(definition, book)
    yield from _bars(definition, book)
    yield from _lifetime(definition, book)


def _bars(definition: Definition, book: Known) -> Iterator[Mistake]:
    rules = definition.qualification
    seen = set[tuple[str, str, frozenset[str]]]()
    for place, bar in enumerate(rules.bar):
        path = ("qualification", "bar", place)
        yield from unit((*path, "unit"), bar.unit, book)
        if (same := (bar.unit, bar.on, frozenset(bar.tiers))) in seen:
            yield Mistake((*path, "unit"), f"`{bar.unit}` is given twice")
        seen.add(same)
        yield from twice((*path, "tiers"), bar.tiers, None)
        for each, code in enumerate(bar.tiers):
            yield from refers((*path, "tiers", each), code, book.tiers, "tier")
            if code == book.tiers[0]:
                yield Mistake((*path, "tiers", each), f"{code} is everybody's anyway")
        if bar.on == "keep" and rules.period == "rolling":
            yield Mistake((*path, "on"), "a rolling tier is valid as long as its thresholds hold")


def _period(definition: Definition) -> Iterator[Mistake]:
    rules = definition.qualification
    if rules.period in {"calendar_year", "membership_year"} and rules.months != _MONTHS:
        yield Mistake(
            ("qualification", "months"), f"has no meaning with a {rules.period}, which has 12",
            'Write period = "rolling" or "cycle"',
        )  # fmt: skip
    if rules.period == "rolling" and rules.downgrade == "one_level":
        yield Mistake(
            ("qualification", "downgrade"),
            'a rolling tier is valid as long as its thresholds hold; write "counters"',
        )


def _rollover(definition: Definition, book: Known) -> Iterator[Mistake]:
    rules = definition.qualification
    path = ("qualification", "rollover")
    if rules.rollover and rules.period in {"rolling", "cycle"}:
        yield Mistake(
            path, f'has no meaning with period = "{rules.period}": there is no next year to carry over to'
        )
    yield from twice(path, rules.rollover, None)
    needed = {name for tier in definition.tier for name in (*tier.reach, *tier.require)}
    for place, name in enumerate(rules.rollover):
        yield from unit((*path, place), name, book)
        if name in book.units and name not in needed:
            yield Mistake((*path, place), f"no tier has a threshold in {name}, so there is no excess of them")
    if rules.rollover_from is not None:
        where = ("qualification", "rollover_from")
        yield from refers(where, rules.rollover_from, book.tiers, "tier")
        if not rules.rollover:
            yield warning(where, "has no meaning without rollover")
        elif rules.rollover_from in book.tiers[:2]:
            yield warning(where, "is for every tier that has a threshold")


def _lifetime(definition: Definition, book: Known) -> Iterator[Mistake]:
    for place, item in enumerate(definition.qualification.lifetime):
        path = ("qualification", "lifetime", place)
        yield from refers((*path, "tier"), item.tier, book.tiers, "tier")
        if item.tier == book.tiers[0]:
            yield Mistake((*path, "tier"), f"{item.tier} is everybody's anyway")
        if any(tier.by_invitation for tier in definition.tier if tier.code == item.tier):
            yield Mistake((*path, "tier"), f"{item.tier} comes by invitation alone")
        if not item.require and not item.years:
            yield Mistake(path, "says nothing that it takes; write require, years or both")
        yield from thresholds((*path, "require"), item.require, book)


def benefits(definition: Definition, book: Known) -> Iterator[Mistake]:
    """`[[benefit]]`."""
    yield from twice(("benefit",), book.benefits)
    used = {code for tier in definition.tier for code in (*tier.benefits, *tier.yearly)}
    used |= {reward.code for item in definition.milestone if (reward := item.reward)}
    used |= {reward.code for item in definition.milestone if item.choice for reward in item.choice.among}
    for place, code in enumerate(book.benefits):
        if code not in used:
            yield warning(("benefit", place), "no tier and no milestone brings it")
