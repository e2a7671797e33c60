"""The tiers of a program, version by version, with what it takes to reach and to keep each. Pure, compiled once.

Amounts are in the scale of their unit: nights in tenths, spend in minor units. `brands` is how many different ones.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Final

from msgspec import Struct

from loyalty.program.model import Bar, Definition, Lifetime, Qualification, Tier
from loyalty.tiers.marks import Asked

Thresholds = tuple[tuple[str, int], ...]

_NEXT_DAY_MONTHS: Final = 14
"""Days that are kept where it matters on which day of a calendar year a tier was reached."""
_NO_RANK: Final[frozenset[int]] = frozenset()
_YEAR: Final = 12
"""Months."""


class Level(Struct, frozen=True, gc=False):
    """A tier with its thresholds. `rank` 0 is everybody's. It takes any of `reach` and all of `require`."""

    rank: int
    code: str
    name: Mapping[str, str]
    bonus_percent: int
    reach: Thresholds
    require: Thresholds = ()
    keep: Thresholds = ()
    keep_require: Thresholds = ()
    permanent: bool = False
    benefits: tuple[str, ...] = ()
    yearly: Mapping[str, int] = {}
    by_invitation: bool = False

    def reached_by(self, counted: Mapping[str, int]) -> bool:
        """Tell whether counts reach the level."""
        return _enough(self.reach, self.require, counted)

    def kept_by(self, counted: Mapping[str, int]) -> bool:
        """Tell whether counts are enough to keep the level."""
        return _enough(self.keep, self.keep_require, counted)


