"""What a definition must be beyond its form: each mistake with the key it stands at, and what would be right."""

from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from loyalty import money
from loyalty.program.model import UNIT_SCALE, Definition


def check(definition: Definition) -> list[str]:
    """Return what can't hold in a definition, each with the key it stands at."""
    return [
        *_check_zone(definition),
        *_check_units(definition),
        *_check_decimals(definition),
        *_check_tiers(definition),
        *_check_codes(definition),
        *_check_rates(definition),
    ]


def _check_zone(definition: Definition) -> list[str]:
    try:
        ZoneInfo(definition.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return [f'time_zone: "{definition.time_zone}" is not a time zone; write one such as "Asia/Shanghai"']
    return []


def _check_units(definition: Definition) -> list[str]:
    counted = definition.counting.units
    known = ", ".join(UNIT_SCALE)
    found = [
        f'counting.units: "{unit}" is unknown; known are {known}'
        for unit in counted
        if unit not in UNIT_SCALE
    ]
    used = [
        *((f"tier {tier.code}.reach", unit) for tier in definition.tier for unit in tier.reach),
        *((f"milestone {item.code}.unit", item.unit) for item in definition.milestone),
        *((f"exclusion {item.code}.counts", unit) for item in definition.exclusion for unit in item.counts),
    ]
    return found + [
        f'{key}: "{unit}" is not among counting.units' for key, unit in used if unit not in counted
    ]


def _check_decimals(definition: Definition) -> list[str]:
    scale = {**UNIT_SCALE, "spend": money.digits(definition.currency)}
    amounts = [
        (f"tier {tier.code}.reach.{unit}", unit, text)
        for tier in definition.tier
        for unit, text in tier.reach.items()
    ]
    amounts += [(f"milestone {item.code}.every", item.unit, item.every) for item in definition.milestone]
    return [
        f'{key}: "{text}" is finer than {unit} are counted'
        for key, unit, text in amounts
        if unit in scale and money.to_minor(text, scale[unit]) is None
    ]


def _check_tiers(definition: Definition) -> list[str]:
    found: list[str] = []
    entry, *higher = definition.tier
    if entry.reach:
        found.append(f"tier {entry.code}: the lowest tier is everybody's; take `reach` away")
    found += [
        f"tier {tier.code}.reach: say what it takes, such as nights" for tier in higher if not tier.reach
    ]
    for lower, upper in pairwise(higher):
        for unit in lower.reach.keys() & upper.reach.keys():
            if Fraction(upper.reach[unit]) <= Fraction(lower.reach[unit]):
                found.append(f"tier {upper.code}.reach.{unit}: must be above that of {lower.code}")
    return found


def _check_codes(definition: Definition) -> list[str]:
    found: list[str] = []
    for key, codes in (
        ("tier", [item.code for item in definition.tier]),
        ("milestone", [item.code for item in definition.milestone]),
        ("exclusion", [item.code for item in definition.exclusion]),
    ):
        found += [
            f"{key} {code}: given twice" for code in sorted({code for code in codes if codes.count(code) > 1})
        ]
    return found


def _check_rates(definition: Definition) -> list[str]:
    found = [
        f"exchange.{code}: must be above zero"
        for code, rate in definition.exchange.items()
        if not Fraction(rate)
    ]
    if not Fraction(definition.earning.per):
        found.append("earning.per: must be above zero")
    found += [
        f"milestone {item.code}.every: must be above zero"
        for item in definition.milestone
        if not Fraction(item.every)
    ]
    if money.to_minor(definition.limits.amount, money.digits(definition.currency)) is None:
        found.append(f"limits.amount: finer than {definition.currency} has decimals")
    return found
