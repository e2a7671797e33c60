"""Tiers: a pure function of what was counted by calendar year, and of the ladder.

A tier is reached by any of its thresholds within a calendar year and is valid to the end of the next. So on a day of
year Y a member has the higher of what the counters of Y and of Y-1 reach. Order of posting never matters.
"""

from collections.abc import Mapping
from datetime import date

from msgspec import Struct

from loyalty.ledger.model import Counters

_NOTHING: dict[str, int] = {}


class Level(Struct, frozen=True, gc=False):
    """A tier with its thresholds, in the scale of each unit. `rank` 0 is everybody's."""

    rank: int
    code: str
    name: Mapping[str, str]
    bonus_percent: int
    reach: tuple[tuple[str, int], ...]


class Standing(Struct, frozen=True, gc=False):
    """The tier on a day, and the last day it is certain for; None for the tier that is everybody's."""

    level: Level
    valid_to: date | None


class Ladder:
    """The tiers of a program from the lowest to the highest."""

    def __init__(self, levels: tuple[Level, ...]) -> None:
        """Take the levels in the order of the program."""
        self.levels = levels
        self._by_code = {level.code: level for level in levels}
        self._from_the_top = tuple(reversed(levels[1:]))
        # What it takes to be above the lowest level at all; most members aren't.
        lowest: dict[str, int] = {}
        for level in levels:
            for unit, threshold in level.reach:
                lowest[unit] = min(threshold, lowest.get(unit, threshold))
        self._lowest = tuple(lowest.items())

    def level(self, code: str) -> Level:
        """Return a level by its code; the lowest for one that is no longer there."""
        return self._by_code.get(code, self.levels[0])

    def reached(self, counted: Mapping[str, int]) -> Level:
        """Return the highest level that a year's counters reach."""
        for unit, threshold in self._lowest:
            if counted.get(unit, 0) >= threshold:
                break
        else:
            return self.levels[0]
        for level in self._from_the_top:
            for unit, threshold in level.reach:
                if counted.get(unit, 0) >= threshold:
                    return level
        return self.levels[0]

    def on(self, counters: Counters, day: date) -> Level:
        """Return the tier of a member on a day."""
        if not counters:
            return self.levels[0]
        this = self.reached(counters.get(str(day.year), _NOTHING))
        last = self.reached(counters.get(str(day.year - 1), _NOTHING))
        return this if this.rank >= last.rank else last

    def standing(self, counters: Counters, day: date) -> Standing:
        """Return the tier on a day with its last certain day."""
        level = self.on(counters, day)
        if level.rank == 0:
            return Standing(level, None)
        this = self.reached(counters.get(str(day.year), _NOTHING))
        return Standing(level, date(day.year + (this.rank >= level.rank), 12, 31))

    def missing(self, level: Level, counted: Mapping[str, int]) -> dict[str, int]:
        """Return what each threshold of a level still lacks in a year; any one at zero is enough."""
        return {unit: max(0, threshold - counted.get(unit, 0)) for unit, threshold in level.reach}

    def next_after(self, level: Level) -> Level | None:
        """Return the level above, if any."""
        return self.levels[level.rank + 1] if level.rank + 1 < len(self.levels) else None