class Ladder:
    """The tiers of one version, from the lowest to the highest, and how they are qualified for."""

    def __init__(
        self,
        levels: tuple[Level, ...],
        rules: Qualification,
        lifetime: tuple[tuple[Lifetime, Thresholds], ...] = (),
    ) -> None:
        """Take the levels in the order of the program."""
        self.levels = levels
        self.rules = rules
        self.lifetime = lifetime
        self.bars = tuple((bar.unit, bar.at_most) for bar in rules.bar)
        self.uses_brands = any(unit == "brands" for unit, _ in (*_thresholds(levels), *self.bars))
        self.by_years = (
            rules.period == "calendar_year" and rules.effective == "same_day" and not rules.rollover
            and not rules.bar and not self.uses_brands
        )  # fmt: skip
        """Whether a tier is what each calendar year's counts make it, whatever there is of grace and tiers for life."""
        self.forgets = (
            self.by_years and rules.downgrade == "counters" and all(_plain(level) for level in levels)
        )
        """Whether it is no matter what was reached before the last year, but for grace."""
        self.by_two_years = self.forgets and not rules.grace_months
        """Whether a tier is what the counts of this year or of the last one reach."""
        self._by_code = {level.code: level for level in levels}
        self.asked_for_life = frozenset(unit for _, require in lifetime for unit, _ in require)
        """The units that tiers for life ask for."""
        self._from_the_top = tuple(level for level in reversed(levels[1:]) if not level.by_invitation)
        self._to_reach = [self._ranks_of(bar) for bar in rules.bar if bar.on == "reach"]
        self._to_keep = [self._ranks_of(bar) for bar in rules.bar if bar.on == "keep"]
        first = self._by_code.get(rules.rollover_from or "")
        self.rolls_from = first.rank if first is not None else 0
        """The rank of the first tier whose excess rolls over."""
        # What it takes to be above a level at all; most of the time, counts have none of it.
        self._least = tuple(_least(levels[level.rank + 1 :]) for level in levels)

    @classmethod
    def of(cls, definition: Definition, amount: Callable[[str, str], int]) -> "Ladder":
        """Compile the tiers of a definition; `amount` reads a unit's decimal string in its scale."""

        def read(texts: Mapping[str, str]) -> Thresholds:
            return tuple((unit, amount(unit, text)) for unit, text in texts.items())

        levels = tuple(_level(rank, tier, read) for rank, tier in enumerate(definition.tier))
        rules = definition.qualification
        return cls(levels, rules, tuple((one, read(one.require)) for one in rules.lifetime))

    def asked(self) -> Iterator[Asked]:
        """Yield all thresholds: within a year, and those for life."""
        for level in self.levels:
            for unit, amount in (*level.reach, *level.require, *level.keep, *level.keep_require):
                yield Asked(unit, yearly=True, at=(amount,))
        for unit, most in self.bars:
            yield Asked(unit, yearly=True, at=(most + 1,))
        for _, require in self.lifetime:
            for unit, amount in require:
                yield Asked(unit, yearly=False, at=(amount,))

    @property
    def days_needed(self) -> int:
        """Months back that single days have to be known for; 0: years are enough."""
        match self.rules.period:
            case "calendar_year":
                return _NEXT_DAY_MONTHS if self.rules.effective == "next_day" else 0
            case "membership_year":
                return 2 * _YEAR + 2
            case _:
                return 2 * self.rules.months + self.rules.grace_months + 2

    def same_as(self, other: "Ladder") -> bool:
        """Tell whether two versions say the same of tiers."""
        return (self.levels, self.rules) == (other.levels, other.rules)

    def level(self, code: str) -> Level:
        """Return a level by its code; the lowest for one that isn't there."""
        return self._by_code.get(code, self.levels[0])

    def like(self, level: Level) -> Level:
        """Return the level of this ladder that stands for one of another version: of its code, or else of its rank.

        What is everybody's there is what is everybody's here.
        """
        if level.rank == 0:
            return self.levels[0]
        found = self._by_code.get(level.code)
        if found is None:
            found = self._earned_at(min(level.rank, len(self.levels) - 1))
        return found

    def _earned_at(self, rank: int) -> Level:
        """Return the level of a rank; where that is by invitation, the next one below that isn't."""
        while self.levels[rank].by_invitation:
            rank -= 1
        return self.levels[rank]

    def reached(self, counted: Mapping[str, int], barred: frozenset[int] = _NO_RANK) -> Level:
        """Return the highest level that counts reach, and that isn't of a barred rank."""
        for unit, threshold in self._least[0]:
            if counted.get(unit, 0) >= threshold:
                break
        else:
            return self.levels[0]
        for level in self._from_the_top:
            if level.reached_by(counted) and level.rank not in barred:
                return level
        return self.levels[0]

    def barred(self, counted: Mapping[str, int]) -> frozenset[int]:
        """Return the ranks that a bar keeps a member from reaching."""
        return _held(self._to_reach, counted) if self._to_reach else _NO_RANK

    def barred_from_keeping(self, counted: Mapping[str, int]) -> frozenset[int]:
        """Return the ranks that a bar keeps a member from keeping."""
        return _held(self._to_keep, counted) if self._to_keep else _NO_RANK

    def upgraded(self, counted: Mapping[str, int], present: Level) -> Level:
        """Return the level that counts reach, the present one if that is no upgrade or a bar is in the way."""
        for unit, threshold in self._least[present.rank]:
            if counted.get(unit, 0) >= threshold:
                break
        else:
            return present
        found = self.reached(counted)
        if found.rank > present.rank and self._to_reach:
            found = self.reached(counted, self.barred(counted))
        return found if found.rank > present.rank else present

    def after_review(self, present: Level, counted: Mapping[str, int]) -> Level:
        """Return the level that counts leave a member with when a period ends. A bar takes none that is permanent."""
        barred = self.barred_from_keeping(counted)
        if _stays(present, counted, barred):
            return present
        below = self._earned_at(present.rank - 1)
        if self.rules.downgrade == "one_level":
            return below
        while not _stays(below, counted, barred):
            below = self.levels[below.rank - 1]
        return below

    def for_life(self, counted: Mapping[str, int], years: Callable[[Level], int]) -> Level:
        """Return the highest tier that a whole membership has earned for good; the lowest when it hasn't."""
        best = self.levels[0]
        for one, require in self.lifetime:
            level = self.level(one.tier)
            if (
                level.rank > best.rank
                and _all(require, counted)
                and (not one.years or years(level) >= one.years)
            ):
                best = level
        return best

    def missing(self, level: Level, counted: Mapping[str, int]) -> tuple[dict[str, int], dict[str, int]]:
        """Return what a level still lacks: any one of the first at zero is enough, all of the second must be."""
        return _lacking(level.reach, counted), _lacking(level.require, counted)

    def missing_to_keep(
        self, level: Level, counted: Mapping[str, int]
    ) -> tuple[dict[str, int], dict[str, int]]:
        """Return what is lacking to keep a level, like `missing`."""
        return _lacking(level.keep, counted), _lacking(level.keep_require, counted)

    def next_after(self, level: Level) -> Level | None:
        """Return the level above that can be reached, if any."""
        return next((one for one in self.levels[level.rank + 1 :] if not one.by_invitation), None)

    def _ranks_of(self, bar: Bar) -> tuple[str, int, frozenset[int]]:
        """Compile a bar: its unit, how much may be counted, and the ranks that it is for."""
        ranks = [level.rank for level in self.levels[1:] if not bar.tiers or level.code in bar.tiers]
        return bar.unit, bar.at_most, frozenset(ranks)


