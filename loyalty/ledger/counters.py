"""What is counted of a member, by day or calendar year and unit: reading it, and folding days into years. Pure.

A counter's key is a day ("2026-03-14") or a year ("2026"). Days are kept only where a rule needs them; what a year's
key holds is then the rest of that year.
"""

from collections.abc import Mapping
from datetime import date
from typing import Final

from loyalty.ledger.model import Counters

_YEAR: Final = 4
"""Characters of a year in a key."""


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
    found = counters.get(text)
    days = [counts for key, counts in counters.items() if len(key) > _YEAR and key.startswith(text)]
    if not days:
        return found or {}
    total = dict(found or {})
    for counts in days:
        for unit, amount in counts.items():
            total[unit] = total.get(unit, 0) + amount
    return total


def over_all(counters: Counters, unit: str) -> int:
    """Return what was ever counted of a unit."""
    return sum([counts.get(unit, 0) for counts in counters.values()])


def by_year(counters: Counters) -> Counters:
    """Return all that was counted, by calendar year alone: equal for equal histories."""
    folded: Counters = {}
    for key, counts in counters.items():
        for unit, amount in counts.items():
            add(folded, key[:_YEAR], unit, amount)
    return folded


def last_day(counters: Counters, unit: str, until: date) -> date | None:
    """Return the last day up to `until` on which a unit was counted; of a year without days, its last day."""
    limit, found = until.isoformat(), None
    for key, counts in counters.items():
        if not counts.get(unit):
            continue
        day = key if len(key) > _YEAR else min(f"{key}-12-31", limit)
        if key[:_YEAR] <= limit[:_YEAR] and day <= limit and (found is None or day > found):
            found = day
    return None if found is None else date.fromisoformat(found)
