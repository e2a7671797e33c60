"""What tier was earned from which day on: the periods of a membership gone through in order. Pure.

A timeline is a function of what was counted, of the day of enrolment and of the program's versions; the order of posting
never matters. Each period is judged by the version in force on its last day (or on the day asked for), each review by
the one in force on the day after.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final

from msgspec import Struct

from loyalty.ledger.model import Counters, Member, Status
from loyalty.program.lifetime import add_months
from loyalty.tiers.ladder import Ladder, Level

LadderOn = Callable[[date], Ladder]

_DAY: Final = timedelta(days=1)
_YEAR: Final = 12
"""Months."""
_YEAR_KEY: Final = 4
"""Characters of a year in a key of the counters."""


class Period(Struct, frozen=True, gc=False):
    """A period in which is counted: its days, what counts in it, and the tier with which it began."""

    first: date
    last: date
    counted: Mapping[str, int]
    began_with: Level


class Timeline(Struct, frozen=True, gc=False):
    """The tiers earned, each from a day on, and the period that the day asked for lies in."""

    steps: list[tuple[date, Level]]
    period: Period


def timeline(member: Member, day: date, ladder_on: LadderOn) -> Timeline:
    """Return the tiers that a member has earned up to a day."""
    ladder = ladder_on(day)
    if ladder.by_year:
        return _by_years(member, day, ladder_on)
    return (
        _rolling(member, day, ladder_on)
        if ladder.rules.period == "rolling"
        else _cycles(member, day, ladder_on)
    )


def anchor(member: Member) -> Status | None:
    """Return the tier that stood when older days were folded away, if they were."""
    return next((one for one in reversed(member.traits.statuses) if one.kind == "earned"), None)


# --- calendar and membership years ------------------------------------------------------------------------------------


def _by_years(member: Member, day: date, ladder_on: LadderOn) -> Timeline:
    membership = ladder_on(day).rules.period == "membership_year"
    since = member.enrolled_on if membership else None
    counts = _counts_by_year(member.counters, since)
    place, standing = _year_of(day, since), anchor(member)
    first = min([*counts, place])
    carried, rolled = ladder_on(_start(first, since)).levels[0], dict[str, int]()
    if standing is not None:
        first = max(first, min(place, _year_of(standing.first, since)))
        carried = ladder_on(_start(first, since)).level(standing.tier)
    steps = [(date.min, carried)]
    while True:
        begins, ends = _start(first, since), _start(first + 1, since) - _DAY
        ladder = ladder_on(min(ends, day))
        actual = counts.get(first, {})
        counted = _counted(ladder, actual, rolled)
        began_with = ladder.like(carried)
        level = ladder.upgraded(counted, began_with)
        if level is not began_with:
            # As years alone are known, a tier that a year's counts reach is taken as reached from its first day.
            steps.append((_reached_on(member, ladder, level, begins, day, rolled) or begins, level))
        if first == place:
            return Timeline(steps, Period(begins, ends, counted, began_with))
        judge = ladder_on(ends + _DAY)
        carried = _carried(judge, level, began_with, counted)
        if carried is not level:
            steps.append((ends + _DAY, carried))
        rolled = _excess(judge, carried, actual)
        first += 1


def _carried(judge: Ladder, level: Level, began_with: Level, counted: Mapping[str, int]) -> Level:
    """Return the level for the next year: one that was reached lasts; one brought along has to be kept."""
    if level.rank > began_with.rank:
        return judge.like(level)
    present = judge.like(level)
    if present.rank and present.reached_by(counted):
        return present
    return judge.after_review(present, counted)


def _reached_on(
    member: Member, ladder: Ladder, level: Level, begins: date, day: date, rolled: Mapping[str, int]
) -> date | None:
    """Return the day from which a level reached within a period holds, where the program asks for the next day."""
    if ladder.rules.effective == "same_day":
        return None
    total: dict[str, int] = dict(rolled)
    first, last = begins.isoformat(), day.isoformat()
    _sum(total, member.counters.get(str(begins.year), {}))
    for key in sorted(key for key in member.counters if len(key) > _YEAR_KEY and first <= key <= last):
        _sum(total, member.counters[key])
        if level.reached_by(_with_brands(ladder, total)):
            return date.fromisoformat(key) + _DAY
    return None


def _counts_by_year(counters: Counters, since: date | None) -> dict[int, dict[str, int]]:
    """Return counts by calendar year, or by the year of membership in which each day lies."""
    found: dict[int, dict[str, int]] = {}
    for key, counts in counters.items():
        if since is None or len(key) == _YEAR_KEY:
            year = int(key[:_YEAR_KEY])
        else:
            year = _year_of(date.fromisoformat(key), since)
        _sum(found.setdefault(year, {}), counts)
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


def _excess(ladder: Ladder, level: Level, actual: Mapping[str, int]) -> dict[str, int]:
    """Return what of a year's own counts is beyond the level it leaves a member with."""
    thresholds = dict((*level.require, *level.reach))
    return {
        unit: actual.get(unit, 0) - thresholds[unit]
        for unit in ladder.rules.rollover
        if unit in thresholds and actual.get(unit, 0) > thresholds[unit]
    }