class Ladders:
    """The ladders of all versions of a program, each in force from a day on until the next one is.

    Versions that say the same of tiers are one. `days` are those on which the second and later ones begin.
    """

    def __init__(self, versions: Sequence[tuple[date, Ladder]]) -> None:
        """Take the ladders, the first in force first."""
        different = [
            (day, ladder)
            for place, (day, ladder) in enumerate(versions)
            if place == 0 or not ladder.same_as(versions[place - 1][1])
        ]
        self.all = [ladder for _, ladder in different]
        self.days = [day for day, _ in different[1:]]
        self.uses_brands = any(ladder.uses_brands for ladder in self.all)

    def on(self, day: date) -> Ladder:
        """Return the ladder in force on a day."""
        return self.all[bisect_right(self.days, day)] if self.days else self.all[0]

    def between(self, first: date, last: date) -> list[tuple[date, Ladder]]:
        """Return the ladders in force from a day to another, each with the first of these days that it is in force."""
        if not self.days:
            return [(first, self.all[0])]
        start, end = bisect_right(self.days, first), bisect_right(self.days, last)
        return [
            (first, self.all[start]),
            *((self.days[place], self.all[place + 1]) for place in range(start, end)),
        ]


def standing_for(code: str, ladder: Ladder, others: Iterable[Ladder]) -> Level:
    """Return the level of a ladder by its code, or what stands there for one that only others have; else the lowest."""
    level = ladder.level(code)
    if level.code == code:
        return level
    known = [found for other in others if (found := other.level(code)).code == code]
    return ladder.like(known[-1]) if known else level


def higher(one: Level, other: Level) -> Level:
    """Return the higher of two levels of one ladder."""
    return one if one.rank >= other.rank else other


def _level(rank: int, tier: Tier, read: Callable[[Mapping[str, str]], Thresholds]) -> Level:
    return Level(
        rank, tier.code, {"en": tier.name.en, "zh": tier.name.zh}, tier.bonus_percent,
        read(tier.reach), read(tier.require), read(tier.keep or tier.reach), read(tier.keep_require or tier.require),
        tier.permanent, tier.benefits, dict(tier.yearly), tier.by_invitation,
    )  # fmt: skip


def _least(levels: Sequence[Level]) -> Thresholds:
    """Return of what it takes to reach any of some levels the least, by unit; one unit of those that all are asked."""
    least: dict[str, int] = {}
    for level in levels:
        if not level.by_invitation:
            for unit, threshold in level.reach or level.require[:1]:
                least[unit] = min(threshold, least.get(unit, threshold))
    return tuple(least.items())


def _thresholds(levels: tuple[Level, ...]) -> Thresholds:
    return tuple(
        one for level in levels for one in (*level.reach, *level.require, *level.keep, *level.keep_require)
    )


def _plain(level: Level) -> bool:
    return not level.permanent and (level.keep, level.keep_require) == (level.reach, level.require)


def _stays(level: Level, counted: Mapping[str, int], barred: frozenset[int]) -> bool:
    """Tell whether a review leaves a level as it is. What is enough to reach it is enough to keep it."""
    if level.rank == 0 or level.permanent:
        return True
    if level.by_invitation or level.rank in barred:
        return False
    return level.kept_by(counted) or level.reached_by(counted)


def _held(bars: Sequence[tuple[str, int, frozenset[int]]], counted: Mapping[str, int]) -> frozenset[int]:
    """Return the ranks of those bars that hold."""
    return _NO_RANK.union(*[ranks for unit, most, ranks in bars if counted.get(unit, 0) > most])


def _enough(any_of: Thresholds, all_of: Thresholds, counted: Mapping[str, int]) -> bool:
    for unit, threshold in any_of:
        if counted.get(unit, 0) >= threshold:
            return not all_of or _all(all_of, counted)
    return not any_of and _all(all_of, counted)


def _all(thresholds: Thresholds, counted: Mapping[str, int]) -> bool:
    return all(counted.get(unit, 0) >= threshold for unit, threshold in thresholds)


def _lacking(thresholds: Thresholds, counted: Mapping[str, int]) -> dict[str, int]:
    return {unit: max(0, threshold - counted.get(unit, 0)) for unit, threshold in thresholds}
