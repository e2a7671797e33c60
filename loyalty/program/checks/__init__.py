"""What a definition must be beyond its form: each mistake with the key it stands at, and what would be right. Pure."""

from collections.abc import Iterator
from datetime import date
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

import msgspec

from loyalty.program.checks import days, earning, expiry, fair, milestones, moving, promotions, tiers
from loyalty.program.checks.common import known, odd_names
from loyalty.program.mistakes import Mistake, key_of, near
from loyalty.program.model import Definition


def check(definition: Definition, today: date | None = None) -> list[Mistake]:
    """Return what can't hold in a definition, and warnings of what is probably not meant.

    Without `today` nothing is said of what is over.
    """
    found = list(_all(definition, today))
    document = msgspec.to_builtins(definition, builtin_types=(date,)) if found else None
    return [msgspec.structs.replace(mistake, key=key_of(mistake.path, document)) for mistake in found]


def _all(definition: Definition, today: date | None) -> Iterator[Mistake]:
    book = known(definition)
    yield from odd_names(definition)
    yield from _zone(definition)
    yield from earning.exchange(definition, book)
    yield from earning.earning(definition, book)
    yield from earning.exclusions(definition, book)
    yield from earning.counting(definition, book)
    yield from promotions.festivals(definition, book)
    yield from promotions.promotions(definition, book, today)
    yield from days.rivals(definition)
    yield from tiers.benefits(definition, book)
    yield from tiers.tiers(definition, book)
    yield from tiers.qualification(definition, book)
    yield from fair.fair(definition)
    yield from milestones.milestones(definition, book)
    yield from expiry.expiry(definition, book)
    yield from moving.moving(definition, book)
    yield from moving.limits(definition, book)


def _zone(definition: Definition) -> Iterator[Mistake]:
    try:
        ZoneInfo(definition.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield Mistake(
            ("time_zone",), f'"{definition.time_zone}" is not a time zone; write one such as "Asia/Shanghai"',
            near(definition.time_zone, available_timezones()),
        )  # fmt: skip
