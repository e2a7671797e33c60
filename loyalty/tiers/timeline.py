"""What tier was earned from which day on: the periods of a membership gone through in order, without an end. Pure.

A timeline is a function of what was counted, of the day of enrolment and of the program's versions; the order of
posting never matters. What a version in force promises holds, whatever the next one says: a tier reached in a part of
a year lasts as long as one reached in all of it. A review is judged by the version in force on its day.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from msgspec import Struct

from loyalty.clock import add_months
from loyalty.ledger import counters as counting
from loyalty.ledger.model import Counters, Member
from loyalty.tiers.ladder import Ladder, Ladders, Level, higher

Step = tuple[date, Level]
"""A tier, and the day from which on it was the one earned."""

_DAY: Final = timedelta(days=1)
_YEAR: Final = 12
"""Months."""
_NOTHING: Final[Mapping[str, int]] = {}


class Period(Struct, frozen=True, gc=False):
    """A period in which is counted: its days, and what counts in it.

    `steps` are the tiers earned in it or by its end, none before its first day. `rolled`: what counts in it was partly
    carried over from the period before.
    """

    first: date
    last: date
    counted: Mapping[str, int]
    steps: Sequence[Step] = ()
    rolled: bool = False


def walk(member: Member, ladders: Ladders, start: Step | None, day: date) -> Iterator[Period]:
    """Yield the periods of a membership from a tier known on a day, or else from its beginning.

    Of a window that moves day by day, yield the days on which it may bring a change. `day` is one to begin by when
    nothing was counted.
    """
    match ladders.on(day).rules.period:
        case "calendar_year":
            return _years(member, ladders, start, day, None)
        case "membership_year":
            return _years(member, ladders, start, day, member.enrolled_on)
        case "rolling":
            return _rolling(member, ladders, start)
        case _:
            return _cycles(member, ladders, start)


def level_on(steps: Sequence[Step], day: date, grace_months: int) -> Level:
    """Return the tier on a day of a timeline: the highest of those that haven't ended, or not longer ago than grace."""
    best = steps[0][1]
    for place, (first, level) in enumerate(steps):
        if first > day or level.rank <= best.rank:
            continue
        if place + 1 < len(steps):
            ended = steps[place + 1][0]
            if (add_months(ended, grace_months) if grace_months else ended) <= day:
                continue
        best = level
    return best


# --- calendar and membership years ------------------------------------------------------------------------------------


def _years(
    member: Member, ladders: Ladders, start: Step | None, day: date, since: date | None
) -> Iterator[Period]:
    """Yield years, or years of membership. A tier reached in one lasts to the end of the next."""
    counts = _counts_by_year(member.counters, since, anchored=start is not None)
    year = min([*counts, _year_of(day, since)]) if start is None else _year_of(start[0], since)
    level = ladders.on(_start(year, since)).levels[0] if start is None else start[1]
    rolled: Mapping[str, int] = _NOTHING
    while True:
        first, last = _start(year, since), _start(year + 1, since) - _DAY
        actual = counts.get(year, _NOTHING)
        counted = _counted(ladders, actual, rolled)
        steps = _upgrades(member, ladders, level, counted, (first, last))
        level = steps[-1][1] if steps else level
        after = _reviewed(ladders, level, counted, (first, last), began=not steps)
        if after is not None:
            level = after
            steps.append((last + _DAY, level))
        yield Period(first, last, counted, steps, bool(rolled))
        rolled = _excess(ladders.on(last), counted, actual)
        year += 1


def _upgrades(
    member: Member, ladders: Ladders, level: Level, counted: Mapping[str, int], year: tuple[date, date]
) -> list[Step]:
    """Return the tiers that a year's counts reach, above the one it began with: by any version in force in it."""
    steps: list[Step] = []
    for begins, ladder in ladders.between(*year):
        present = ladder.like(level)
        reached = ladder.reached(counted, ladder.barred(counted))
        if reached.rank <= present.rank:
            continue
        if ladder.rules.effective == "same_day":
            found = [(year[0], reached)]
        else:
            found = _by_day(member, ladders, ladder, present, counted, year)
        steps += [(max(begins, day), reached) for day, reached in found]
        level = steps[-1][1]
    return steps


