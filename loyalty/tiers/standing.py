"""A member's tier on a day: the highest of what was earned, given, and earned for life. Pure."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from heapq import heapify, heappop, heappush
from itertools import chain, takewhile
from typing import Final

from msgspec import Struct, structs

from loyalty.ledger import counters as counting
from loyalty.ledger.model import Counters, Member, Status, Traits
from loyalty.program.lifetime import add_months
from loyalty.tiers.ladder import Ladder, Ladders, Level
from loyalty.tiers.timeline import Period, Step, level_on, walk, window

Found = tuple[date, Level, str]
"""A day, the tier on it, and where it comes from."""

_DAY: Final = timedelta(days=1)
_MANY_DAYS: Final = 40
"""Days that are kept before older ones are folded into their years."""


class Standing(Struct, frozen=True, gc=False):
    """The tier on a day, and the last day it is certain for; None: no end is in sight, or it is everybody's.

    `source`: earned, lifetime, or the kind of the status that gives it.
    """

    level: Level
    valid_to: date | None
    source: str = "earned"


class _Beginning(Struct, frozen=True, gc=False):
    """What is known of the tiers before the periods to go through, and the tier that these begin with, if it is known.

    `promised` is a tier that earlier versions promised up to a day, whatever is earned under the later ones.
    """

    steps: Sequence[Step]
    start: Step | None = None
    promised: Status | None = None


class Tiers:
    """The tiers of all versions of a program, each in force from a day on.

    Where a version changes the kind of period, those before it are kept apart: what they promised lasts as long as they
    promised it, and counting goes on under the new kind from the tier that they left a member with.
    """

    def __init__(self, versions: Sequence[tuple[date, Ladder]]) -> None:
        """Take the ladders, the first in force first."""
        kind, place = versions[-1][1].rules.period, len(versions) - 1
        while place and versions[place - 1][1].rules.period == kind:
            place -= 1
        self._since = versions[place][0]
        self._before = Tiers(versions[:place]) if place else None
        self._ladders = Ladders(versions[place:])
        self._plain = place == 0 and all(ladder.plain for ladder in self._ladders.all)
        self._grace = sorted({ladder.rules.grace_months for ladder in self._ladders.all} - {0})

    def on(self, member: Member, day: date) -> Level:
        """Return the tier of a member on a day."""
        if not member.traits.statuses:
            if not member.counters:
                return self._ladder_on(day).levels[0]
            ladder = self._steady(day)
            if ladder is not None:
                this, last = _of_two_years(ladder, member.counters, day.year)
                return this if this.rank >= last.rank else last
        return next(self._course(member, day))[1]

    def standing(self, member: Member, day: date) -> Standing:
        """Return the tier on a day, until when it is certain, and where it comes from."""
        plain = self._plain_standing(member, day)
        if plain is not None:
            return plain
        course = self._course(member, day)
        _, level, source = next(course)
        if level.rank:
            for later, found, _ in course:
                if found.rank < self._ladder_on(later).like(level).rank:
                    return Standing(level, later - _DAY, source)
        return Standing(level, None, source)

    def review_on(self, member: Member, day: date) -> date | None:
        """Return the first later day on which the tier is another without anything being posted; None: never."""
        plain = self._plain_standing(member, day)
        if plain is not None:
            return None if plain.valid_to is None else plain.valid_to + _DAY
        course = self._course(member, day)
        _, level, _ = next(course)
        return next((later for later, found, _ in course if found.code != level.code), None)

    def period(self, member: Member, day: date) -> Period:
        """Return the period in which a day lies, with what counts in it for tiers: up to that day, where days are kept."""
        tiers = self._at(day)
        if tiers._ladders.on(day).rules.period == "rolling":
            return window(member, tiers._ladders, day, self.on(member, day))
        known = structs.replace(member, counters=counting.up_to(member.counters, day))
        start = tiers._beginning(known).start
        return next(one for one in walk(known, tiers._ladders, start, day) if one.last >= day)

    # --- without going through the years --------------------------------------------------------------------------

    def _steady(self, day: date) -> Ladder | None:
        """Return the ladder by which a plain tier is read off two years, if it is the only one of these years."""
        if not self._plain:
            return None
        days = self._ladders.days
        if not days:
            return self._ladders.all[0]
        place = bisect_right(days, day)
        if place and days[place - 1] > date(day.year - 1, 1, 1):
            return None
        return self._ladders.all[place]

    def _plain_standing(self, member: Member, day: date) -> Standing | None:
        """Return a standing read off two years; None where more has to be looked at."""
        counters, days = member.counters, self._ladders.days
        if member.traits.statuses or (days and days[-1] > day):
            return None
        ladder = self._steady(day)
        if ladder is None or max(counters, default="") >= str(day.year + 1):
            return None
        this, last = _of_two_years(ladder, counters, day.year)
        if this.rank >= last.rank:
            return Standing(this, date(day.year + 1, 12, 31) if this.rank else None)
        return Standing(last, date(day.year, 12, 31))

    # --- going through the periods --------------------------------------------------------------------------------

    def _at(self, day: date) -> "Tiers":
        """Return the tiers of the versions whose kind of period is in force on a day."""
        return self if self._before is None or day >= self._since else self._before._at(day)

    def _ladder_on(self, day: date) -> Ladder:
        return self._at(day)._ladders.on(day)

    def _course(self, member: Member, day: date) -> Iterator[Found]:
        """Yield a day, and later ones on which the tier may change by itself, each with the tier then; until it can't."""
        if self._before is not None and day < self._since:
            yield from takewhile(lambda found: found[0] < self._since, self._before._course(member, day))
            day = self._since
        beginning = self._beginning(member)
        steps, told = list(beginning.steps), day - _DAY
        marks = [
            day,
            *self._ladders.days,
            *_ends(member.traits.statuses),
            *_ends([beginning.promised] if beginning.promised else []),
            *self._marks(steps),
        ]
        heapify(marks)
        for period in chain(self._periods(member, beginning.start, day), (None,)):
            # All steps before the first day of this period are known by now.
            while marks and (period is None or marks[0] < period.first):
                mark = heappop(marks)
                if mark > told:
                    yield mark, *self._found(member, mark, steps, beginning.promised)
                    told = mark
            if period is not None and period.steps:
                steps += period.steps
                for mark in self._marks(period.steps):
                    heappush(marks, mark)

    def _marks(self, steps: Sequence[Step]) -> Iterator[date]:
        """Yield the days from which tiers are the ones earned, and those on which the grace of the ones before is over."""
        for first, _ in steps:
            if first > date.min:
                yield first
                for months in self._grace:
                    yield add_months(first, months)

    def _periods(self, member: Member, start: Step | None, day: date) -> Iterator[Period]:
        """Yield the periods up to the first one after which nothing changes any more."""
        year = max(map(counting.year_of, member.counters), default=day.year)
        last = max(day, date(year, 12, 31), *self._ladders.days)
        for period in walk(member, self._ladders, start, day):
            yield period
            if period.first > last and not period.steps and not any(period.counted.values()):
                return

    def _found(
        self, member: Member, day: date, steps: Sequence[Step], promised: Status | None
    ) -> tuple[Level, str]:
        """Return the highest tier in force on a day, and where it comes from."""
        ladder = self._ladders.on(day)
        steps = [(first, ladder.like(level)) for first, level in steps]
        best, source = level_on(steps, day, ladder.rules.grace_months), "earned"
        if ladder.lifetime:
            early = _DAY if ladder.rules.effective == "next_day" else timedelta(0)
            lasting = ladder.for_life(
                _Whole(member.counters), lambda level: _years_at(steps, level, day, early)
            )
            if lasting.rank > best.rank:
                best, source = lasting, "lifetime"
        given = [(one, ladder.level(one.tier)) for one in member.traits.statuses if one.kind != "earned"]
        if promised is not None:
            given.append((promised, ladder.like(self._level(promised))))
        for status, level in given:
            if level.rank > best.rank and status.first <= day <= (status.last or day):
                best, source = level, status.kind
        return best, source

    # --- what went before -----------------------------------------------------------------------------------------

    def _beginning(self, member: Member) -> _Beginning:
        """Return what is known of the tiers before the periods to go through."""
        steps = [(date.min, self._ladders.all[0].levels[0])]
        earned = [one for one in member.traits.statuses if one.kind == "earned"]
        known = [one for one in earned if one.last is None]
        if known and (self._before is None or known[-1].first >= self._since):
            steps += [(one.first, self._level(one)) for one in known]
            promised = [one for one in earned if one.last is not None and one.first == self._since]
            return _Beginning(steps, steps[-1], promised[0] if promised else None)
        return _Beginning(steps) if self._before is None else self._brought(member, self._before)

    def _brought(self, member: Member, before: "Tiers") -> _Beginning:
        """Return what the versions of another kind left a member with: the tier, its promise, and those before it."""
        day = self._since - _DAY
        earned = [one for one in member.traits.statuses if one.kind == "earned" and one.first <= day]
        member = structs.replace(
            member, counters=counting.up_to(member.counters, day), traits=Traits(statuses=tuple(earned))
        )
        steps = before._earned(member, day)
        standing = before.standing(member, day)
        ladder = self._ladders.all[0]
        level = ladder.like(standing.level)
        promised = Status(level.code, "earned", self._since, standing.valid_to or date.max)
        # A rolling window holds what it holds; other periods go on from the tier they begin with.
        start = (self._since, ladder.levels[0] if ladder.rules.period == "rolling" else level)
        return _Beginning([*steps, start], start, promised if level.rank else None)

    def _earned(self, member: Member, day: date) -> list[Step]:
        """Return the tiers earned up to a day."""
        beginning = self._beginning(member)
        periods = walk(member, self._ladders, beginning.start, day)
        found = _steps(takewhile(lambda period: period.first <= day, periods))
        return [step for step in (*beginning.steps, *found) if step[0] <= day]

    def _level(self, status: Status) -> Level:
        return self._ladder_on(status.first).level(status.tier)

    # --- days that are no longer needed ---------------------------------------------------------------------------

    def compact(self, member: Member, today: date, months: int) -> Member:
        """Return the member with days folded into their years that no rule needs any more, once there are many.

        Where days decide, the tiers earned before go along as statuses `earned`; the last of them stands on the first
        day from which on days decide. What is posted for days before it changes no tier any more.
        """
        horizon = add_months(today, -months).replace(day=1)
        days = [key for key in member.counters if counting.is_day(key)]
        if len(days) > _MANY_DAYS and min(days) < horizon.isoformat():
            tiers = self._at(today)
            limit = tiers._anchor(member, horizon) if tiers._needs_days() else horizon
            member.counters = counting.folded(member.counters, limit)
        return member

    def _needs_days(self) -> bool:
        return self._before is not None or self._ladders.all[-1].rules.period != "calendar_year"

    def _anchor(self, member: Member, horizon: date) -> date:
        """Note the tiers earned before the days that are kept; return the first of these, a given one or an earlier one."""
        beginning = self._beginning(member)
        periods = walk(member, self._ladders, beginning.start, horizon)
        if self._ladders.all[-1].rules.period == "rolling":
            # On this day, a window holds none of the days that are folded.
            first = max(add_months(horizon, ladder.rules.months) for ladder in self._ladders.all)
            before, limit = list(takewhile(lambda one: one.first < first, periods)), horizon
        else:
            before = list(takewhile(lambda one: one.first <= horizon, periods))
            while before and before[-1].rolled:
                before.pop()
            first = limit = before.pop().first if before else date.min
        earliest = self._since if self._before is not None else date.min
        if first < max(earliest, beginning.start[0] if beginning.start else date.min):
            return date.min
        steps = [*beginning.steps, *_steps(before)]
        earned = [(day, level) for day, level in steps if date.min < day < first] + [(first, steps[-1][1])]
        statuses = [one for one in member.traits.statuses if one.kind != "earned"]
        statuses += [Status(self._code(*step), "earned", step[0]) for step in earned]
        if beginning.promised is not None:
            statuses.append(beginning.promised)
        if tuple(statuses) != member.traits.statuses:
            member.traits = structs.replace(member.traits, statuses=tuple(statuses))
        return limit

    def _code(self, day: date, level: Level) -> str:
        """Return the code of a level in the version in force on a day."""
        return self._ladder_on(day).like(level).code


