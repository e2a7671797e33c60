"""Whether a change of what is counted can move a tier at all. Most stays pass no threshold, and need no second look.

For programs of calendar years only: what a year counts is compared with every threshold that any version has. A change
that passes none leaves all that follows from the counts as it was: which tiers were reached and kept, and until when.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from loyalty.ledger import counters as counting
from loyalty.ledger.model import Counters
from loyalty.tiers.ladder import Ladder
from loyalty.tiers.milestones import Change

_BRAND = "brand:"


class Thresholds:
    """All thresholds of all versions, by unit: within a year, and over a whole membership."""

    def __init__(self, ladders: Sequence[Ladder]) -> None:
        """Collect them."""
        self._useful = all(ladder.rules.period == "calendar_year" for ladder in ladders)
        self._any_brand = any(ladder.uses_brands for ladder in ladders)
        self._rolled = frozenset(unit for ladder in ladders for unit in ladder.rules.rollover)
        self._of_year = _sorted(pair for ladder in ladders for pair in _yearly(ladder))
        self._of_life = _sorted(
            pair for ladder in ladders for _, require in ladder.lifetime for pair in require
        )

    def unmoved(self, changed: Sequence[Change], counters: Counters) -> bool:
        """Tell whether changes pass no threshold; the counters hold them already. False where it isn't certain."""
        if not self._useful:
            return False
        for change in changed:
            year = None
            for unit, by in change.counts.items():
                if not by:
                    continue
                if self._any_brand and unit.startswith(_BRAND):
                    return False
                marks = self._of_year.get(unit)
                if marks:
                    year = counting.of_year(counters, change.year) if year is None else year
                    if self._passes(unit, marks, year.get(unit, 0), by):
                        return False
                marks = self._of_life.get(unit)
                if marks:
                    count = counting.over_all(counters, unit)
                    if bisect_right(marks, count) != bisect_right(marks, count - by):
                        return False
        return True

    def _passes(self, unit: str, marks: list[int], count: int, by: int) -> bool:
        passed = bisect_right(marks, count)
        # What is beyond a threshold may count in the next year, too.
        return passed != bisect_right(marks, count - by) or (passed > 0 and unit in self._rolled)


def _yearly(ladder: Ladder) -> Iterable[tuple[str, int]]:
    for level in ladder.levels:
        yield from (*level.reach, *level.require, *level.keep, *level.keep_require)
    yield from ((unit, most + 1) for unit, most in ladder.bars)


def _sorted(pairs: Iterable[tuple[str, int]]) -> dict[str, list[int]]:
    found: dict[str, set[int]] = {}
    for unit, mark in pairs:
        found.setdefault(unit, set()).add(mark)
    return {unit: sorted(marks) for unit, marks in found.items()}