def _by_day(
    member: Member, ladders: Ladders, ladder: Ladder, present: Level, counted: Mapping[str, int],
    year: tuple[date, date],
) -> list[Step]:  # fmt: skip
    """Return the tiers reached in a year, each from the day after; what isn't known by day counts on the first one."""
    barred = ladder.barred(counted)
    days = {day: counts for day, counts in _days(member.counters).items() if year[0] <= day <= year[1]}
    total = dict(counted)
    for counts in days.values():
        _add(total, counts, -1)
    steps: list[Step] = []
    for day in sorted({year[0], *days}):
        _add(total, days.get(day, _NOTHING))
        found = ladder.reached(_with_brands(ladders, total), barred)
        if found.rank > present.rank:
            present = found
            steps.append((day + _DAY, found))
    return steps


def _reviewed(
    ladders: Ladders, level: Level, counted: Mapping[str, int], year: tuple[date, date], *, began: bool
) -> Level | None:
    """Return the level for the next year, if it is another: one reached lasts, one brought along has to be kept.

    `began`: the year began with it, so that a bar may be in the way of keeping it.
    """
    if level.rank == 0 or not (began or ladders.days):
        return None
    judge = ladders.on(year[1] + _DAY)
    present, best = judge.like(level), judge.levels[0]
    for _, ladder in ladders.between(*year):
        found = (
            ladder.reached(counted, ladder.barred_from_keeping(counted)) if began else ladder.reached(counted)
        )
        best = higher(best, judge.like(found))
    if present.rank <= best.rank:
        return None
    after = higher(judge.after_review(present, counted), best)
    return None if after is present else after


def _counts_by_year(counters: Counters, since: date | None, *, anchored: bool) -> dict[int, dict[str, int]]:
    """Return counts by calendar year, or by the year of membership in which each day lies.

    What of a membership is known by calendar year alone lies before the tier it begins with; without one, it is taken
    for the year of membership that began in it.
    """
    if since is None:
        return {int(year): dict(counts) for year, counts in counting.by_year(counters).items()}
    found: dict[int, dict[str, int]] = {}
    for key, counts in counting.parts(counters):
        if not counting.is_day(key):
            if anchored:
                continue
            year = counting.year_of(key)
        else:
            year = _year_of(date.fromisoformat(key), since)
        _add(found.setdefault(year, {}), counts)
    return found


def _year_of(day: date, since: date | None) -> int:
    """Return the year that a day lies in; of a membership, the calendar year that its year began in."""
    if since is None:
        return day.year
    return day.year if day >= _start(day.year, since) else day.year - 1


def _start(year: int, since: date | None) -> date:
    """Return the first day of a year, or of a year of membership: the anniversary of enrolment."""
    if since is None:
        return date(year, 1, 1)
    return add_months(since, (year - since.year) * _YEAR)


def _excess(ladder: Ladder, counted: Mapping[str, int], actual: Mapping[str, int]) -> Mapping[str, int]:
    """Return what of a year's own counts is beyond the tier that was reached in it."""
    if not ladder.rules.rollover:
        return _NOTHING
    tier = ladder.reached(counted, ladder.barred(counted))
    if tier.rank < ladder.rolls_from:
        return _NOTHING
    thresholds = dict((*tier.require, *tier.reach))
    return {
        unit: actual[unit] - thresholds[unit]
        for unit in ladder.rules.rollover
        if unit in thresholds and actual.get(unit, 0) > thresholds[unit]
    }


# --- rolling ----------------------------------------------------------------------------------------------------------


def _rolling(member: Member, ladders: Ladders, start: Step | None) -> Iterator[Period]:
    """Yield the days on which something was counted or is no longer, each with what counts then.

    A day on which something leaves the window is a review. A new version may raise a tier at once.
    """
    days = _days(member.counters)
    leaving: defaultdict[date, list[Mapping[str, int]]] = defaultdict(list)
    for day, counts in days.items():
        leaving[leaves_on(day, ladders)].append(counts)
    level = ladders.all[0].levels[0] if start is None else start[1]
    total: dict[str, int] = {}
    begin = () if start is None else (start[0],)
    for day in sorted({*days, *leaving, *ladders.days, *begin}):
        _add(total, days.get(day, _NOTHING))
        for counts in leaving.get(day, ()):
            _add(total, counts, -1)
        if start is not None and day < start[0]:
            continue
        ladder = ladders.on(day)
        counted = _with_brands(ladders, dict(total))
        steps: list[Step] = []
        present = ladder.like(level)
        after = ladder.upgraded(counted, present)
        if after is not present:
            steps.append((day + _DAY if ladder.rules.effective == "next_day" else day, after))
        elif day in leaving:
            after = ladder.after_review(present, counted)
            if after is not present:
                steps.append((day, after))
        level = steps[-1][1] if steps else level
        yield Period(day, day, counted, steps)


