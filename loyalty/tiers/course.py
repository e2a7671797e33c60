"""The course of a member's tier: what is in force on a day, and on which later days it changes by itself. Pure.

What is in force is the highest of what was earned, given, and earned for life.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from heapq import heapify, heappop, heappush
from itertools import chain, takewhile
from typing import Final

from msgspec import Struct, structs

from loyalty.clock import add_months
from loyalty.ledger import counters as counting
from loyalty.ledger.model import Counters, Member, Status, Traits
from loyalty.tiers.ladder import Ladder, Ladders, Level, standing_for
from loyalty.tiers.timeline import Period, Step, level_on, walk, window

_DAY: Final = timedelta(days=1)
_ANY_YEARS: Final = 10_000
"""As many years as anybody asks for."""


class Found(Struct, frozen=True, gc=False):
    """The tier on a day, and where it comes from: earned, lifetime, or the kind of a status."""

    day: date
    level: Level
    source: str


class Beginning(Struct, frozen=True, gc=False):
    """What is known of the tiers before the periods to go through, and the tier that these begin with, if it is known.

    `promised` is a tier that earlier versions promised up to a day, whatever is earned under the later ones.
    """

    steps: Sequence[Step]
    start: Step | None = None
    promised: tuple[Status, ...] = ()


class Era:
    """Successive versions of a program with one kind of period, and the era before, whose kind was another.

    What an era promised lasts as long as it promised it. Counting goes on under the next kind of period from the tier
    that it left a member with.
    """

    def __init__(self, versions: Sequence[tuple[date, Ladder]]) -> None:
        """Take the ladders of all versions, the first in force first."""
        kind, place = versions[-1][1].rules.period, len(versions) - 1
        while place and versions[place - 1][1].rules.period == kind:
            place -= 1
        self.kind = kind
        self.since = versions[place][0] if place else date.min
        self.before = Era(versions[:place]) if place else None
        self.ladders = Ladders(versions[place:])
        self.every = (*(self.before.every if self.before else ()), *self.ladders.all)
        self._grace = sorted({ladder.rules.grace_months for ladder in self.ladders.all} - {0})

    def at(self, day: date) -> "Era":
        """Return the era that a day lies in."""
        return self if self.before is None or day >= self.since else self.before.at(day)

    def ladder_on(self, day: date) -> Ladder:
        """Return the ladder in force on a day."""
        return self.at(day).ladders.on(day)

    def period(self, member: Member, day: date) -> Period:
        """Return the period that a day of the era lies in, and what counts in it, up to then where days are kept."""
        if self.kind == "rolling":
            return window(member, self.ladders, day)
        known = structs.replace(member, counters=counting.up_to(member.counters, day))
        periods = walk(known, self.ladders, self._beginning(known).start, day)
        return next(one for one in periods if one.last >= day)

    def on(self, member: Member, day: date) -> Level:
        """Return the tier in force on a day."""
        if self.before is not None and day < self.since:
            return self.before.on(member, day)
        beginning = self._beginning(member)
        ladder = self.ladders.on(day)
        lasting = [ladder] if may_last(ladder, member.counters) else []
        steps = self._earned(member, beginning, day)
        return self._found(member, day, steps, _given(member, beginning), lasting).level

    def course(self, member: Member, day: date) -> Iterator[Found]:
        """Yield what is in force on a day, and on each later one on which it may change by itself; until it can't."""
        if self.before is not None and day < self.since:
            yield from takewhile(lambda found: found.day < self.since, self.before.course(member, day))
            day = self.since
        beginning = self._beginning(member)
        given = _given(member, beginning)
        steps = list(beginning.steps)
        marks = [day, *self.ladders.days, *_ends(given), *self._marks(steps)]
        heapify(marks)
        told = day - _DAY
        lasting = [ladder for ladder in self.ladders.all if may_last(ladder, member.counters)]
        for period in chain(self._periods(member, beginning.start, day), (None,)):
            # All steps before the first day of this period are known by now.
            while marks and (period is None or marks[0] < period.first):
                mark = heappop(marks)
                if mark > told:
                    yield self._found(member, mark, steps, given, lasting)
                    told = mark
            if period is not None and period.steps:
                steps += period.steps
                for mark in self._marks(period.steps):
                    heappush(marks, mark)

    def anchor(self, member: Member, horizon: date) -> date:
        """Note the tiers earned before the days that are kept as statuses; return the first day that has to be kept.

        That is a given day, or an earlier one. The last status noted stands on the first day from which on days decide.
        """
        beginning = self._beginning(member)
        periods = walk(member, self.ladders, beginning.start, horizon)
        if self.kind == "rolling":
            # On this day, a window holds nothing from before the horizon.
            first = max(add_months(horizon, ladder.rules.months) for ladder in self.ladders.all)
            before = list(takewhile(lambda period: period.first < first, periods))
            kept = horizon
        else:
            before = list(takewhile(lambda period: period.first <= horizon, periods))
            while before and before[-1].rolled:
                before.pop()
            first = kept = before.pop().first if before else date.min
        if first < max(self.since, beginning.start[0] if beginning.start else date.min):
            return date.min
        steps = [*beginning.steps, *_steps(before)]
        earned = [step for step in steps if date.min < step[0] < first]
        statuses = (
            *(status for status in member.traits.statuses if status.kind != "earned"),
            *(self._earned_status(*step) for step in (*earned, (first, steps[-1][1]))),
            *beginning.promised,
        )
        if statuses != member.traits.statuses:
            member.traits = structs.replace(member.traits, statuses=statuses)
        return kept

    def _marks(self, steps: Sequence[Step]) -> Iterator[date]:
        """Yield the days from which tiers are earned, and those on which the grace of the ones before is over."""
        for first, _ in steps:
            if first > date.min:
                yield first
                for months in self._grace:
                    yield add_months(first, months)

    def _periods(self, member: Member, start: Step | None, day: date) -> Iterator[Period]:
        """Yield the periods up to the first one after which nothing changes any more."""
        year = counting.year_of(max(member.counters)) if member.counters else day.year
        last = max(day, date(year, 12, 31), *self.ladders.days)
        for period in walk(member, self.ladders, start, day):
            yield period
            if period.first > last and not period.steps and not any(period.counted.values()):
                return

    def _found(
        self,
        member: Member,
        day: date,
        steps: Sequence[Step],
        given: Sequence[Status],
        lasting: Sequence[Ladder],
    ) -> Found:
        """Return the highest tier in force on a day, and where it comes from; for life, by some ladders at most."""
        ladder = self.ladders.on(day)
        if len(self.every) > 1:
            steps = [(first, ladder.like(level)) for first, level in steps]
        best, source = level_on(steps, day, ladder.rules.grace_months), "earned"
        if ladder in lasting:
            level = _for_life(ladder, member.counters, steps, day)
            if level.rank > best.rank:
                best, source = level, "lifetime"
        for status in given:
            level = standing_for(status.tier, ladder, self.every)
            if level.rank > best.rank and status.first <= day <= (status.last or day):
                best, source = level, status.kind
        return Found(day, best, source)

    # --- what went before -----------------------------------------------------------------------------------------

    def _beginning(self, member: Member) -> Beginning:
        """Return what is known of the tiers before the periods to go through."""
        earned = [status for status in member.traits.statuses if status.kind == "earned"]
        known = [status for status in earned if status.last is None]
        steps = [(date.min, self.ladders.all[0].levels[0])]
        if known and known[-1].first >= self.since:
            steps += [(one.first, self.ladder_on(one.first).level(one.tier)) for one in known]
            promised = tuple(one for one in earned if one.last is not None and one.first == self.since)
            return Beginning(steps, steps[-1], promised)
        return Beginning(steps) if self.before is None else self._brought(member, self.before)

    def _brought(self, member: Member, before: "Era") -> Beginning:
        """Return what an era left a member with: the tiers earned, the last one, and how long that was promised."""
        day, ladder = self.since - _DAY, self.ladders.all[0]
        earned = tuple(
            one for one in member.traits.statuses if one.kind == "earned" and one.first < self.since
        )
        member = structs.replace(
            member, counters=counting.up_to(member.counters, day), traits=Traits(statuses=earned)
        )
        course = before.course(member, day)
        level = ladder.like(next(course).level)
        ends = next((found.day for found in course if ladder.like(found.level).rank < level.rank), None)
        promised = Status(level.code, "earned", self.since, date.max if ends is None else ends - _DAY)
        # A window holds what it holds; other periods go on from the tier they begin with.
        start = (self.since, ladder.levels[0] if self.kind == "rolling" else level)
        return Beginning([*before.earned(member, day), start], start, (promised,) if level.rank else ())

    def earned(self, member: Member, day: date) -> list[Step]:
        """Return the tiers earned up to a day of the era."""
        return self._earned(member, self._beginning(member), day)

    def _earned(self, member: Member, beginning: Beginning, day: date) -> list[Step]:
        """Return the tiers earned up to a day of the era, from its beginning on."""
        steps = list(beginning.steps)
        for period in walk(member, self.ladders, beginning.start, day):
            if period.first > day:
                break
            steps += period.steps
        return [step for step in steps if step[0] <= day]

    def has_for_life(self, member: Member, day: date) -> bool:
        """Tell whether a member has a tier above the lowest on a day that is for life, earned as such or given."""
        era = self.at(day)
        ladder = era.ladders.on(day)
        for status in member.traits.statuses:
            if status.kind != "earned" and status.last is None and status.first <= day:
                return True
        steps = [(first, ladder.like(level)) for first, level in era.earned(member, day)]
        if any(level.permanent for _, level in steps):
            return True
        return bool(ladder.lifetime) and _for_life(ladder, member.counters, steps, day).rank > 0

    def _earned_status(self, first: date, level: Level) -> Status:
        """Return an earned tier as a status, by its code in the version in force on its first day."""
        return Status(self.ladder_on(first).like(level).code, "earned", first)


def _for_life(ladder: Ladder, counters: Counters, steps: Sequence[Step], day: date) -> Level:
    """Return the highest tier that is earned for good by a day; the lowest when none is."""
    early = _DAY if ladder.rules.effective == "next_day" else timedelta(0)
    return ladder.for_life(
        _asked_for_life(ladder, counters), lambda level: _years_at(steps, level, day, early)
    )


def may_last(ladder: Ladder, counters: Counters) -> bool:
    """Tell whether enough was counted for a tier for life, however many years it was held."""
    if not ladder.lifetime:
        return False
    return ladder.for_life(_asked_for_life(ladder, counters), lambda _: _ANY_YEARS).rank > 0


def _asked_for_life(ladder: Ladder, counters: Counters) -> dict[str, int]:
    """Return what was counted over a whole membership of the units that tiers for life ask for."""
    return {unit: counting.over_all(counters, unit) for unit in ladder.asked_for_life}


def _given(member: Member, beginning: Beginning) -> list[Status]:
    """Return the tiers that were given or promised, whatever is earned."""
    return [*beginning.promised, *[one for one in member.traits.statuses if one.kind != "earned"]]


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
