"""What is counted of a member, by calendar year and by day, and unit: reading it, and leaving days out. Pure.

A counter's key is a year ("2026") or a day ("2026-03-14"). A year counts all of it, and its days besides, where a rule
needs them, for as long as they are kept. Different brands are counted as `brand:<code>` each.

A note (`at:…`) tells where a member stayed on a day. It isn't a quantity: it is kept with its day alone.

What promotions gave (`promotion:<code>`) is counted in points, with the transfers that give them and take them back.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Final

from loyalty.clock import written
from loyalty.ledger.model import Counters

NOTE: Final = "at:"
"""What the unit of a note begins with."""
PROMOTION: Final = "promotion:"
"""What the kind of a transfer of a promotion's points begins with, and the unit in which they are counted."""
_GIVEN: Final = len(PROMOTION)
_YEAR: Final = 4
"""Characters of a year in a key."""
_BRAND: Final = "brand:"
_NOTHING: Final[Mapping[str, int]] = {}


def is_day(key: str) -> bool:
    """Tell whether a key is a day's, not a year's."""
    return len(key) > _YEAR


def count(counters: Counters, unit: str, day: date, amount: int, by_day: tuple[str, ...]) -> None:
    """Count a unit in its year, and on its day if it is among those that are kept by day; a note on its day alone."""
    count_all(counters, ((unit, amount),), day, by_day)


def count_all(
    counters: Counters, changes: Collection[tuple[str, int]], day: date, by_day: tuple[str, ...],
    given: Collection[tuple[str, int]] = (),
) -> None:  # fmt: skip
    """Count several units of a day, each like `count`; what promotions have `given` by year alone."""
    if by_day:
        _count_by_day(counters, changes, written(day), by_day)
    year = str(day.year)
    of_year = counters.setdefault(year, {})
    for unit, amount in (*changes, *given) if given else changes:
        if ":" not in unit or unit[:3] != NOTE:
            # Like `_put`, without a call for each unit of each stay.
            total = of_year.get(unit, 0) + amount
            if total:
                of_year[unit] = total
            else:
                of_year.pop(unit, None)
    if not of_year:
        del counters[year]


def _count_by_day(
    counters: Counters, changes: Iterable[tuple[str, int]], key: str, by_day: tuple[str, ...]
) -> None:
    of_day = counters.setdefault(key, {})
    for unit, amount in changes:
        if ":" not in unit:
            kept = unit in by_day
        elif unit[:3] == NOTE:
            kept = NOTE in by_day and (amount > 0 or unit in of_day)
        else:
            kept = is_kept(unit, by_day)
        if kept:
            _put(of_day, unit, amount)
    if not of_day:
        del counters[key]


def is_kept(unit: str, by_day: tuple[str, ...]) -> bool:
    """Tell whether a unit is among those that are kept by day: by its name, or by what it begins with up to a colon."""
    return unit in by_day or (":" in unit and unit[: unit.find(":") + 1] in by_day)


def is_given(kind: str) -> bool:
    """Tell whether points of a kind are a promotion's, and so counted by it."""
    return kind[:_GIVEN] == PROMOTION


def days(counters: Counters) -> list[str]:
    """Return the keys of the days that are kept."""
    return [key for key in counters if len(key) > _YEAR]


def year_of(key: str) -> int:
    """Return the calendar year of a key."""
    return int(key[:_YEAR])


def add(counters: Counters, key: str, unit: str, amount: int) -> None:
    """Add to what is counted in a year, or on a day and in its year; what comes to zero is left out.

    A note whose day is no longer kept can't be taken back, and needn't.
    """
    if unit[:3] == NOTE:
        if len(key) > _YEAR and (amount > 0 or unit in counters.get(key, _NOTHING)):
            _add(counters, key, unit, amount)
        return
    if len(key) > _YEAR:
        _add(counters, key, unit, amount)
    _add(counters, key[:_YEAR], unit, amount)


def _add(counters: Counters, key: str, unit: str, amount: int) -> None:
    of_key = counters.setdefault(key, {})
    _put(of_key, unit, amount)
    if not of_key:
        del counters[key]


