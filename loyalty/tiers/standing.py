"""A member's tier on a day: the highest of what was earned, given, and earned for life. Pure."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from msgspec import Struct, structs

from loyalty.ledger import counters as counting
from loyalty.ledger.model import Counters, Member, Status
from loyalty.program.lifetime import add_months
from loyalty.tiers.ladder import Ladder, Level
from loyalty.tiers.timeline import Period, level_on, timeline

_DAY: Final = timedelta(days=1)
_AHEAD: Final = 4
"""How many days on which a tier may change are looked at to tell until when it is certain."""
_YEAR_KEY: Final = 4
"""Characters of a year in a key of the counters."""
_MANY_DAYS: Final = 40
"""Days that are kept before older ones are folded into their years."""


class Standing(Struct, frozen=True, gc=False):
    """The tier on a day, and the last day it is certain for; None: no end is in sight, or it is everybody's.

    `source`: earned, lifetime, or the kind of the status that gives it.
    """

    level: Level
    valid_to: date | None
    source: str = "earned"


class Tiers:
    """The ladders of all versions of a program, each in force from a day on."""

    def __init__(self, versions: Sequence[tuple[date, Ladder]]) -> None:
        """Take the ladders, the first in force first."""
        self._ladders = [ladder for _, ladder in versions]
        self._days = [day for day, _ in versions[1:]]
        self._all_plain = all(ladder.plain for ladder in self._ladders)

    def ladder_on(self, day: date) -> Ladder:
        """Return the ladder in force on a day."""
        return self._ladders[bisect_right(self._days, day)] if self._days else self._ladders[0]

    def on(self, member: Member, day: date) -> Level:
        """Return the tier of a member on a day."""
        if not member.traits.statuses:
            if not member.counters:
                return self.ladder_on(day).levels[0]
            if self._all_plain:
                this, last = self._plain(member.counters, day)
                return this if this.rank >= last.rank else last
        return self._found(member, day)[0]

    def standing(self, member: Member, day: date) -> Standing:
        """Return the tier on a day, until when it is certain, and where it comes from."""
        level, source = self._found(member, day)
        if level.rank == 0:
            return Standing(level, None, source)
        if self._all_plain and not member.traits.statuses:
            this, last = self._plain(member.counters, day)
            return Standing(level, date(day.year + (this.rank >= last.rank), 12, 31), source)
        for place, later in enumerate(self._changes(member, day)):
            if self.on(member, later).rank < level.rank:
                return Standing(level, later - _DAY, source)
            if place >= _AHEAD:
                break
        return Standing(level, None, source)

    def review_on(self, member: Member, day: date) -> date | None:
        """Return the first later day on which the tier may be another without anything being posted; None: never."""
        if not member.counters and not member.traits.statuses:
            return None
        if self._all_plain and not member.traits.statuses:
            this, last = self._plain(member.counters, day)
            level = max(this.rank, last.rank)
            return None if level == 0 else date(day.year + (this.rank >= last.rank) + 1, 1, 1)
        return next(self._changes(member, day), None)

    def period(self, member: Member, day: date) -> Period:
        """Return the period in which a day lies, with what counts in it for tiers."""
        ladder = self.ladder_on(day)
        if self._all_plain:
            counted = counting.of_year(member.counters, day.year)
            return Period(date(day.year, 1, 1), date(day.year, 12, 31), counted, ladder.levels[0])
        return timeline(member, day, self.ladder_on).period

    def _plain(self, counters: Counters, day: date) -> tuple[Level, Level]:
        """Return what this year's and last year's counts reach, in the ladder in force."""
        ladder = self.ladder_on(day)
        this = ladder.reached(counting.of_year(counters, day.year))
        last = counting.of_year(counters, day.year - 1)
        if not last:
            return this, ladder.levels[0]
        if not self._days:
            return this, ladder.reached(last)
        return this, ladder.like(self.ladder_on(date(day.year - 1, 12, 31)).reached(last))

    def _found(self, member: Member, day: date) -> tuple[Level, str]:
        """Return the highest tier in force, and where it comes from."""
        ladder = self.ladder_on(day)
        line = timeline(member, day, self.ladder_on)
        best, source = ladder.like(level_on(line.steps, day, ladder.rules.grace_months)), "earned"
        if ladder.lifetime:
            lasting = ladder.for_life(
                _Whole(member.counters), lambda level: _years_at(line.steps, level, day)
            )
            if lasting.rank > best.rank:
                best, source = lasting, "lifetime"
        for status in member.traits.statuses:
            if (
                status.kind != "earned"
                and status.first <= day
                and (status.last is None or day <= status.last)
            ):
                given = ladder.level(status.tier)
                if given.rank > best.rank:
                    best, source = given, status.kind
        return best, source

    def _changes(self, member: Member, day: date) -> Iterator[date]:
        """Yield later days on which the tier may change by itself, soonest first; a tier that everybody has doesn't."""
        after = day
        while True:
            found = [one for one in self._candidates(member, after) if one > after]
            if not found:
                return
            after = min(found)
            yield after

    def _candidates(self, member: Member, day: date) -> Iterator[date]:
        for status in member.traits.statuses:
            if status.kind != "earned":
                yield status.first
                if status.last is not None:
                    yield status.last + _DAY
        ladder = self.ladder_on(day)
        yield from self._days
        line = timeline(member, day, self.ladder_on)
        grace = ladder.rules.grace_months
        for first, _ in line.steps:
            if first > date.min:
                yield first
                if grace:
                    yield add_months(first, grace)
        if ladder.rules.period == "rolling":
            months = ladder.rules.months
            for key in member.counters:
                if len(key) > _YEAR_KEY:
                    ends = add_months(date.fromisoformat(key), months)
                    yield ends
                    if grace:
                        yield add_months(ends, grace)
        elif level_on(line.steps, line.period.last, grace).rank:
            yield line.period.last + _DAY
            if grace:
                yield add_months(line.period.last + _DAY, grace)

    # --- days that are no longer needed -------------------------------------------------------------------------

    def compact(self, member: Member, today: date, months: int) -> Member:
        """Return the member with days folded into their years that no rule needs any more, once there are many.

        What tier stood at the first day that is kept goes along as a status `earned`, where days decide.
        """
        if sum([len(key) > _YEAR_KEY for key in member.counters]) <= _MANY_DAYS:
            return member
        horizon = add_months(today, -months).replace(day=1)
        ladder = self.ladder_on(today)
        if not ladder.by_year or ladder.rules.period == "membership_year":
            line = timeline(member, horizon, self.ladder_on)
            if ladder.rules.period != "rolling":
                horizon = line.period.first
            statuses = tuple(one for one in member.traits.statuses if one.kind != "earned")
            began = level_on(line.steps, horizon, 0)
            stood = Status(began.code, "earned", horizon)
            member.traits = structs.replace(member.traits, statuses=(*statuses, stood))
        folded: Counters = {}
        limit = horizon.isoformat()
        for key, counts in member.counters.items():
            kept = key if len(key) == _YEAR_KEY or key >= limit else key[:_YEAR_KEY]
            for unit, amount in counts.items():
                counting.add(folded, kept, unit, amount)
        member.counters = folded
        return member


class _Whole(Mapping[str, int]):
    """What was counted over a whole membership, by unit; worked out for the units that are asked for."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def __getitem__(self, unit: str) -> int:
        return counting.over_all(self._counters, unit)

    def __iter__(self) -> Iterator[str]:
        return iter({unit for counts in self._counters.values() for unit in counts})

    def __len__(self) -> int:
        return len(set(self))


def _years_at(steps: Sequence[tuple[date, Level]], level: Level, day: date) -> int:
    """Return in how many calendar years a tier or a higher one was held, on any day of each."""
    years: set[int] = set()
    for place, (first, held) in enumerate(steps):
        if held.rank >= level.rank and first > date.min:
            last = steps[place + 1][0] - _DAY if place + 1 < len(steps) else day
            years.update(range(first.year, min(last, day).year + 1))
    return len(years)
