"""Tiers that hold for whole calendar years, read off what each year counts. Pure.

This is the short way for programs whose tiers begin on the day they are reached and know no rollover, no bar and no
brands: it comes to what the course of a tier does (`loyalty.tiers.course`), and takes a look at each year at most.
"""

from datetime import date
from typing import Final

from loyalty.clock import add_months
from loyalty.ledger import counters as counting
from loyalty.ledger.model import Counters
from loyalty.tiers.ladder import Ladder, Level

_YEAR: Final = 12
"""Months."""


def on(ladder: Ladder, counters: Counters, day: date) -> Level:
    """Return the tier on a day."""
    if not ladder.by_two_years:
        return _Years(ladder, counters, day).on(day)
    this, last = _of_two_years(ladder, counters, day.year)
    return this if this.rank >= last.rank else last


def until(ladder: Ladder, counters: Counters, day: date) -> tuple[Level, date | None]:
    """Return the tier on a day, and the first day on which it is lower if nothing is counted after the day's year.

    None: it lasts for good, or is everybody's.
    """
    if ladder.by_two_years:
        this, last = _of_two_years(ladder, counters, day.year)
        if this.rank >= last.rank:
            return this, date(day.year + 2, 1, 1) if this.rank else None
        return last, date(day.year + 1, 1, 1)
    years, grace = _Years(ladder, counters, day), ladder.rules.grace_months
    level = years.on(day)
    if not level.rank:
        return level, None
    # What is brought into a second year without counts is for good.
    for year in range(day.year + 1 - graced(grace), day.year + 3):
        falls = add_months(date(year, 1, 1), grace)
        if falls > day and years.on(falls).rank < level.rank:
            return level, falls
    return level, None


def _of_two_years(ladder: Ladder, counters: Counters, year: int) -> tuple[Level, Level]:
    """Return what the counts of a year and of the one before reach."""
    return ladder.reached(counting.of_year(counters, year)), ladder.reached(
        counting.of_year(counters, year - 1)
    )


def graced(months: int) -> int:
    """Return into how many calendar years a grace of so many months reaches that begins with one."""
    return -(-months // _YEAR)


class _Years:
    """The tier of each year, from the first one that matters on, as far as it was asked for.

    What a year's counts reach lasts to the end of the next one; what isn't reached again has to be kept.
    """

    __slots__ = ("_brought", "_counters", "_grace", "_held", "_ladder", "_next")

    def __init__(self, ladder: Ladder, counters: Counters, day: date) -> None:
        self._ladder, self._counters, self._grace = ladder, counters, ladder.rules.grace_months
        self._held: list[Level] = []
        self._brought: Level = ladder.levels[0]
        self._next = day.year
        if ladder.forgets:
            self._next -= 1 + graced(self._grace)
        elif counters:
            self._next = min(day.year, counting.year_of(min(counters)))

    def on(self, day: date) -> Level:
        """Return the tier on a day: its year's, or one that ended before and is still in grace."""
        while self._next <= day.year:
            self._go_on()
        place = day.year - self._next
        best, grace = self._held[place], self._grace
        for back in range(1, min(len(self._held) + place, graced(grace)) + 1):
            level = self._held[place - back]
            if level.rank > best.rank and add_months(date(day.year - back + 1, 1, 1), grace) > day:
                best = level
        return best

    def _go_on(self) -> None:
        """Judge the next year."""
        counted, brought, ladder = counting.of_year(self._counters, self._next), self._brought, self._ladder
        reached = ladder.reached(counted)
        if reached.rank >= brought.rank:
            self._held.append(reached)
            self._brought = reached
        else:
            self._held.append(brought)
            after = ladder.after_review(brought, counted)
            self._brought = after if after.rank > reached.rank else reached
        self._next += 1
