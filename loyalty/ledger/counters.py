"""What is counted of a member, by day or calendar year and unit: reading it, and folding days into years. Pure.

A counter's key is a day ("2026-03-14") or a year ("2026"). Days are kept only where a rule needs them; what a year's
key holds is then the rest of that year. Different brands are counted as `brand:<code>` each.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

from loyalty.ledger.model import Counters

_YEAR: Final = 4
"""Characters of a year in a key."""
_BRAND: Final = "brand:"
_NOTHING: Final[Mapping[str, int]] = {}


def is_day(key: str) -> bool:
    """Tell whether a key is a day's, not a year's."""
    return len(key) > _YEAR


def year_of(key: str) -> int:
    """Return the calendar year of a key."""
    return int(key[:_YEAR])


def add(counters: Counters, key: str, unit: str, amount: int) -> None:
    """Add to a counter; what comes to zero is left out."""
    of_key = counters.setdefault(key, {})
    of_key[unit] = of_key.get(unit, 0) + amount
    if not of_key[unit]:
        del of_key[unit]
        if not of_key:
            del counters[key]


def of_year(counters: Counters, year: int) -> Mapping[str, int]:
    """Return what was counted in a calendar year, by unit."""
    text = str(year)
    rest = counters.get(text, _NOTHING)
    days = [counts for key, counts in counters.items() if len(key) > _YEAR and key.startswith(text)]
    if not days:
        return rest
    total = dict(rest)
    for counts in days:
        for unit, amount in counts.items():
            total[unit] = total.get(unit, 0) + amount
    return total


def of_two_years(counters: Counters, year: int) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Return what was counted in a calendar year and in the one before, by unit."""
    for key in counters:
        if len(key) > _YEAR:
            return of_year(counters, year), of_year(counters, year - 1)
    return counters.get(str(year), _NOTHING), counters.get(str(year - 1), _NOTHING)


def up_to(counters: Counters, day: date) -> Counters:
    """Return the counters of days up to a day, and of years up to its year."""
    limit = day.isoformat()
    return {key: counts for key, counts in counters.items() if key <= limit}


def over_all(counters: Counters, unit: str) -> int:
    """Return what was ever counted of a unit; of `brands`, how many different ones."""
    if unit == "brands":
        return brands(by_unit(counters))
    return sum([counts.get(unit, 0) for counts in counters.values()])


def by_unit(counters: Counters) -> dict[str, int]:
    """Return what was ever counted, by unit."""
    total: dict[str, int] = {}
    for counts in counters.values():
        for unit, amount in counts.items():
            total[unit] = total.get(unit, 0) + amount
    return total


def by_year(counters: Counters) -> Counters:
    """Return all that was counted, by calendar year alone: equal for equal histories."""
    return folded(counters, None)


def folded(counters: Counters, before: date | None) -> Counters:
    """Return counters with the days before a day, or all of them, folded into their years."""
    limit = None if before is None else before.isoformat()
    found: Counters = {}
    for key, counts in counters.items():
        kept = key[:_YEAR] if limit is None or key < limit else key
        for unit, amount in counts.items():
            add(found, kept, unit, amount)
    return found


def brands(counted: Mapping[str, int]) -> int:
    """Return how many different brands there are among counts."""
    return sum([amount > 0 and unit.startswith(_BRAND) for unit, amount in counted.items()])


def with_brands(counted: Mapping[str, int]) -> dict[str, int]:
    """Return counts with the number of different brands among them as `brands`."""
    return {**counted, "brands": brands(counted)}


def last_day(counters: Counters, unit: str, until: date) -> date | None:
    """Return the last day up to `until` on which a unit was counted.

    Of a year without such days, it is taken to be the year's last one: what is folded is older than what is not.
    """
    limit = until.isoformat()
    keys = [key for key, counts in counters.items() if counts.get(unit, 0) > 0 and key <= limit]
    day = max([key for key in keys if len(key) > _YEAR], default="")
    year = max([key for key in keys if len(key) == _YEAR], default="")
    if year > day[:_YEAR]:
        day = min(f"{year}-12-31", limit)
    return date.fromisoformat(day) if day else None