def window(member: Member, ladders: Ladders, day: date) -> Period:
    """Return the window that ends on a day: that day counts, the same day so many months before doesn't."""
    total: dict[str, int] = {}
    for one, counts in _days(member.counters).items():
        if one <= day < leaves_on(one, ladders):
            _add(total, counts)
    months = ladders.on(day).rules.months
    first = add_months(day, -months) + _DAY
    while add_months(first, months) <= day:
        first += _DAY
    return Period(first, day, _with_brands(ladders, total))


def leaves_on(day: date, ladders: Ladders) -> date:
    """Return the first day on which a window no longer holds a day: as the version in force on that day promised."""
    return add_months(day, ladders.on(day).rules.months)


# --- personal cycles --------------------------------------------------------------------------------------------------


class Cycles:
    """Cycles gone through day by day: the one that is open, what counts in it, and the tier by now.

    A cycle ends on the day a higher tier is reached, or when its months are over. The next one begins with the day
    after, and with nothing counted.
    """

    __slots__ = ("_begins", "_ladders", "_level", "_next", "_total", "limit")

    def __init__(self, ladders: Ladders, begins: date, level: Level) -> None:
        """Open the first cycle."""
        self._ladders = ladders
        self._open(begins, level)

    def _open(self, begins: date, level: Level) -> None:
        self._begins, self._level = begins, level
        self._next = add_months(begins, self._ladders.on(begins).rules.months)
        self._total: dict[str, int] = {}
        self.limit = self._next.isoformat()
        """The key of the first day after the open cycle."""

    def count(self, key: str, counts: Mapping[str, int]) -> Period | None:
        """Count a day of the open cycle, after those before it; return the cycle if it ends because of it."""
        ladders = self._ladders
        ladder = ladders.on(date.fromisoformat(key)) if ladders.days else ladders.all[0]
        _add(self._total, counts)
        present = ladder.like(self._level) if ladders.days else self._level
        counted = _with_brands(ladders, self._total)
        after = ladder.upgraded(counted, present)
        if after is present:
            return None
        day = date.fromisoformat(key)
        begins = day + _DAY
        step = (begins if ladder.rules.effective == "next_day" else day, after)
        period = Period(self._begins, day - _DAY, counted, (step,))
        self._open(begins, after)
        return period

    def over(self) -> Period:
        """End the open cycle, whose months are over, and return it; a review tells the tier of the next one."""
        begins, level, counted = self._next, self._level, _with_brands(self._ladders, self._total)
        step: tuple[Step, ...] = ()
        if level.rank:
            ladder = self._ladders.on(begins)
            present = ladder.like(level)
            after = ladder.after_review(present, counted)
            if after is not present:
                level, step = after, ((begins, after),)
        period = Period(self._begins, begins - _DAY, counted, step)
        self._open(begins, level)
        return period


def _cycles(member: Member, ladders: Ladders, start: Step | None) -> Iterator[Period]:
    """Yield the cycles."""
    counters, keys = member.counters, counting.days(member.counters)
    begins = cycles_begin(member) if start is None else start[0]
    cycles = Cycles(ladders, begins, ladders.on(begins).levels[0] if start is None else start[1])
    marks, since = {*keys, *[day.isoformat() for day in ladders.days]}, begins.isoformat()
    waiting = sorted([key for key in marks if key >= since], reverse=True)
    while True:
        while waiting and waiting[-1] < cycles.limit:
            key = waiting.pop()
            ended = cycles.count(key, counters.get(key, _NOTHING))
            if ended is not None:
                yield ended
        yield cycles.over()


def cycles_begin(member: Member) -> date:
    """Return the first day of a member's first cycle: that of enrolment, or the first one on which was counted."""
    first = min(counting.days(member.counters), default="")
    return min(member.enrolled_on, date.fromisoformat(first)) if first else member.enrolled_on


# --- counts -----------------------------------------------------------------------------------------------------------


def _days(counters: Counters) -> dict[date, Mapping[str, int]]:
    return {date.fromisoformat(key): counters[key] for key in counting.days(counters)}


def _counted(ladders: Ladders, actual: Mapping[str, int], rolled: Mapping[str, int]) -> Mapping[str, int]:
    if rolled:
        total = dict(actual)
        _add(total, rolled)
        actual = total
    return _with_brands(ladders, actual)


def _add(total: dict[str, int], counts: Mapping[str, int], times: int = 1) -> None:
    for unit, amount in counts.items():
        total[unit] = total.get(unit, 0) + times * amount


def _with_brands(ladders: Ladders, counted: Mapping[str, int]) -> Mapping[str, int]:
    """Return the counts with the number of different brands, where a tier asks for it."""
    return counting.with_brands(counted) if ladders.uses_brands else counted
