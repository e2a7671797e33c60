"""A member's tier on a day, until when it lasts, and what counts for it. Pure."""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from typing import Final

from msgspec import Struct

from loyalty.clock import add_months
from loyalty.ledger import counters as counting
from loyalty.ledger.model import Counters, Member
from loyalty.tiers import years
from loyalty.tiers.course import Era, may_last
from loyalty.tiers.ladder import Ladder, Level
from loyalty.tiers.marks import Asked, Change, Marks
from loyalty.tiers.timeline import Period

_DAY: Final = timedelta(days=1)
_MANY_DAYS: Final = 40
"""Days that are kept before older ones are left out."""


class Standing(Struct, frozen=True, gc=False):
    """The tier on a day, and the last day it is certain for; None: no end is in sight, or it is everybody's.

    `source`: earned, lifetime, or the kind of the status that gives it.
    """

    level: Level
    valid_to: date | None
    source: str = "earned"


class Tiers:
    """The tiers of all versions of a program, each in force from a day on."""

    def __init__(self, versions: Sequence[tuple[date, Ladder]]) -> None:
        """Take the ladders, the first in force first."""
        self._era = Era(versions)
        self.ladders = self._era.ladders
        self.one_a_year = self._era.before is None and all(
            ladder.rules.period == "calendar_year" and ladder.rules.effective == "same_day"
            for ladder in self.ladders.all
        )
        """Whether there is one tier for all of a calendar year, or two while there is grace."""
        self.by_cycles = (
            self._era.kind == "cycle" and self._era.before is None and len(self.ladders.all) == 1
            and not self.ladders.all[0].lifetime
        )  # fmt: skip
        """Whether a tier is what cycles make it, one after the other, by the same rules, and nothing else."""
        # What is carried over from another year isn't seen in a year's own counts.
        self.by_marks = self.one_a_year and not any(ladder.rules.rollover for ladder in self.ladders.all)
        """Whether a tier moves only with counts that pass a threshold."""
        self._thresholds = Marks(self.asked())
        self._grace = max(ladder.rules.grace_months for ladder in self.ladders.all)
        self._by_years = self._era.before is None and all(ladder.by_years for ladder in self.ladders.all)

    def asked(self) -> Iterator[Asked]:
        """Yield the thresholds of all versions, where tiers move by them alone."""
        for ladder in self.ladders.all if self.by_marks else ():
            yield from ladder.asked()

    def on(self, member: Member, day: date) -> Level:
        """Return the tier of a member on a day."""
        if not member.traits.statuses:
            ladder = self._steady(member.counters, day)
            if ladder is not None:
                return years.on(ladder, member.counters, day) if member.counters else ladder.levels[0]
        return self._era.on(member, day)

    def certain(self, member: Member, day: date) -> bool:
        """Tell whether the tier last told is the one of a day: it was told, and no review is due."""
        return member.tier != "" and (member.review_on is None or member.review_on > day)

    def near(self, member: Member, day: date, today: date) -> Level:
        """Return the tier on a day; the one last told where a calendar year has but one, beyond any grace."""
        if self.one_a_year and not member.traits.statuses and day <= today and self.certain(member, today):
            ladders, begins = self.ladders, add_months(date(today.year, 1, 1), self._grace)
            ladder = ladders.on(today)
            if day >= begins and (not ladders.days or ladder is ladders.on(begins)):
                return ladder.level(member.tier)
        return self.on(member, day)

    def unmoved(self, changed: Sequence[Change], counters: Counters) -> bool:
        """Tell whether changes of the counts, which hold them already, can't have moved a tier nor its end."""
        return self.by_marks and not self._thresholds.passed(changed, counters)

    def standing(self, member: Member, day: date) -> Standing:
        """Return the tier on a day, until when it is certain, and where it comes from."""
        found = self._by_years_until(member, day)
        if found is not None:
            level, falls = found
            return Standing(level, None if falls is None else falls - _DAY)
        course = self._era.course(member, day)
        now = next(course)
        if now.level.rank:
            for later in course:
                if later.level.rank < self._era.ladder_on(later.day).like(now.level).rank:
                    return Standing(now.level, later.day - _DAY, now.source)
        return Standing(now.level, None, now.source)

    def has_for_life(self, member: Member, day: date) -> bool:
        """Tell whether a member has a tier above the lowest on a day that is for life, earned as such or given."""
        return self._era.has_for_life(member, day)

    def review_on(self, member: Member, day: date) -> date | None:
        """Return the first later day on which the tier is another without anything being posted; None: never."""
        return self.reviewed(member, day)[1]

    def reviewed(self, member: Member, day: date) -> tuple[Level, date | None]:
        """Return the tier on a day, and the first later day on which it is another without anything being posted."""
        found = self._by_years_until(member, day)
        if found is not None:
            return found
        course = self._era.course(member, day)
        level = next(course).level
        return level, next((later.day for later in course if later.level.code != level.code), None)

    def period(self, member: Member, day: date) -> Period:
        """Return the period in which a day lies, with what counts in it for tiers."""
        if self._by_years:
            counted = counting.of_year(counting.up_to(member.counters, day), day.year)
            return Period(date(day.year, 1, 1), date(day.year, 12, 31), counted)
        return self._era.at(day).period(member, day)

    def compact(self, member: Member, today: date, months: int) -> Member:
        """Return the member without days that no rule needs any more, once there are many.

        Where days decide, the tiers earned before go along as statuses `earned`. What is posted for a day before the
        last of these changes no tier any more.
        """
        if len(member.counters) <= _MANY_DAYS:
            return member
        horizon = add_months(today, -months).replace(day=1)
        days = counting.days(member.counters)
        if len(days) > _MANY_DAYS and min(days) < horizon.isoformat():
            era = self._era.at(today)
            years_do = era.kind == "calendar_year" and era.before is None
            kept = horizon if years_do else era.anchor(member, horizon)
            member.counters = counting.without_days(member.counters, kept)
        return member

    def _steady(self, counters: Counters, day: date) -> Ladder | None:
        """Return the ladder by which a tier is read off years, if it is the only one of all that matter on a day.

        None where so much was counted that a tier may be for life.
        """
        if not self._by_years:
            return None
        ladder, days = self.ladders.all[0], self.ladders.days
        if days:
            place = bisect_right(days, day)
            ladder = self.ladders.all[place]
            since = days[place - 1] if place else date.min
            if not ladder.forgets or since > date(day.year - 1 - years.graced(self._grace), 1, 1):
                return None
        return None if may_last(ladder, counters) else ladder

    def _by_years_until(self, member: Member, day: date) -> tuple[Level, date | None] | None:
        """Return the tier read off years, and the first day on which it is lower; None where that isn't enough."""
        counters, days = member.counters, self.ladders.days
        if member.traits.statuses or (days and days[-1] > day):
            return None
        ladder = self._steady(counters, day)
        if ladder is None or (counters and max(counters) >= str(day.year + 1)):
            return None
        return years.until(ladder, counters, day) if counters else (ladder.levels[0], None)
