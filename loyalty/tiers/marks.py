"""Whether a change of what is counted passes a mark: a threshold of a tier, or what a milestone asks for. Pure.

Most stays pass none, and need no second look: a change that passes no threshold leaves all that follows from the counts
as it was, and one that passes no milestone's mark crosses none.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct

from loyalty.ledger import counters as counting
from loyalty.ledger.model import Counters

_BRAND: Final = "brand:"


class Change(Struct, frozen=True, gc=False):
    """What the counts of a year changed by."""

    year: int
    counts: Mapping[str, int]


def changes(
    before: Mapping[str, int], before_year: int, after: Mapping[str, int], after_year: int
) -> list[Change]:
    """Return by what an award that replaces another changes the counts of each year."""
    if not before:
        return [Change(after_year, after)]
    if before_year == after_year:
        return [
            Change(
                after_year,
                {unit: after.get(unit, 0) - before.get(unit, 0) for unit in before.keys() | after.keys()},
            )
        ]
    return [
        Change(before_year, {unit: -amount for unit, amount in before.items()}),
        Change(after_year, after),
    ]


class Asked(Struct, frozen=True):
    """Marks of a unit: those of `at`, and every so many beyond an amount (`steps`: above, every).

    `yearly`: counted within a calendar year, else over a whole membership. Of `brands` the number of different ones is.
    """

    unit: str
    yearly: bool
    at: tuple[int, ...] = ()
    steps: tuple[tuple[int, int], ...] = ()


class Marks:
    """All marks of some rules, by unit: within a year, and over a whole membership."""

    def __init__(self, asked: Iterable[Asked]) -> None:
        """Collect them."""
        found = list(asked)
        self._any_brand = any(one.unit == "brands" for one in found)
        self._of_year = _by_unit(one for one in found if one.yearly)
        self._of_life = _by_unit(one for one in found if not one.yearly)

    def passed(self, changed: Sequence[Change], counters: Counters, *, ahead: bool = False) -> bool:
        """Tell whether changes of the counters, which hold them already, pass a mark. True where it isn't certain.

        `ahead`: the counters don't hold them yet.
        """
        if not changed:
            return False
        if self._any_brand and any(unit.startswith(_BRAND) for change in changed for unit in change.counts):
            return True
        for unit, marks in self._of_life:
            by = changed[0].counts.get(unit, 0)
            for change in changed[1:]:
                by += change.counts.get(unit, 0)
            if by and _passes(marks, counting.over_all(counters, unit), by if ahead else -by):
                return True
        for change in changed if self._of_year else ():
            of_year = counting.of_year(counters, change.year)
            for unit, marks in self._of_year:
                by = change.counts.get(unit, 0)
                if by and _passes(marks, of_year.get(unit, 0), by if ahead else -by):
                    return True
        return False


_Marks = tuple[list[int], list[tuple[int, int]]]


def _by_unit(asked: Iterable[Asked]) -> list[tuple[str, _Marks]]:
    at: dict[str, set[int]] = {}
    steps: dict[str, set[tuple[int, int]]] = {}
    for one in asked:
        at.setdefault(one.unit, set()).update(one.at)
        steps.setdefault(one.unit, set()).update(one.steps)
    return [(unit, (sorted(at[unit]), sorted(steps[unit]))) for unit in at]


def _passes(marks: _Marks, count: int, by: int) -> bool:
    """Tell whether a mark lies between a count and what is so much more, or less."""
    at, steps = marks
    for above, every in steps:
        if (count - above) // every != (count + by - above) // every:
            return True
    return bool(at) and bisect_right(at, count) != bisect_right(at, count + by)