class _Whole(Mapping[str, int]):
    """What was counted over a whole membership, by unit; worked out for the units that are asked for."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def __getitem__(self, unit: str) -> int:
        return counting.over_all(self._counters, unit)

    def __iter__(self) -> Iterator[str]:
        return iter(counting.by_unit(self._counters))

    def __len__(self) -> int:
        return len(counting.by_unit(self._counters))


def _of_two_years(ladder: Ladder, counters: Counters, year: int) -> tuple[Level, Level]:
    """Return what the counts of a year and of the one before reach."""
    this, last = counting.of_two_years(counters, year)
    return ladder.reached(this), ladder.reached(last)


def _steps(periods: Iterable[Period]) -> list[Step]:
    return [step for period in periods for step in period.steps]


def _ends(statuses: Iterable[Status]) -> Iterator[date]:
    """Yield the days on which given tiers begin, and those after they end."""
    for status in statuses:
        yield status.first
        if status.last is not None and status.last < date.max:
            yield status.last + _DAY


def _years_at(steps: Sequence[Step], level: Level, day: date, early: timedelta) -> int:
    """Return in how many calendar years a tier or a higher one was held, on any day of each.

    `early` is how long before it began to hold a tier was reached: that day counts too.
    """
    years: set[int] = set()
    for place, (first, held) in enumerate(steps):
        if held.rank >= level.rank and first > date.min:
            last = steps[place + 1][0] - _DAY if place + 1 < len(steps) else day
            years.update(range((first - early).year, min(last, day).year + 1))
    return len(years)