def _put(counts: dict[str, int], unit: str, amount: int) -> None:
    total = counts.get(unit, 0) + amount
    if total:
        counts[unit] = total
    else:
        counts.pop(unit, None)


def of_year(counters: Counters, year: int) -> Mapping[str, int]:
    """Return what was counted in a calendar year, by unit."""
    return counters.get(str(year), _NOTHING)


def up_to(counters: Counters, day: date) -> Counters:
    """Return the counters of days up to a day, and of years up to its year: without its later days."""
    limit = day.isoformat()
    found = {key: counts for key, counts in counters.items() if key <= limit}
    year = limit[:_YEAR]
    later = [key for key in counters if key > limit and key.startswith(year)]
    if later:
        found[year] = dict(found.get(year, _NOTHING))
        for key in later:
            for unit, amount in counters[key].items():
                if unit[:3] != NOTE:
                    _add(found, year, unit, -amount)
    return found


def parts(counters: Counters) -> Iterator[tuple[str, Mapping[str, int]]]:
    """Yield all that is counted once each: by day, and of each year what its days don't tell."""
    for key, counts in counters.items():
        yield key, counts if len(key) > _YEAR else _rest(counters, key, counts)


def _rest(counters: Counters, year: str, counts: Mapping[str, int]) -> Mapping[str, int]:
    days = [counters[key] for key in counters if len(key) > _YEAR and key.startswith(year)]
    if not days:
        return counts
    rest = {unit: amount - sum([day.get(unit, 0) for day in days]) for unit, amount in counts.items()}
    return {unit: amount for unit, amount in rest.items() if amount}


def over_all(counters: Counters, unit: str) -> int:
    """Return what was ever counted of a unit; of `brands`, how many different ones."""
    if unit == "brands":
        return brands(by_unit(counters))
    total = 0
    for key in counters:
        if len(key) == _YEAR:
            total += counters[key].get(unit, 0)
    return total


def notes(counters: Counters) -> Counters:
    """Return the notes of the days that are kept."""
    found = {
        key: {unit: amount for unit, amount in counts.items() if unit[:3] == NOTE}
        for key, counts in counters.items()
        if len(key) > _YEAR
    }
    return {key: noted for key, noted in found.items() if noted}


def by_unit(counters: Counters) -> dict[str, int]:
    """Return what was ever counted, by unit."""
    total: dict[str, int] = {}
    for key, counts in counters.items():
        if len(key) == _YEAR:
            for unit, amount in counts.items():
                total[unit] = total.get(unit, 0) + amount
    return total


def by_year(counters: Counters) -> Counters:
    """Return all that was counted, by calendar year alone: equal for equal histories."""
    return {key: counts for key, counts in counters.items() if len(key) == _YEAR}


def without_days(counters: Counters, before: date) -> Counters:
    """Return counters without the days before a day; their years count them still."""
    limit = before.isoformat()
    return {key: counts for key, counts in counters.items() if len(key) == _YEAR or key >= limit}


def brands(counted: Mapping[str, int]) -> int:
    """Return how many different brands there are among counts."""
    return sum([amount > 0 and unit.startswith(_BRAND) for unit, amount in counted.items()])


def with_brands(counted: Mapping[str, int]) -> dict[str, int]:
    """Return counts with the number of different brands among them as `brands`."""
    return {**counted, "brands": brands(counted)}


def last_day(counters: Counters, unit: str, until: date) -> date | None:
    """Return the last day up to `until` on which a unit was counted.

    Of what a year counts besides the days that are kept, it is taken to be the year's last one.
    """
    limit = written(until) + "~"
    while limit:
        found = ""
        # A year's own key comes before those of its days.
        for key in counters:
            if found < key < limit and unit in counters[key]:
                found = key
        amount = counters[found][unit] if found else 0
        if amount > 0:
            if len(found) > _YEAR:
                return date.fromisoformat(found)
            if amount > max(0, _on_days(counters, unit, found)):
                return min(date(int(found), 12, 31), until)
        limit = found
    return None


def _on_days(counters: Counters, unit: str, year: str) -> int:
    """Return how much of a unit was counted on the days of a year that are kept."""
    total = 0
    for key in counters:
        if key[:_YEAR] == year and len(key) > _YEAR:
            total += counters[key].get(unit, 0)
    return total