# --- rolling ----------------------------------------------------------------------------------------------------------


def _rolling(member: Member, day: date, ladder_on: LadderOn) -> Timeline:
    """Go through the days on which something was counted, or left the window. A window ends on its day, which counts."""
    days = _days(member.counters)
    months = ladder_on(day).rules.months
    ends = sorted({*days, *(add_months(one, months) for one in days)})
    standing = anchor(member)
    since = standing.first if standing else date.min
    level = ladder_on(ends[0] if ends else day).levels[0]
    if standing is not None:
        level = ladder_on(standing.first).level(standing.tier)
    steps = [(since, level)]
    for one in ends:
        if since <= one <= day:
            level = _step(ladder_on(one), level, _window(days, one, months))
            if level.code != steps[-1][1].code:
                later = ladder_on(one).rules.effective == "next_day" and level.rank > steps[-1][1].rank
                steps.append((one + _DAY if later else one, level))
    ladder = ladder_on(day)
    counted = _with_brands(ladder, _window(days, day, months))
    return Timeline(steps, Period(add_months(day, -months) + _DAY, day, counted, ladder.like(level)))


def _step(ladder: Ladder, level: Level, window: dict[str, int]) -> Level:
    counted = _with_brands(ladder, window)
    present = ladder.like(level)
    upgraded = ladder.upgraded(counted, present)
    return upgraded if upgraded is not present else ladder.after_review(present, counted)


def _window(days: Mapping[date, Mapping[str, int]], last: date, months: int) -> dict[str, int]:
    """Return what was counted in the months up to a day: that day included, the same day so many months before not."""
    total: dict[str, int] = {}
    for day, counts in days.items():
        if day <= last < add_months(day, months):
            _sum(total, counts)
    return total


# --- personal cycles --------------------------------------------------------------------------------------------------


def _cycles(member: Member, day: date, ladder_on: LadderOn) -> Timeline:
    """Go through the cycles: each ends with a change of tier, or when its months are over; then counting begins anew."""
    days = _days(member.counters)
    standing = anchor(member)
    begins = standing.first if standing else min([member.enrolled_on, *days])
    ladder = ladder_on(begins)
    level = ladder.level(standing.tier) if standing else ladder.levels[0]
    steps, total, began_with = [(begins, level)], dict[str, int](), level
    waiting = sorted(one for one in days if begins <= one <= day)
    while True:
        ends = add_months(begins, ladder_on(begins).rules.months) - _DAY
        if waiting and waiting[0] <= ends:
            one = waiting.pop(0)
            ladder = ladder_on(one)
            _sum(total, days[one])
            reached = ladder.upgraded(_with_brands(ladder, total), ladder.like(level))
            if reached.rank > level.rank:
                level = began_with = reached
                begins = one + _DAY if ladder.rules.effective == "next_day" else one
                total = {}
                steps.append((begins, level))
        elif ends < day:
            ladder = ladder_on(ends + _DAY)
            after = ladder.after_review(ladder.like(level), _with_brands(ladder, total))
            if after.code != level.code:
                steps.append((ends + _DAY, after))
            level = began_with = after
            begins, total = ends + _DAY, {}
        else:
            return Timeline(steps, Period(begins, ends, _with_brands(ladder_on(day), total), began_with))


# --- counts -----------------------------------------------------------------------------------------------------------


def _days(counters: Counters) -> dict[date, Mapping[str, int]]:
    return {date.fromisoformat(key): counts for key, counts in counters.items() if len(key) > _YEAR_KEY}


def _counted(ladder: Ladder, actual: Mapping[str, int], rolled: Mapping[str, int]) -> dict[str, int]:
    total = dict(actual)
    _sum(total, rolled)
    return _with_brands(ladder, total)


def _sum(total: dict[str, int], counts: Mapping[str, int]) -> None:
    for unit, amount in counts.items():
        total[unit] = total.get(unit, 0) + amount


def _with_brands(ladder: Ladder, counted: dict[str, int]) -> dict[str, int]:
    """Return the counts with the number of different brands, where the ladder asks for it."""
    if not ladder.uses_brands:
        return counted
    return counted | {
        "brands": sum([unit[:6] == "brand:" and amount > 0 for unit, amount in counted.items()])
    }


def level_on(steps: Sequence[tuple[date, Level]], day: date, grace_months: int) -> Level:
    """Return the tier on a day of a timeline: the highest that ended less than the months of grace ago, or later."""
    since = add_months(day, -grace_months) if grace_months else day
    best: Level | None = None
    for place, (first, level) in enumerate(steps):
        ended = place + 1 < len(steps) and steps[place + 1][0] <= since
        if first <= day and not ended and (best is None or level.rank > best.rank):
            best = level
    return best or steps[0][1]
