"""The definition of a program: TOML decoded into frozen structs, with every mistake named by its key."""

import tomllib
from fractions import Fraction
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct

from loyalty import money

UNIT_SCALE: Final = {"stays": 0, "nights": 1, "spend": 2, "tier_points": 0}
"""Decimals of each unit that can be counted: nights in tenths, spend in hundredths (or as the currency has)."""

HOUSE: Final = files("loyalty.program") / "house.toml"
"""The definition that is shipped: what a hotel group starts with."""

Decimal = Annotated[str, Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$(?!\n)")]
Identifier = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$(?!\n)")]
CurrencyCode = Annotated[str, Meta(pattern=r"^[A-Z]{3}$(?!\n)")]


class ProgramError(Exception):
    """The definition of a program can't hold. The message names each key and what would be right."""


class Name(Struct, frozen=True, forbid_unknown_fields=True):
    """What people read, in English and Chinese."""

    en: str
    zh: str


class Earning(Struct, frozen=True, forbid_unknown_fields=True):
    """Points for each `per` of eligible revenue in the program's currency, by category."""

    points: dict[Identifier, Decimal]
    per: Decimal = "1"
    whole: bool = False


class Exclusion(Struct, frozen=True, forbid_unknown_fields=True):
    """Stays that earn nothing, by channel or rate code (`*` at the end stands for anything)."""

    code: Identifier
    name: Name
    channels: tuple[str, ...] = ()
    rate_codes: tuple[str, ...] = ()
    counts: tuple[str, ...] = ()


class Counting(Struct, frozen=True, forbid_unknown_fields=True):
    """What is counted for tiers and milestones."""

    units: tuple[str, ...] = ("nights", "stays", "spend")
    day_use_is_stay: bool = False


class Tier(Struct, frozen=True, forbid_unknown_fields=True):
    """A level, reached by any of its thresholds within a calendar year."""

    code: Identifier
    name: Name
    bonus_percent: Annotated[int, Meta(ge=0, le=1000)] = 0
    reach: dict[str, Decimal] = {}


class Reward(Struct, frozen=True, forbid_unknown_fields=True):
    """What a milestone gives."""

    code: Identifier
    name: Name


class Milestone(Struct, frozen=True, forbid_unknown_fields=True):
    """A reward granted each time a unit, over the whole membership, passes a multiple of `every`."""

    code: Identifier
    name: Name
    unit: str
    every: Decimal
    reward: Reward


class Expiry(Struct, frozen=True, forbid_unknown_fields=True):
    """A lot expires so many months after it was earned; None: never."""

    months: Annotated[int, Meta(ge=1, le=600)] | None = None


class Limits(Struct, frozen=True, forbid_unknown_fields=True):
    """Beyond these a posting is refused as a mistake. `amount` is of one stay, in the program's currency."""

    nights: Annotated[int, Meta(ge=1)] = 365
    amount: Decimal = "1000000"
    adjustment: Annotated[int, Meta(ge=1)] = 1_000_000


class Definition(Struct, frozen=True, forbid_unknown_fields=True):
    """All rules of one program, as its file states them."""

    id: Identifier
    version: Annotated[int, Meta(ge=1)]
    name: Name
    currency: CurrencyCode
    earning: Earning
    tier: Annotated[tuple[Tier, ...], Meta(min_length=1)]
    time_zone: str = "UTC"
    number_prefix: Annotated[str, Meta(pattern=r"^[A-Z]{0,4}$(?!\n)")] = "M"
    exchange: dict[CurrencyCode, Decimal] = {}
    exclusion: tuple[Exclusion, ...] = ()
    counting: Counting = Counting()
    milestone: tuple[Milestone, ...] = ()
    expiry: Expiry = Expiry()
    limits: Limits = Limits()


def read(path: Path | Traversable) -> Definition:
    """Read and check a definition; raise ProgramError with all that is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ProgramError(f"{path}: {error.strerror}") from error
    return decode(text, str(path))


def decode(text: str, source: str = "program") -> Definition:
    """Decode and check the TOML text of a definition."""
    try:
        definition = msgspec.convert(tomllib.loads(text), Definition)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise ProgramError(f"{source}: {error}") from error
    mistakes = check(definition)
    if mistakes:
        raise ProgramError("\n".join(f"{source}: {mistake}" for mistake in mistakes))
    return definition


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
